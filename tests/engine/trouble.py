"""What the model remembers of an incident: clocks that tick, and facts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Climb:
    """A run of one escalation policy: its clock, the level that comes next (from 0), and the rest before it repeats.

    `told` is the last level that was told (from 1, 0: none); `again` says that the next one was told before.
    """

    severity: str
    clock: int = 0
    next: int = 0
    resting: int = 0
    loops: int = 0
    raising: int = 0
    told: int = 0
    again: bool = False


@dataclass
class Taken:
    """An acknowledgement: by whom, at which level (from 0) and severity, and the time it has left (None: for good)."""

    by: set[str]
    level: int
    severity: str
    left: int | None


@dataclass
class Trouble:
    """One incident as the rules see it. `look_at` is the end of `group_wait`, of a group interval, or of its memory."""

    look_at: int
    severity: str
    state: str = "pending"
    raised: str = ""
    climb: Climb | None = None
    taken: Taken | None = None
    snoozed_until: int | None = None
    told: set[str] = field(default_factory=set)
    exhausted: bool = False
    over_since: int = 0

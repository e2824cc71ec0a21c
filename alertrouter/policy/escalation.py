"""Escalation policies: who is told when, while nobody takes an incident; and teams, which say who the roles are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level: whom to tell (`notify`: roles of the team, or receivers) how long after the policy started.

    Outside the time interval `during` it is held until that opens, or skipped when `skip_outside`.
    """

    notify: tuple[str, ...]
    after: timedelta = timedelta(0)
    during: str | None = None
    skip_outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """Severity escalation: still firing and nobody's after this long, it counts as `to`."""

    to: str
    after: timedelta
    during: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """After the last level: go on from level `from_level` (counted from 1) every so often; `times` None is endless."""

    every: timedelta
    from_level: int = 1
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """When who is told, until somebody acknowledges. `ack_timeout` None: an acknowledgement never lapses."""

    name: str
    levels: tuple[Level, ...]
    ack_timeout: timedelta | None = None
    raises: Raise | None = None
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team: its roles, each the name of a receiver."""

    name: str
    roles: Mapping[str, str]

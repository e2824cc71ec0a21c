"""Escalation policies: who is told when, while nobody takes an incident; and teams, which say who the roles are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from alertrouter.policy.duration import format_duration


class Comparison(StrEnum):
    """How a number of alerts is compared."""

    AT_LEAST = ">="
    MORE = ">"
    AT_MOST = "<="
    FEWER = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCount:
    """How many alerts of an incident a level asks for: those that fire, or those that began `within` so long."""

    comparison: Comparison
    number: int
    within: timedelta | None = None

    def met_by(self, count: int) -> bool:
        """Tell whether so many are what is asked for."""
        match self.comparison:
            case Comparison.AT_LEAST:
                return count >= self.number
            case Comparison.MORE:
                return count > self.number
            case Comparison.AT_MOST:
                return count <= self.number
            case Comparison.FEWER:
                return count < self.number

    def __str__(self) -> str:
        """Write it as people do."""
        within = "" if self.within is None else f" in {format_duration(self.within)}"
        return f"{self.comparison.value}{self.number}{within}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level: whom to tell (`notify`: roles of the team, or receivers) how long after the policy started.

    Outside the time interval `during` it is held until that opens, or skipped when `skip_outside`; it is skipped too
    when the incident has not as many alerts as `alerts` asks for. With `digest` its messages are collected, and sent
    together that often at most.
    """

    notify: tuple[str, ...]
    after: timedelta = timedelta(0)
    during: str | None = None
    skip_outside: bool = False
    alerts: AlertCount | None = None
    digest: timedelta | None = None


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
    """When who is told, until somebody acknowledges. `ack_timeout` None: an acknowledgement never lapses.

    A page that is not delivered within `deliver_within` (None: however long it takes) makes the next level be told, as
    one does that is refused for good; behind the last level it is `fallback` (roles, or receivers) that is told.
    """

    name: str
    levels: tuple[Level, ...]
    ack_timeout: timedelta | None = None
    raises: Raise | None = None
    repeat: Repeat | None = None
    deliver_within: timedelta | None = None
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team: its roles, each the name of a receiver."""

    name: str
    roles: Mapping[str, str]

"""Maintenance: at times known beforehand, alerts that meet the matchers are silenced by the policy itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alertrouter.alert import Labels
from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.matcher import Matcher
from alertrouter.policy.opening import HORIZON, is_open, next_opening, switches


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """Each time that one of the named intervals of `during` opens, a silence begins; it ends when all are closed."""

    name: str
    matchers: tuple[Matcher, ...]
    during: tuple[str, ...]
    comment: str

    def matches(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels is silenced while the window is open."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def is_open(self, intervals: Mapping[str, Sequence[TimeInterval]], now: datetime) -> bool:
        """Tell whether it is open."""
        return is_open(self._entries(intervals), now)

    def opens(self, intervals: Mapping[str, Sequence[TimeInterval]], now: datetime) -> datetime | None:
        """When it opens next, `now` if it is open; None when it doesn't within the horizon."""
        return next_opening(self._entries(intervals), now)

    def closes(self, intervals: Mapping[str, Sequence[TimeInterval]], now: datetime) -> datetime:
        """When an open window closes; one that never does is looked at again at the horizon."""
        return next(switches(self._entries(intervals), now), now + HORIZON)

    def _entries(self, intervals: Mapping[str, Sequence[TimeInterval]]) -> tuple[TimeInterval, ...]:
        return tuple(entry for name in self.during for entry in intervals[name])

"""Heartbeats: signs of life that are expected again and again, and the alert that is made when one doesn't come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from alertrouter.alert import Labels
from alertrouter.policy.duration import format_duration
from alertrouter.policy.matcher import Matcher

MISSING: Final = "HeartbeatMissing"
"""The `alertname` of the alert that says that a heartbeat is missing; its label `heartbeat` says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRule:
    """One expected sign of life: a beat must come `every` so often, and is missing when `grace` has passed besides.

    An alert that fires and meets all `matchers` is a beat; without matchers only a request to the heartbeat's own
    address is. `severity`, `labels` and `summary` are those of the alert that says that it is missing.
    """

    name: str
    matchers: tuple[Matcher, ...]
    every: timedelta
    grace: timedelta
    severity: str
    labels: Mapping[str, str]
    summary: str

    @property
    def patience(self) -> timedelta:
        """How long after one beat the next one is missing."""
        return self.every + self.grace

    def heard_in(self, labels: Labels) -> bool:
        """Tell whether a firing alert with these labels is a beat."""
        return bool(self.matchers) and all(matcher.matches(labels) for matcher in self.matchers)

    def alert_labels(self) -> Labels:
        """The labels of the alert that says that it is missing."""
        return {**self.labels, "alertname": MISSING, "heartbeat": self.name, "severity": self.severity}

    def alert_annotations(self, last: str) -> Mapping[str, str]:
        """What that alert says; `last` tells of the last beat."""
        every, grace = format_duration(self.every), format_duration(self.grace)
        expected = f"A beat is expected every {every}, {grace} late at most."
        return {"summary": self.summary, "description": f"{last}. {expected}"}

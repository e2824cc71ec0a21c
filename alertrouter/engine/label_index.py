"""Alerts by an equal label, for those label names that silences ask for. A new silence doesn't look at all alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from alertrouter.alert import Alert, Fingerprint

NAMES: Final = 8
"""For so many label names at most alerts are indexed: those that were asked for first."""

_NONE: Final[frozenset[Fingerprint]] = frozenset()


class LabelIndex:
    """Finds the alerts that have a label; costs nothing for names that nobody asks for."""

    def __init__(self, alerts: Mapping[Fingerprint, Alert]) -> None:
        """Find among these alerts, of which `add` and `remove` tell when they change."""
        self._alerts = alerts
        self._by_name: dict[str, dict[str, set[Fingerprint]]] = {}

    def having(self, name: str, values: Iterable[str]) -> Set[Fingerprint] | None:
        """The alerts whose label has one of these values, none of them empty. None: for this name there is no index."""
        if name not in self._by_name and not self._begin(name):
            return None
        found = [marks for value in values if (marks := self._by_name[name].get(value))]
        return found[0] if len(found) == 1 else _NONE.union(*found)

    def add(self, alert: Alert) -> None:
        """Take in an alert that was not there; its labels never change."""
        if self._by_name:
            labels = alert.labels
            for name, marks in self._by_name.items():
                if value := labels.get(name):
                    marks.setdefault(value, set()).add(alert.fingerprint)

    def remove(self, alert: Alert) -> None:
        """Let go of an alert."""
        if self._by_name:
            labels = alert.labels
            for name, marks in self._by_name.items():
                if value := labels.get(name):
                    marks[value].discard(alert.fingerprint)
                    if not marks[value]:
                        del marks[value]

    def _begin(self, name: str) -> bool:
        if len(self._by_name) >= NAMES:
            return False
        marks = self._by_name[name] = {}
        for alert in self._alerts.values():
            if value := alert.labels.get(name):
                marks.setdefault(value, set()).add(alert.fingerprint)
        return True

"""When the engine has to look at what: one moment for each thing that waits, one for all alerts that end together."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from alertrouter.alert import Alert, Fingerprint

Kind: TypeAlias = Literal["incident", "heartbeat", "maintenance", "silence", "summary"]
"""What has one moment at a time; a new one takes the place of the old."""


class Due(NamedTuple):
    """A moment at which an incident, an alert, a heartbeat or a silence must be looked at.

    Sorted by time, then kind, then id.
    """

    due: datetime
    kind: str
    id: str


class Timers:
    """A heap of moments, in which those that count no more stay until their time comes."""

    def __init__(self, alerts: Mapping[Fingerprint, Alert]) -> None:
        """Plan nothing yet; of `alerts` those that are gone need no look at their end."""
        self._alerts = alerts
        self._heap: list[Due] = []
        self._planned: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
        self._ending: dict[datetime, list[Fingerprint]] = {}

    def __len__(self) -> int:
        """How many moments are kept, those that count no more included."""
        return len(self._heap)

    def plan(self, kind: Kind, name: str, due: datetime | None) -> None:
        """Set its one moment; None: it waits for nothing."""
        planned = self._planned[kind]
        if due is None:
            planned.pop(name, None)
        elif planned.get(name) != due:
            planned[name] = due
            heapq.heappush(self._heap, Due(due, kind, name))

    def planned(self, kind: Kind, name: str) -> datetime | None:
        """Its one moment; None when it waits for nothing."""
        return self._planned[kind].get(name)

    def clear(self, kind: Kind) -> None:
        """Forget all moments of a kind."""
        self._planned[kind].clear()

    def plan_end(self, alert: Alert) -> None:
        """Plan an alert's end. What was evaluated together ends together, and shares one timer until that comes."""
        if alert.ends_at is None:
            return
        if alert.ends_at not in self._ending:
            self._ending[alert.ends_at] = []
            heapq.heappush(self._heap, Due(alert.ends_at, "alerts", ""))
        self._ending[alert.ends_at].append(alert.fingerprint)

    def next(self) -> datetime | None:
        """The earliest moment that counts."""
        while self._heap and not self._counts(self._heap[0]):
            gone = heapq.heappop(self._heap)
            if gone.kind == "alerts":
                del self._ending[gone.due]
        return self._heap[0].due if self._heap else None

    def pop(self, until: datetime, *, inclusive: bool) -> Due | None:
        """Take the earliest one; None when there is none up to `until`.

        It waits for nothing then: were it planned for the same moment once more, it would come once more.
        """
        while self._heap:
            due = self._heap[0].due
            if due > until or (due == until and not inclusive):
                return None
            timer = heapq.heappop(self._heap)
            if timer.kind == "alerts":
                for mark in self._ending.pop(due):
                    heapq.heappush(self._heap, Due(due, "alert", mark))
            elif self._counts(timer):
                if timer.kind != "alert":
                    del self._planned[timer.kind][timer.id]
                return timer
        return None

    def _counts(self, timer: Due) -> bool:
        if timer.kind == "alerts":
            return any(mark in self._alerts for mark in self._ending[timer.due])
        if timer.kind == "alert":
            return Fingerprint(timer.id) in self._alerts
        return self._planned[timer.kind].get(timer.id) == timer.due

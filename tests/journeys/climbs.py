"""How the incidents of a storm climbed: which levels they told, and how long after its time each was told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tests.journeys.farsides import FarSides
from tests.journeys.installation import Door
from tests.journeys.storm import MARK, Group
from tests.standins import Received

SECOND: Final = timedelta(seconds=2)
THIRD: Final = timedelta(seconds=4)
"""When PagerDuty and the webhook are told, counted from the opening."""


@dataclass(frozen=True, slots=True)
class Climb:
    """One level of one incident: how many seconds after its time it was heard, and what its incident's story says."""

    late: float
    steps: tuple[str, ...]


class Climbs:
    """What far sides heard of a storm, and when, beside the incidents' own stories."""

    def __init__(self, door: Door, far: FarSides) -> None:
        """Read stories at `door`."""
        self._door = door
        self._far = far

    def missing(self, storm: Sequence[Group]) -> list[str]:
        """The groups of which some level was not told."""
        levels = self._heard()
        return [group.name for group in storm if any(group.name not in level for level in levels)]

    def of(self, storm: Sequence[Group]) -> list[Climb]:
        """Both timed levels of each group."""
        incidents = json.loads(self._door.page("/api/v1/incidents"))
        ids = {one["group_labels"]["storm"]: str(one["id"]) for one in incidents}
        _, pager, leads = self._heard()
        found = []
        for group in storm:
            opened, steps = self._story(ids[group.name])
            for heard, after in ((pager, SECOND), (leads, THIRD)):
                found.append(Climb((heard[group.name] - opened - after).total_seconds(), steps))
        return found

    def _story(self, incident: str) -> tuple[datetime, tuple[str, ...]]:
        lines = json.loads(self._door.page(f"/api/v1/incidents/{incident}/timeline?limit=1000"))
        (opened,) = [datetime.fromisoformat(line["at"]) for line in lines if line["transition"] == "OPEN"]
        return opened, tuple(str(line["text"]) for line in lines if line["transition"] == "STEP")

    def _heard(self) -> tuple[dict[str, datetime], ...]:
        """Of each group, when Slack, PagerDuty and the webhook heard of it first."""
        far = self._far
        return tuple(_first(side.received) for side in (far.slack, far.pagerduty, far.webhook))


def lateness(late: Sequence[float]) -> str:
    """Say how late the levels were, from the shortest to the longest time."""
    percentile = late[min(len(late) * 99 // 100, len(late) - 1)]
    return f"{len(late)} levels late by {late[len(late) // 2]:.2f} s (median), {percentile:.2f} s (p99)"


def _first(received: Sequence[Received]) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for request in received:
        for mark in MARK.findall(request.body.decode()):
            first.setdefault(mark.rpartition("-")[0], request.at)
    return first

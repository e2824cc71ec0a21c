"""People and schedules: who is on call at a moment, and when that changes.

Turns change at a wall clock's time: all is counted in the local time of a schedule's zone and only then made an
instant, so that a hand-over at 09:00 stays at 09:00 when the clocks change. A hand-over at 02:30 in the night that has
no such time is at 03:30, in the night that has it twice it is at the first one.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.opening import is_open, switches

HORIZON: Final = timedelta(days=400)
"""How far ahead a hand-over is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person, and how they are reached: Slack user id, address, and the placeholder of a PagerDuty key.

    `pagerduty_user` is their id there, by which they are known when they act.
    """

    name: str
    slack: str = ""
    email: str = ""
    pagerduty: str = ""
    pagerduty_user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who is on call, and why: `override`, `calendar`, `layer 2`, or `fallback`: that may be a receiver's name."""

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """When somebody else is on call, and who."""

    at: datetime
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People who take turns of `length` from `start` on, until `until`; only while `during` is open, if that is given.

    `start` and `until` are local times of the schedule's zone. The first person has the first turn.
    """

    people: tuple[str, ...]
    start: datetime
    length: timedelta
    until: datetime | None = None
    during: tuple[TimeInterval, ...] = ()

    def on_call(self, at: datetime, zone: ZoneInfo) -> str | None:
        """Whose turn it is; None when this layer has nobody."""
        number = self._number(at, zone)
        ended = self.until is not None and _instant(self.until, zone) <= at
        if number < 0 or ended or (self.during and not is_open(self.during, at)):
            return None
        return self.people[number % len(self.people)]

    def changes(self, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The moments after `at` at which somebody else may have the turn, in order."""
        sources = [self._handovers(at, zone)]
        if self.until is not None:
            sources.append(iter([_instant(self.until, zone)]))
        if self.during:
            sources.append(switches(self.during, at))
        return (moment for moment in heapq.merge(*sources) if moment > at)

    def _handovers(self, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        number = max(self._number(at, zone) + 1, 0)
        while number == 0 or len(self.people) > 1:
            yield self._begins(number, zone)
            number += 1

    def _number(self, at: datetime, zone: ZoneInfo) -> int:
        """Which turn it is, counted from 0; negative before the first."""
        local = at.astimezone(zone).replace(tzinfo=None, fold=0)
        number = (local - self.start) // self.length
        while self._begins(number, zone) > at:
            number -= 1
        while self._begins(number + 1, zone) <= at:
            number += 1
        return number

    def _begins(self, number: int, zone: ZoneInfo) -> datetime:
        return _instant(self.start + number * self.length, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody who is on call from one moment to another, whoever's turn it is."""

    person: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call when. A later layer covers the ones before it, the calendar all layers, an override everything.

    Of two overrides the later one counts. Where nobody is left, it is `fallback`: a person or a receiver. `ical` is the
    placeholder of the calendar's address, "" without one; its `shifts` are in order, and no two at once.
    """

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    overrides: tuple[Shift, ...]
    fallback: str
    ical: str = ""
    shifts: tuple[Shift, ...] = ()

    def on_call(self, at: datetime) -> Turn:
        """Who is on call at an instant."""
        for override in reversed(self.overrides):
            if override.since <= at < override.until:
                return Turn(who=override.person, why="override")
        number = bisect_right(self.shifts, at, key=lambda shift: shift.since)
        if number and at < self.shifts[number - 1].until:
            return Turn(who=self.shifts[number - 1].person, why="calendar")
        for number in range(len(self.layers), 0, -1):
            who = self.layers[number - 1].on_call(at, self.zone)
            if who is not None:
                return Turn(who=who, why=f"layer {number}")
        return Turn(who=self.fallback, why="fallback")

    def next_handover(self, at: datetime) -> Handover | None:
        """When somebody else than at `at` is on call next; None when not within the horizon."""
        before = self.on_call(at).who
        for moment in self._changes(at, at + HORIZON):
            turn = self.on_call(moment)
            if turn.who != before:
                return Handover(at=moment, turn=turn)
        return None

    def gaps(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """The times between two instants at which only the fallback is left, each from when until when."""
        found: list[tuple[datetime, datetime]] = []
        begin: datetime | None = None
        for moment in (since, *self._changes(since, until), until):
            gap = moment < until and self.on_call(moment).why == "fallback"
            if gap and begin is None:
                begin = moment
            elif not gap and begin is not None:
                found.append((begin, moment))
                begin = None
        return found

    def _changes(self, at: datetime, until: datetime) -> Iterator[datetime]:
        edges: Iterable[datetime] = sorted(
            edge for shift in (*self.overrides, *self.shifts) for edge in (shift.since, shift.until) if edge > at
        )
        last = at
        for moment in heapq.merge(edges, *(layer.changes(at, self.zone) for layer in self.layers)):
            if moment >= until:
                return
            if moment > last:
                yield moment
                last = moment


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)

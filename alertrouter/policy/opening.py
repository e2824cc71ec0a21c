"""When a time interval opens next, and what is left of a time that only counts while it is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from alertrouter.policy.interval import TimeInterval

HORIZON: Final = timedelta(days=400)
"""How far ahead an opening is looked for: a year and the longest month."""

_QUARTER: Final = timedelta(minutes=15)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)

_DAYS_REMEMBERED: Final = 4096
"""Of how many days, each of one interval, it is remembered when that opens and closes."""


def is_open(intervals: Sequence[TimeInterval], now: datetime) -> bool:
    """Tell whether any entry of a named interval contains the instant."""
    return any(interval.contains(now) for interval in intervals)


def next_opening(intervals: Sequence[TimeInterval], now: datetime) -> datetime | None:
    """When the interval is open next, `now` included; None when it isn't within the horizon."""
    if is_open(intervals, now):
        return now
    return next(switches(intervals, now), None)


def switches(intervals: Sequence[TimeInterval], now: datetime) -> Iterator[datetime]:
    """Every moment after `now` at which the interval opens or closes, in order, within the horizon."""
    asked = tuple(intervals)
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = now + HORIZON
    while day < end:
        for moment in _switches_of_day(asked, day):
            if now < moment < end:
                yield moment
        day += _DAY


def open_between(intervals: Sequence[TimeInterval], start: datetime, end: datetime) -> timedelta:
    """How much of the time from `start` to `end` the interval is open."""
    at, total, opened = start, timedelta(), is_open(intervals, start)
    for moment in switches(intervals, start):
        if moment >= end:
            break
        total += moment - at if opened else timedelta()
        at, opened = moment, not opened
    return total + (end - at if opened else timedelta())


def after_open(intervals: Sequence[TimeInterval], start: datetime, duration: timedelta) -> datetime | None:
    """When the interval will have been open for `duration` since `start`; None when not within the horizon."""
    at, left, opened = start, duration, is_open(intervals, start)
    for moment in switches(intervals, start):
        if opened:
            if at + left <= moment:
                return at + left
            left -= moment - at
        at, opened = moment, not opened
    return at + left if opened and at + left <= start + HORIZON else None


@lru_cache(_DAYS_REMEMBERED)
def _switches_of_day(intervals: tuple[TimeInterval, ...], day: datetime) -> tuple[datetime, ...]:
    """The moments of a day in UTC at which the interval opens or closes, its first moment among them."""
    opened, found = is_open(intervals, day - _MINUTE), []
    for moment in boundaries(intervals, day - _MINUTE):
        if moment >= day + _DAY:
            break
        if is_open(intervals, moment) != opened:
            opened = not opened
            found.append(moment)
    return tuple(found)


def boundaries(intervals: Sequence[TimeInterval], now: datetime) -> Iterator[datetime]:
    """Every minute after `now` at which an entry can begin or end, in order, within the horizon.

    Zones are apart by quarters of an hour, days begin and clocks change at such quarters; so all of them, and within
    each the minutes at which a range of times begins or ends.
    """
    minutes = {0}
    for interval in intervals:
        for begin, last in interval.times or ():
            minutes |= {begin % 15, (last + 1) % 15}
    quarter = now.astimezone(UTC).replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    end = now + HORIZON
    while quarter < end:
        for minute in sorted(minutes):
            moment = quarter + timedelta(minutes=minute)
            if moment > now:
                yield moment
        quarter += _QUARTER

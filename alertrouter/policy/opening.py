"""When a time interval opens next, and what is left of a time that only counts while it is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from alertrouter.policy.interval import TimeInterval

HORIZON: Final = timedelta(days=400)
"""How far ahead an opening is looked for: a year and the longest month."""

_QUARTER: Final = timedelta(minutes=15)


def is_open(intervals: Sequence[TimeInterval], now: datetime) -> bool:
    """Tell whether any entry of a named interval contains the instant."""
    return any(interval.contains(now) for interval in intervals)


def next_opening(intervals: Sequence[TimeInterval], now: datetime) -> datetime | None:
    """When the interval is open next, `now` included; None when it isn't within the horizon."""
    if is_open(intervals, now):
        return now
    return next((moment for moment in boundaries(intervals, now) if is_open(intervals, moment)), None)


def switches(intervals: Sequence[TimeInterval], now: datetime) -> Iterator[datetime]:
    """Every moment after `now` at which the interval opens or closes, in order, within the horizon."""
    opened = is_open(intervals, now)
    for moment in boundaries(intervals, now):
        if is_open(intervals, moment) != opened:
            opened = not opened
            yield moment


def open_between(intervals: Sequence[TimeInterval], start: datetime, end: datetime) -> timedelta:
    """How much of the time from `start` to `end` the interval is open."""
    at, total = start, timedelta()
    for moment in boundaries(intervals, start):
        if is_open(intervals, at):
            total += min(moment, end) - at
        at = moment
        if at >= end:
            break
    return total


def after_open(intervals: Sequence[TimeInterval], start: datetime, duration: timedelta) -> datetime | None:
    """When the interval will have been open for `duration` since `start`; None when not within the horizon."""
    at, left, opened = start, duration, is_open(intervals, start)
    for moment in boundaries(intervals, start):
        if opened:
            if at + left <= moment:
                return at + left
            left -= moment - at
        at, opened = moment, is_open(intervals, moment)
    return None


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

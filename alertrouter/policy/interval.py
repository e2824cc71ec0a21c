"""Time intervals in Alertmanager's grammar: minutes of days, weekdays, days of month, months, years, in a zone."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Ranges: TypeAlias = tuple[tuple[int, int], ...] | None
"""Ranges with both ends in them; None: the field is not given, any value will do. An empty tuple holds nothing."""

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_FIELDS = ("times", "weekdays", "days_of_month", "months", "years", "location")
_TIME = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
_NUMBER = re.compile("[+-]?[0-9]{1,9}")


class IntervalError(ValueError):
    """A time interval can't be read; `field` says where in it, as `weekdays[0]` or `times[1].end_time`."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """One entry of a named interval; its fields are ANDed, the ranges of a field ORed.

    `times` are minutes of the day, the last one of a range is the last included. Weekdays count from sunday = 0.
    Negative days of month count from its end. Without any field it contains all time.
    """

    times: Ranges = None
    weekdays: Ranges = None
    days_of_month: Ranges = None
    months: Ranges = None
    years: Ranges = None
    zone: ZoneInfo

    @classmethod
    def of(cls, fields: Mapping[str, object], default_zone: str = "UTC") -> TimeInterval:
        """Build one from the fields that an operator wrote. Raises `IntervalError` at the first fault.

        Ranges are texts (`monday:friday`) or whole numbers. `default_zone` is the zone when there is no `location`.
        """
        for name in fields:
            if name not in _FIELDS:
                raise IntervalError(name, f"unknown field; expected one of {', '.join(_FIELDS)}")
        return cls(
            times=_each(fields, "times", _times),
            weekdays=_each(fields, "weekdays", _weekdays),
            days_of_month=_each(fields, "days_of_month", _days_of_month),
            months=_each(fields, "months", _months),
            years=_each(fields, "years", _years),
            zone=_zone(fields.get("location"), default_zone),
        )

    def contains(self, now: datetime) -> bool:
        """Tell whether the instant lies in it: what a wall clock in its zone shows then decides."""
        if now.tzinfo is None:
            raise ValueError("an instant needs its zone")
        local = now.astimezone(self.zone)
        return (
            _within(self.times, local.hour * 60 + local.minute)
            and _within(self.weekdays, local.isoweekday() % 7)
            and _within(self.months, local.month)
            and _within(self.years, local.year)
            and self._contains_day(local)
        )

    def _contains_day(self, local: datetime) -> bool:
        if self.days_of_month is None:
            return True
        after_end = monthrange(local.year, local.month)[1] + 1
        counted = ((day if day > 0 else after_end + day for day in ends) for ends in self.days_of_month)
        return any(begin <= local.day <= end for begin, end in counted)


def _within(ranges: Ranges, value: int) -> bool:
    return ranges is None or any(begin <= value <= end for begin, end in ranges)


def _each(fields: Mapping[str, object], name: str, read: Callable[[str, object], tuple[int, int]]) -> Ranges:
    written = fields.get(name)
    if written is None:
        return None
    if not isinstance(written, list | tuple):
        raise IntervalError(name, f"expected a list, found {written!r}")
    return tuple(read(f"{name}[{place}]", one) for place, one in enumerate(written))


def _times(where: str, written: object) -> tuple[int, int]:
    """A range of times; its end is not part of it, and may be 24:00. None goes over midnight: that is two ranges."""
    if not isinstance(written, Mapping) or set(written) != {"start_time", "end_time"}:
        raise IntervalError(where, f"expected start_time and end_time, found {written!r}")
    begin, end = (_minute(f"{where}.{key}", written[key]) for key in ("start_time", "end_time"))
    if begin >= end:
        raise IntervalError(where, "the end must be after the start; for a night write two ranges, parted at 24:00")
    return begin, end - 1


def _minute(where: str, written: object) -> int:
    found = _TIME.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise IntervalError(where, f'expected a time like "09:00", in quotes, from 00:00 to 24:00; found {written!r}')
    hour, minute = (int(part) for part in found.groups() if part)
    return hour * 60 + minute


def _weekdays(where: str, written: object) -> tuple[int, int]:
    begin, end = _ends(where, written, lambda text: _named(where, text, _WEEKDAYS, "a weekday like monday"))
    if begin > end:
        raise IntervalError(where, f"{written} goes backwards: the week begins on sunday; write two ranges")
    return begin, end


def _days_of_month(where: str, written: object) -> tuple[int, int]:
    begin, end = _ends(
        where, written, lambda text: _number(where, text, "a day of the month from 1 to 31 or -31 to -1")
    )
    for day in (begin, end):
        if not 1 <= abs(day) <= 31:
            raise IntervalError(where, f"{day} is no day of a month; expected 1 to 31, or -31 to -1 from its end")
    if begin < 0 < end:
        raise IntervalError(where, f"{written} begins from the end of the month, so it must end so too")
    # Counted in the shortest month, as Alertmanager does: there, too, a range must not go backwards.
    if (begin if begin > 0 else 28 + begin) > (end if end > 0 else 28 + end):
        raise IntervalError(where, f"{written} goes backwards in a month of 28 days")
    return begin, end


def _months(where: str, written: object) -> tuple[int, int]:
    def month(text: str) -> int:
        if _NUMBER.fullmatch(text):
            return int(text)
        return 1 + _named(where, text, _MONTHS, "a month like january, or from 1 to 12")

    begin, end = _ends(where, written, month)
    if begin < 1 or end > 12:
        raise IntervalError(where, f"{written}: expected months from 1 to 12")
    if begin > end:
        raise IntervalError(where, f"{written} goes backwards; write two ranges")
    return begin, end


def _years(where: str, written: object) -> tuple[int, int]:
    begin, end = _ends(where, written, lambda text: _number(where, text, "a year"))
    if begin > end:
        raise IntervalError(where, f"{written} goes backwards")
    return begin, end


def _ends(where: str, written: object, read: Callable[[str], int]) -> tuple[int, int]:
    """The two ends of a range `a:b`; of a single value, that value twice."""
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise IntervalError(where, f"expected a value or a range like a:b, found {written!r}")
    begin, colon, end = str(written).lower().partition(":")
    return read(begin), read(end if colon else begin)


def _named(where: str, text: str, names: tuple[str, ...], expected: str) -> int:
    if text not in names:
        raise IntervalError(where, f"expected {expected}, found {text!r}")
    return names.index(text)


def _number(where: str, text: str, expected: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise IntervalError(where, f"expected {expected}, found {text!r}")
    return int(text)


def _zone(written: object, default_zone: str) -> ZoneInfo:
    name = default_zone if written is None else written or "UTC"
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise IntervalError("location", f"{name!r} is no time zone; expected a name like Europe/Berlin") from None

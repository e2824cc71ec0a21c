"""`timezone:` and `time_intervals:` → when."""

from __future__ import annotations

import re
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from alertrouter.policy.interval import IntervalError, TimeInterval
from alertrouter.policy.reading.faults import unknown
from alertrouter.policy.reading.value import Value, Wrong, each_of
from alertrouter.policy.reading.yamltext import Listing, Node, Scalar, Table

FIELDS: Final = ("times", "weekdays", "days_of_month", "months", "years", "location")

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,9}")


def timezone(value: Value) -> ZoneInfo:
    """Read the name of a zone."""
    name = value.text()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # Suggestions first by the whole name, then by the city alone: `Berlin` means `Europe/Berlin`.
        raise Wrong(_unknown_zone(name)) from error


def _unknown_zone(name: str) -> str:
    zones = sorted(available_timezones())
    city = next((zone for zone in zones if zone.rpartition("/")[2].lower() == name.lower()), None)
    if city:
        return f"unknown time zone `{name}`, did you mean `{city}`?"
    message = unknown("time zone", name, zones)
    return message if "did you mean" in message else f"unknown time zone `{name}`, expected one such as `Europe/Berlin`"


def time_intervals(zone: ZoneInfo, value: Value) -> dict[str, tuple[TimeInterval, ...]]:
    """Read all named intervals; `zone` is where an entry without `location` is."""
    return value.table(lambda _, value: each_of(partial(entry, zone.key))(value))


def entry(zone: str, value: Value) -> TimeInterval:
    """Read one entry of a named interval; without `location` it is in `zone`."""
    entries = value.entries()
    with value.fields() as fields:
        given = {name: _plain(entries[name][1].node) for name in FIELDS if name in fields}
    return TimeInterval.of({name: field for name, field in given.items() if _good(value, name, field)}, zone)


def _good(value: Value, name: str, field: object) -> bool:
    """Tell whether a field is right by itself; fields don't depend on one another."""
    try:
        TimeInterval.of({name: field})
    except IntervalError as error:
        _below(value, error.field).read(partial(_refuse, str(error).partition(": ")[2]), None)
        return False
    return True


def _refuse(message: str, _: Value) -> None:
    raise Wrong(message)


def _below(value: Value, path: str) -> Value:
    """The value at a path such as `times[1].end_time`, or the nearest one above it."""
    for step in _STEP.finditer(path):
        name, number = step[1], step[2]
        if isinstance(value.node, Table) and name in value.node.entries:
            value = value.entries()[name][1]
        elif isinstance(value.node, Listing) and number and int(number) < len(value.node.items):
            value = value.items()[int(number)]
        else:
            break
    return value


def _plain(node: Node) -> object:
    match node:
        case Table(entries=entries):
            return {key: _plain(entry.value) for key, entry in entries.items()}
        case Listing(items=items):
            return [_plain(item) for item in items]
        case Scalar(null=True):
            return None
        case Scalar(plain=True, text=text) if _WHOLE.fullmatch(text):
            return int(text)
        case Scalar(text=text):
            return text

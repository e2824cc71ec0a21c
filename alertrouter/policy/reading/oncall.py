"""`people:` and `schedules:` → who is on call when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.oncall import Layer, Person, Schedule, Shift
from alertrouter.policy.reading.intervals import timezone
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.receivers import address, secret
from alertrouter.policy.reading.value import Fields, Value, Wrong, one_of

ROTATIONS: Final[Mapping[str, timedelta]] = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
HANDOVER: Final = time(9, 0)
SHORTEST_TURN: Final = timedelta(hours=1)
LONGEST_TURN: Final = timedelta(days=366)
YEARS: Final = range(1970, 2101)

_UTC: Final = ZoneInfo("UTC")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SLACK_USER: Final = re.compile(r"[UW][A-Z0-9]{2,20}")
_PAGERDUTY_USER: Final = re.compile(r"[A-Z0-9]{5,20}")
_IDENTITIES: Final = ("slack", "email", "pagerduty_user")
_PERSON: Final = {"name": "found `name`: a person's name is their key, as in `lena: {email: lena@example.com}`"}
_LAYER: Final = {
    "every": "unknown key `every`, did you mean `rotate`?",
    "length": "unknown key `length`, did you mean `rotate`?",
}


def people(names: Names, value: Value) -> dict[str, Person]:
    """Read all people. What somebody is known by when they act belongs to nobody else."""
    return value.table(partial(_person, names, {}))


def _person(names: Names, others: dict[tuple[str, str], str], name: str, value: Value) -> Person:
    with value.fields(_PERSON) as fields:
        person = Person(
            name=name,
            slack=fields.take("slack", _slack_user, ""),
            email=fields.take("email", address, ""),
            pagerduty=secret(fields, "pagerduty") or "",
            pagerduty_user=fields.take("pagerduty_user", _pagerduty_user, ""),
        )
        if not {"slack", "email", "pagerduty", "pagerduty_file"} & fields.present:
            fields.wrong("found no way to reach them, expected at least one of `slack`, `email`, `pagerduty`")
        if name in (*names.receivers, *names.roles):
            fields.wrong(f"found the name `{name}`, expected one that no role or receiver has")
        for key, known_by in zip(_IDENTITIES, (person.slack, person.email, person.pagerduty_user), strict=True):
            other = others.setdefault((key, known_by.casefold()), name)
            if known_by and other != name:
                fields.wrong(f"found the `{key}` of {other}, expected one that nobody else has", key)
        return person


def slack_allowed(persons: Mapping[str, Person], value: Value) -> frozenset[str]:
    """Read `slack: {allowed: …}`: who may act in Slack, by their name under `people` or their user id there."""
    with value.fields() as fields:
        return frozenset(fields.need("allowed", partial(_each_allowed, persons), ()))


def _each_allowed(persons: Mapping[str, Person], value: Value) -> tuple[str, ...]:
    return value.each(partial(_allowed, persons))


def _allowed(persons: Mapping[str, Person], value: Value) -> str:
    person = persons.get(value.text())
    if person is None:
        if not _SLACK_USER.fullmatch(value.text()):
            raise value.expected("the name of a person under `people`, or a Slack user id such as U024BE7LH")
        return value.text()
    if not person.slack:
        raise value.expected("somebody whose `slack` stands under `people`")
    return person.slack


def schedules(
    names: Names, zone: ZoneInfo, intervals: Mapping[str, tuple[TimeInterval, ...]], value: Value
) -> dict[str, Schedule]:
    """Read all schedules; `zone` is where one without `timezone` is."""
    return value.table(partial(_schedule, names, zone, intervals))


def _schedule(
    names: Names, zone: ZoneInfo, intervals: Mapping[str, tuple[TimeInterval, ...]], name: str, value: Value
) -> Schedule:
    with value.fields() as fields:
        zone = fields.take("timezone", timezone, zone)
        layer, override = partial(_layer, names, intervals), partial(_shift, names, zone)
        ical = secret(fields, "ical") or ""
        layers = fields.take if {"ical", "ical_file"} & fields.present else fields.need
        found = Schedule(
            name=name,
            zone=zone,
            layers=layers("layers", lambda value: value.each(layer), ()),
            overrides=fields.take("overrides", lambda value: value.each(override), ()),
            fallback=fields.need("fallback", one_of("person or receiver", (*names.people, *names.receivers)), ""),
            ical=ical,
        )
        if name in (*names.receivers, *names.roles, *names.people):
            fields.wrong(f"found the name `{name}`, expected one that no role, receiver or person has")
        return found


def _layer(names: Names, intervals: Mapping[str, tuple[TimeInterval, ...]], value: Value) -> Layer:
    with value.fields(_LAYER) as fields:
        handover = fields.take("handover", _clock, HANDOVER)
        during = fields.take("during", one_of("time interval", names.intervals), None)
        layer = Layer(
            people=fields.need("people", partial(_turns, names), ()),
            start=datetime.combine(fields.need("start", _day, datetime(2000, 1, 1)), handover),  # noqa: DTZ001  local
            length=fields.take("rotate", _length, ROTATIONS["weekly"]),
            until=_end(fields, handover),
            during=intervals.get(during or "", ()),
        )
        if layer.until is not None and layer.until <= layer.start:
            fields.wrong("found an end that is not after `start`", "until")
        return layer


def _turns(names: Names, value: Value) -> tuple[str, ...]:
    found = value.each(one_of("person", names.people))
    if not value.items():
        raise Wrong("found nobody, expected at least one person")
    return found


def _end(fields: Fields, handover: time) -> datetime | None:
    day = fields.take("until", _day, None)
    return datetime.combine(day, handover) if day else None


def calendars(names: Names, value: Value) -> dict[str, tuple[Shift, ...]]:
    """Read what the router has written down of calendars: their shifts, in order, and no two at once."""
    return value.keyed("schedule", names.schedules, lambda value: _in_order(value.each(partial(_shift, names, _UTC))))


def _in_order(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    if any(after.since < before.until for before, after in pairwise(shifts)):
        raise Wrong("found shifts that overlap, expected them in order")
    return shifts


def _shift(names: Names, zone: ZoneInfo, value: Value) -> Shift:
    with value.fields() as fields:
        begin = fields.need("from", partial(_instant, zone), None)
        end = fields.need("until", partial(_instant, zone), None)
        if begin and end and end <= begin:
            fields.wrong("found an end that is not after `from`", "until")
        anywhere = datetime(2000, 1, 1, tzinfo=zone)
        return Shift(
            person=fields.need("person", one_of("person", names.people), ""),
            since=begin or anywhere,
            until=end or anywhere,
        )


def _slack_user(value: Value) -> str:
    text = value.text()
    if not _SLACK_USER.fullmatch(text):
        raise value.expected("a Slack user id such as U024BE7LH (in Slack: the profile's menu, Copy member ID)")
    return text


def _pagerduty_user(value: Value) -> str:
    text = value.text()
    if not _PAGERDUTY_USER.fullmatch(text):
        raise value.expected("a PagerDuty user id such as PLH1HKV (the end of the address of the user's page)")
    return text


def _length(value: Value) -> timedelta:
    text = value.text()
    if text in ROTATIONS:
        return ROTATIONS[text]
    try:
        length = value.duration()
    except Wrong as wrong:
        raise value.expected("`daily`, `weekly` or a length such as `12h` or `3d`") from wrong
    if not SHORTEST_TURN <= length <= LONGEST_TURN:
        raise value.expected("a length from 1h to 366d")
    return length


def _clock(value: Value) -> time:
    found = _CLOCK.fullmatch(value.text())
    if found is None:
        raise value.expected('a time of day such as "09:00"')
    return time(int(found[1]), int(found[2]))


def _day(value: Value) -> datetime:
    text = value.text()
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  a date in the schedule's own zone
    except ValueError as error:
        raise value.expected("a date such as 2026-03-02") from error
    return _sane(value, day)


def _instant(zone: ZoneInfo, value: Value) -> datetime:
    try:
        at = datetime.fromisoformat(value.text())
    except ValueError as error:
        raise value.expected("a date and time such as 2026-03-02 09:00") from error
    return _sane(value, at if at.tzinfo else at.replace(tzinfo=zone))


def _sane(value: Value, at: datetime) -> datetime:
    if at.year not in YEARS:
        raise value.expected(f"a year from {YEARS[0]} to {YEARS[-1]}")
    return at

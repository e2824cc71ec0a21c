"""A calendar's events → shifts of the policy's people, in order, and no two at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from alertrouter.errors import CalendarError
from alertrouter.policy.oncall import Person, Shift

if TYPE_CHECKING:
    from ical.calendar import Calendar
    from ical.event import Event

AHEAD: Final = timedelta(days=400)
MOST_SHIFTS: Final = 2000
MOST_UNKNOWN: Final = 20
INSTALL: Final = "reading calendars takes a library: pip install 'alertrouter[ical]'"

_TOO_OFTEN: Final = frozenset({"SECONDLY", "MINUTELY"})
_WORD: Final = re.compile(r"[^\s,;:()\[\]<>/|]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a calendar; `unknown` are titles of events, future and past, that name nobody of the policy."""

    shifts: tuple[Shift, ...]
    unknown: tuple[str, ...] = ()


def read_shifts(text: str, people: Iterable[Person], zone: ZoneInfo, now: datetime) -> Reading:
    """Read the shifts of this month and of some 13 months from now on. Raises `CalendarError`.

    Whose shift it is says the address of an attendee, else a name or address in the title. Of two events at once the
    one that began later counts. A time without a zone, and a whole day, is meant in `zone`.
    """
    calendar = _parsed(text)
    month = datetime(now.year, now.month, 1, tzinfo=UTC)
    known = tuple(people)
    found: list[Shift] = []
    unknown: dict[str, None] = {}
    for event in calendar.timeline_tz(zone).overlapping(month, month + AHEAD):
        if event.status is not None and event.status.value == "CANCELLED":
            continue
        person = _whose(event, known)
        since, until = _instant(event.start, zone), _instant(event.end, zone)
        if person is None:
            unknown[(event.summary or "").strip()[:100]] = None
        elif since < until:
            found.append(Shift(person=person, since=since, until=until))
        if len(found) + len(unknown) > MOST_SHIFTS:
            raise CalendarError(f"the calendar has more than {MOST_SHIFTS} events within {AHEAD.days} days")
    return Reading(one_at_a_time(found), tuple(unknown)[:MOST_UNKNOWN])


def one_at_a_time(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Cut shifts so that no two are at once: the later one counts, the shorter of two that begin together."""
    waiting = sorted(shifts, key=lambda shift: (shift.since, -(shift.until - shift.since), shift.person))
    edges = sorted({edge for shift in waiting for edge in (shift.since, shift.until)})
    cut: list[Shift] = []
    running: list[Shift] = []
    begun = 0
    for since, until in pairwise(edges):
        while begun < len(waiting) and waiting[begun].since <= since:
            running.append(waiting[begun])
            begun += 1
        running = [shift for shift in running if shift.until > since]
        if not running:
            continue
        person = running[-1].person
        if cut and cut[-1].until == since and cut[-1].person == person:
            since = cut.pop().since  # noqa: PLW2901  the same person goes on
        cut.append(Shift(person=person, since=since, until=until))
    return tuple(cut)


def _parsed(text: str) -> Calendar:
    try:
        from ical.calendar_stream import IcsCalendarStream
        from ical.exceptions import CalendarParseError
    except ImportError:
        raise CalendarError(INSTALL) from None
    whole = text.strip().removeprefix("\ufeff")
    if not (whole.startswith("BEGIN:VCALENDAR") and whole.endswith("END:VCALENDAR")):
        raise CalendarError("what came is no calendar, or not all of it: expected BEGIN:VCALENDAR … END:VCALENDAR")
    try:
        calendar = IcsCalendarStream.calendar_from_ics(whole)
    except CalendarParseError as error:
        raise CalendarError(f"the calendar can't be read: {' '.join(str(error).split())[:200]}") from None
    for event in calendar.events:
        if event.rrule is not None and event.rrule.freq.value in _TOO_OFTEN:
            raise CalendarError("the calendar has an event that recurs every second or minute")
    return calendar


def _whose(event: Event, people: tuple[Person, ...]) -> str | None:
    invited = {str(one.uri).strip().casefold().removeprefix("mailto:") for one in event.attendees}
    title = (event.summary or "").casefold()
    words = set(_WORD.findall(title))
    for person in people:
        if person.email and person.email.casefold() in invited:
            return person.name
    for person in people:
        if {person.name.casefold(), person.email.casefold() or person.name.casefold()} & {*words, title.strip()}:
            return person.name
    return None


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

"""What a calendar says of who is on call, whatever calendars are like."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.calendars.keeper import FILE, written
from alertrouter.calendars.shifts import INSTALL, one_at_a_time, read_shifts
from alertrouter.errors import CalendarError
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Person, Shift, Turn
from tests.calendars.texts import calendar, event
from tests.times import START

BERLIN = ZoneInfo("Europe/Berlin")
ZONE = ";TZID=Europe/Berlin"
RULE = ("RRULE:FREQ=WEEKLY;COUNT=5", f"EXDATE{ZONE}:20260316T090000")
PEOPLE = (Person(name="lena", email="lena@example.com"), Person(name="omar", slack="U024BE7LK"))
POLICY = """
receivers: {ai: {inbox: {}}}
people: {lena: {email: lena@example.com}, omar: {email: omar@example.com}, kim: {email: kim@example.com}}
schedules: {ops: {ical: "${ONCALL_ICAL}", fallback: ai}}
route: {receiver: ai, group_by: [alertname]}
"""


def read(*events: str, now: str = "2026-03-05 12:00") -> list[str]:
    """The shifts of these events, by the clock of Berlin."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return told(read_shifts(calendar(*events), PEOPLE, BERLIN, moment).shifts)


def told(shifts: tuple[Shift, ...]) -> list[str]:
    """Each as `lena 03-02 09:00 → 03-09 09:00`."""
    return [
        f"{one.person} {one.since.astimezone(BERLIN):%m-%d %H:%M} → {one.until.astimezone(BERLIN):%m-%d %H:%M}"
        for one in shifts
    ]


@pytest.mark.parametrize(
    ("lines", "who"),
    [
        ("SUMMARY:lena", "lena"),
        ("SUMMARY:On call: Omar (AI)", "omar"),
        ("SUMMARY:lena@example.com", "lena"),
        ("SUMMARY:Omar\nATTENDEE;CN=Lena M:mailto:Lena@Example.com", "lena"),
        ("SUMMARY:nobody\nATTENDEE:mailto:else@example.com", None),
        ("SUMMARY:omarion", None),
        ("SUMMARY:lena\nSTATUS:CANCELLED", None),
        ("", None),
    ],
)
def test_an_event_is_whose_name_or_address_it_has(lines: str, who: str | None) -> None:
    """An invited person first, then a whole word of the title; who isn't one of the policy's people is nobody."""
    found = read(event("20260302T090000", "20260303T090000", lines))

    assert found == ([f"{who} 03-02 09:00 → 03-03 09:00"] if who else [])


def test_events_recur_are_left_out_and_moved() -> None:
    """Every other week, not on the 16th, and on the 30th only in the morning; 09:00 stays when the clocks change."""
    weekly = event("20260302T090000", "20260303T090000", *RULE, "SUMMARY:lena", uid="w")
    moved = event("20260330T100000", "20260330T120000", f"RECURRENCE-ID{ZONE}:20260330T090000", "SUMMARY:omar", uid="w")

    assert read(weekly, moved) == [
        "lena 03-02 09:00 → 03-03 09:00",
        "lena 03-09 09:00 → 03-10 09:00",
        "lena 03-23 09:00 → 03-24 09:00",
        "omar 03-30 10:00 → 03-30 12:00",
    ]


def test_a_whole_day_and_a_time_without_a_zone_are_the_schedules() -> None:
    """Whatever the zone of the machine."""
    day = event("20260307", "20260309", "SUMMARY:lena").replace(ZONE, ";VALUE=DATE")
    floating = event("20260310T090000", "20260310T170000", "SUMMARY:omar").replace(ZONE, "")

    assert read(day, floating) == ["lena 03-07 00:00 → 03-09 00:00", "omar 03-10 09:00 → 03-10 17:00"]


def test_of_two_at_once_the_one_that_began_later_counts() -> None:
    """As somebody who takes over for an evening does it; then the first goes on."""
    week = event("20260302T090000", "20260309T090000", "SUMMARY:lena")
    evening = event("20260304T180000", "20260304T230000", "SUMMARY:omar")

    assert read(week, evening) == [
        "lena 03-02 09:00 → 03-04 18:00",
        "omar 03-04 18:00 → 03-04 23:00",
        "lena 03-04 23:00 → 03-09 09:00",
    ]


def test_what_is_read_changes_with_the_month_and_not_from_hour_to_hour() -> None:
    """Else every reading would be another policy."""
    daily = event("20250101T090000", "20250101T170000", "SUMMARY:lena\nRRULE:FREQ=DAILY")

    first, later, next_month = read(daily, now="2026-03-01 00:00"), read(daily), read(daily, now="2026-04-01 00:00")

    assert first == later
    assert (first[0], next_month[0]) == ("lena 03-01 09:00 → 03-01 17:00", "lena 04-01 09:00 → 04-01 17:00")
    assert 390 < len(first) < 410


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no calendar, or not all of it"),
        ("<html>Sign in</html>", "no calendar, or not all of it"),
        (calendar(event("20260302T090000", "20260303T090000", "SUMMARY:lena")).rstrip()[:-3], "not all of it"),
        (calendar(event("soon", "20260303T090000", "SUMMARY:lena")), "the calendar can't be read"),
        (calendar(event("20260302T090000", "20260303T090000", "RRULE:FREQ=SECONDLY")), "recurs every second"),
        (
            calendar(event("20260302T090000", "20260302T093000", "SUMMARY:lena\nRRULE:FREQ=HOURLY")),
            "more than 2000 events",
        ),
    ],
)
def test_what_is_no_calendar_is_refused(text: str, said: str) -> None:
    """Half of one too: who is on call would silently be nobody."""
    with pytest.raises(CalendarError, match=said):
        read_shifts(text, PEOPLE, BERLIN, START)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: most have no calendar."""
    monkeypatch.setitem(sys.modules, "ical.calendar_stream", None)

    with pytest.raises(CalendarError) as refused:
        read_shifts(calendar(), PEOPLE, BERLIN, START)

    assert str(refused.value) == INSTALL


HOURS = st.integers(0, 200)
SHIFTS = st.builds(
    lambda person, since, length: Shift(
        person=person, since=START + timedelta(hours=since), until=START + timedelta(hours=since + length)
    ),
    st.sampled_from(["lena", "omar", "kim"]),
    HOURS,
    st.integers(1, 50),
)


@given(st.lists(SHIFTS, max_size=12), HOURS)
def test_shifts_are_cut_so_that_each_moment_has_who_began_last(shifts: list[Shift], hour: int) -> None:
    """By a definition that looks at one moment only; and a schedule takes them."""
    cut = one_at_a_time(shifts)
    at = START + timedelta(hours=hour)
    running = [one for one in shifts if one.since <= at < one.until]
    last = max((one.since for one in running), default=None)
    candidates = {one.person for one in running if one.since == last}

    policy = load({"policy.yml": POLICY, FILE: written({"ops": cut})})
    turn = policy.schedules["ops"].on_call(at)
    assert all(before.until <= after.since for before, after in pairwise(cut))
    assert (turn.who in candidates) if candidates else turn == Turn(who="ai", why="fallback")

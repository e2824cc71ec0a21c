"""Time intervals: the grammar, the wall clock, and the days on which clocks change."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.policy.interval import IntervalError, TimeInterval

BUSINESS_HOURS = {"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "18:00"}]}
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - hypothesis wants its bounds naive


def at(text: str) -> datetime:
    """An instant from its ISO form."""
    return datetime.fromisoformat(text)


@given(INSTANTS)
def test_an_interval_without_fields_contains_all_time(instant: datetime) -> None:
    """No condition is always met."""
    assert TimeInterval.of({}).contains(instant)


def test_the_start_is_included_and_the_end_is_not() -> None:
    """To the second."""
    interval = TimeInterval.of(BUSINESS_HOURS)

    inside = [
        interval.contains(at(f"2026-03-02T{time}+00:00")) for time in ("08:59:59", "09:00:00", "17:59:59", "18:00:00")
    ]

    assert inside == [False, True, True, False]


def test_an_end_at_2400_reaches_midnight() -> None:
    """The last minute of the day is in, the first of the next is not."""
    interval = TimeInterval.of({"times": [{"start_time": "23:00", "end_time": "24:00"}]})

    assert interval.contains(at("2026-03-02T23:59:59.999+00:00"))
    assert not interval.contains(at("2026-03-03T00:00:00+00:00"))


@pytest.mark.parametrize(
    ("date", "inside"),
    [("2023-02-28", True), ("2024-02-28", False), ("2024-02-29", True), ("2024-04-30", True), ("2024-03-30", False)],
)
def test_days_count_from_the_end_of_the_very_month(date: str, inside: bool) -> None:
    """The last day of February is the 28th or the 29th."""
    assert TimeInterval.of({"days_of_month": [-1]}).contains(at(f"{date}T12:00+00:00")) is inside


def test_business_hours_follow_the_local_clock_through_the_year() -> None:
    """09:00 in Berlin is 08:00 UTC in winter and 07:00 UTC in summer."""
    interval = TimeInterval.of({**BUSINESS_HOURS, "location": "Europe/Berlin"})

    assert not interval.contains(at("2026-03-27T07:30+00:00"))
    assert interval.contains(at("2026-03-30T07:30+00:00"))
    assert not interval.contains(at("2026-10-26T07:30+00:00"))


def test_an_hour_that_clocks_skip_holds_no_instant() -> None:
    """In Berlin 02:00 to 03:00 does not exist on 29 March 2026."""
    interval = TimeInterval.of({"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": "Europe/Berlin"})
    midnight = at("2026-03-28T23:00+00:00")

    held = [minute for minute in range(24 * 60) if interval.contains(midnight + timedelta(minutes=minute))]

    assert held == []


def test_an_hour_that_clocks_repeat_is_held_twice() -> None:
    """In Berlin 02:00 to 03:00 comes twice on 25 October 2026."""
    interval = TimeInterval.of({"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": "Europe/Berlin"})
    midnight = at("2026-10-24T22:00+00:00")

    held = [minute for minute in range(24 * 60) if interval.contains(midnight + timedelta(minutes=minute))]

    assert held == list(range(2 * 60, 4 * 60))


def test_the_weekday_is_that_of_the_zone() -> None:
    """Sunday evening in UTC is Monday morning in Auckland."""
    instant = at("2026-03-01T20:00+00:00")

    assert TimeInterval.of({"weekdays": ["monday"], "location": "Pacific/Auckland"}).contains(instant)
    assert TimeInterval.of({"weekdays": ["sunday"]}).contains(instant)


def test_a_location_beats_the_default_zone() -> None:
    """The policy's zone holds only where an interval names none."""
    evening = {"times": [{"start_time": "18:00", "end_time": "19:00"}]}
    instant = at("2026-01-15T18:30+00:00")

    assert TimeInterval.of(evening).contains(instant)
    assert not TimeInterval.of(evening, "Asia/Tokyo").contains(instant)
    assert TimeInterval.of({**evening, "location": "UTC"}, "Asia/Tokyo").contains(instant)


@given(INSTANTS, st.sampled_from([-11, -5, 0, 5.75, 14]), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_only_the_instant_counts_not_the_offset_it_is_given_in(instant: datetime, hours: float, zone: str) -> None:
    """The same moment has one answer."""
    interval = TimeInterval.of({**BUSINESS_HOURS, "location": zone})

    assert interval.contains(instant) is interval.contains(instant.astimezone(timezone(timedelta(hours=hours))))


def test_an_instant_without_a_zone_is_refused() -> None:
    """It would be read as the host's local time."""
    with pytest.raises(ValueError, match="needs its zone"):
        TimeInterval.of({}).contains(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive instant is the point


def test_numbers_are_as_good_as_their_text() -> None:
    """YAML gives `years: [2026]` as a number."""
    as_numbers = TimeInterval.of({"days_of_month": [1, -1], "months": [3], "years": [2026]})

    assert as_numbers == TimeInterval.of({"days_of_month": ["1", "-1"], "months": ["March"], "years": ["2026:2026"]})


def test_a_field_that_is_not_given_is_not_the_same_as_an_empty_one() -> None:
    """As in Alertmanager, an empty list holds nothing; a key without a value is not given."""
    instant = at("2026-03-02T12:00+00:00")

    assert not TimeInterval.of({"weekdays": []}).contains(instant)
    assert TimeInterval.of({"weekdays": None}).contains(instant)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"weekday": ["monday"]}, "weekday", "unknown field"),
        ({"weekdays": "monday"}, "weekdays", "expected a list"),
        ({"weekdays": ["sunday", "mon"]}, "weekdays[1]", "expected a weekday like monday, found 'mon'"),
        ({"weekdays": ["friday:monday"]}, "weekdays[0]", "the week begins on sunday"),
        ({"weekdays": ["monday:tuesday:friday"]}, "weekdays[0]", "found 'tuesday:friday'"),
        ({"weekdays": [{"monday": "friday"}]}, "weekdays[0]", "expected a value or a range"),
        ({"times": [{"start_time": "09:00"}]}, "times[0]", "expected start_time and end_time"),
        ({"times": [{"start_time": 540, "end_time": "18:00"}]}, "times[0].start_time", "in quotes"),
        ({"times": [{"start_time": "9:00", "end_time": "18:00"}]}, "times[0].start_time", "found '9:00'"),
        ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, "times[0]", "parted at 24:00"),
        ({"days_of_month": ["32"]}, "days_of_month[0]", "32 is no day of a month"),
        ({"days_of_month": [True]}, "days_of_month[0]", "found True"),
        ({"days_of_month": ["-5:5"]}, "days_of_month[0]", "must end so too"),
        ({"days_of_month": ["25:-5"]}, "days_of_month[0]", "goes backwards"),
        ({"months": ["13"]}, "months[0]", "from 1 to 12"),
        ({"months": ["december:january"]}, "months[0]", "goes backwards"),
        ({"years": ["2026:2025"]}, "years[0]", "goes backwards"),
        ({"years": ["1e3"]}, "years[0]", "expected a year"),
        ({"location": "Europe/Atlantis"}, "location", "is no time zone"),
        ({"location": "../../etc/passwd"}, "location", "is no time zone"),
        ({"location": "Europe"}, "location", "is no time zone"),
        ({"location": 3}, "location", "is no time zone"),
    ],
)
def test_an_error_names_the_field_and_what_was_expected(fields: dict[str, object], field: str, message: str) -> None:
    """So that the policy's loader can point at the place."""
    with pytest.raises(IntervalError) as caught:
        TimeInterval.of(fields)

    assert caught.value.field == field
    assert message in str(caught.value)

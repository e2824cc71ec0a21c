"""Who is on call: turns, layers, overrides, the fallback, and the nights in which the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.policy.load import load
from alertrouter.policy.oncall import Layer, Schedule, Shift, Turn
from tests.policy.berlin import BERLIN, berlin, clock
from tests.policy.texts import SOUND

WEEKLY = Schedule(
    name="ops",
    zone=BERLIN,
    layers=(Layer(people=("lena", "omar"), start=clock("2026-03-02 09:00"), length=timedelta(weeks=1)),),
    overrides=(),
    fallback="leads",
)


def handovers(schedule: Schedule, since: datetime, count: int) -> list[str]:
    """The next hand-overs, by the clock of the schedule's zone, with who comes."""
    found = []
    for _ in range(count):
        handover = schedule.next_handover(since)
        assert handover is not None
        since = handover.at
        found.append(f"{since.astimezone(schedule.zone):%a %d %b %H:%M} {handover.turn.who}")
    return found


@pytest.mark.parametrize(
    ("at", "who", "why"),
    [
        ("2026-03-02 08:59", "leads", "fallback"),
        ("2026-03-02 09:00", "lena", "layer 1"),
        ("2026-03-09 08:59", "lena", "layer 1"),
        ("2026-03-09 09:00", "omar", "layer 1"),
        ("2026-03-16 09:00", "lena", "layer 1"),
        ("2031-03-03 09:00", "omar", "layer 1"),
    ],
)
def test_people_take_turns_from_the_start_on(at: str, who: str, why: str) -> None:
    """Nobody has the turn before it: that is a gap, and falls to the fallback."""
    assert WEEKLY.on_call(berlin(at)) == Turn(who=who, why=why)


def test_the_hand_over_stays_at_its_hour_when_the_clocks_change() -> None:
    """Over both changes of a year: a week is 167, 168 or 169 hours long."""
    spring = handovers(WEEKLY, berlin("2026-03-24 00:00"), 2)
    autumn = handovers(WEEKLY, berlin("2026-10-20 00:00"), 2)

    assert spring == ["Mon 30 Mar 09:00 lena", "Mon 06 Apr 09:00 omar"]
    assert autumn == ["Mon 26 Oct 09:00 lena", "Mon 02 Nov 09:00 omar"]


def test_a_hand_over_at_an_hour_that_is_left_out_or_comes_twice() -> None:
    """02:30 does not exist on 29 March, and comes twice on 25 October: then the first one counts."""
    daily = Layer(people=("lena", "omar"), start=clock("2026-03-01 02:30"), length=timedelta(days=1))
    schedule = replace(WEEKLY, layers=(daily,))

    spring = handovers(schedule, berlin("2026-03-28 12:00"), 2)
    first = schedule.next_handover(berlin("2026-10-24 12:00"))

    assert spring == ["Sun 29 Mar 03:30 lena", "Mon 30 Mar 02:30 omar"]
    assert first is not None
    assert first.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    again = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert schedule.on_call(again) == first.turn


def test_a_later_layer_covers_the_ones_before_it_and_an_override_all() -> None:
    """While it is open; of overlapping overrides the later one counts."""
    night = load({"a.yml": SOUND}).time_intervals["business_hours"]
    schedule = replace(
        WEEKLY,
        layers=(
            *WEEKLY.layers,
            Layer(people=("kim",), start=clock("2026-03-01 00:00"), length=timedelta(days=1), during=night),
        ),
        overrides=(
            Shift(person="omar", since=berlin("2026-03-03 12:00"), until=berlin("2026-03-05 12:00")),
            Shift(person="eva", since=berlin("2026-03-04 00:00"), until=berlin("2026-03-04 06:00")),
        ),
    )

    assert handovers(schedule, berlin("2026-03-03 08:00"), 6) == [
        "Tue 03 Mar 09:00 kim",
        "Tue 03 Mar 12:00 omar",
        "Wed 04 Mar 00:00 eva",
        "Wed 04 Mar 06:00 omar",
        "Thu 05 Mar 12:00 kim",
        "Thu 05 Mar 18:00 lena",
    ]


def test_gaps_are_the_times_at_which_only_the_fallback_is_left() -> None:
    """Before the first turn and behind the last one."""
    schedule = replace(WEEKLY, layers=(replace(WEEKLY.layers[0], until=clock("2026-03-20 09:00")),))

    gaps = schedule.gaps(berlin("2026-03-01 00:00"), berlin("2026-04-01 00:00"))

    assert gaps == [
        (berlin("2026-03-01 00:00"), berlin("2026-03-02 09:00")),
        (berlin("2026-03-20 09:00"), berlin("2026-04-01 00:00")),
    ]


def test_where_nobody_else_ever_comes_there_is_no_hand_over() -> None:
    """One person alone hands over to nobody."""
    alone = replace(WEEKLY, layers=(replace(WEEKLY.layers[0], people=("lena",)),))

    assert alone.next_handover(berlin("2026-03-10 00:00")) is None


layers = st.builds(
    Layer,
    people=st.lists(st.sampled_from(["lena", "omar", "kim"]), min_size=1, max_size=4).map(tuple),
    start=st.datetimes(clock("2026-01-01"), clock("2026-12-01")),
    length=st.integers(60, 60 * 24 * 9).map(lambda minutes: timedelta(minutes=minutes)),
    until=st.none() | st.datetimes(clock("2026-01-01"), clock("2027-01-01")),
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"])
moments = st.datetimes(clock("2026-01-01"), clock("2026-12-01"), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(st.lists(layers, max_size=3), zones.map(ZoneInfo), moments)
def test_between_two_hand_overs_nothing_changes(layers: list[Layer], zone: ZoneInfo, at: datetime) -> None:
    """The next hand-over is the first moment at which it is somebody else: asked minute by minute, it agrees."""
    schedule = Schedule(name="x", zone=zone, layers=tuple(layers), overrides=(), fallback="leads")
    who = schedule.on_call(at).who

    handover = schedule.next_handover(at)

    end = min(handover.at if handover else at + timedelta(days=9), at + timedelta(days=9))
    assert {schedule.on_call(at + (end - at) * part // 100).who for part in range(100)} == {who}
    if handover is not None:
        assert schedule.on_call(handover.at - timedelta(milliseconds=1)).who == who
        assert schedule.on_call(handover.at) == handover.turn
        assert handover.turn.who != who


@settings(max_examples=60, deadline=None)
@given(layers, zones.map(ZoneInfo), moments)
def test_turns_go_round_in_order(layer: Layer, zone: ZoneInfo, at: datetime) -> None:
    """Whose turn it is follows from the whole turns that have passed by the clock on the wall."""
    endless = replace(layer, until=None)
    who = endless.on_call(at, zone)

    number, begins = -1, endless.start
    while begins.replace(tzinfo=zone).astimezone(UTC) <= at:
        number, begins = number + 1, begins + endless.length

    assert who == (endless.people[number % len(endless.people)] if number >= 0 else None)

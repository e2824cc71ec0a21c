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
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel, SlackOptions
from tests.policy.texts import SOUND, problems

clock = datetime.fromisoformat
"""A time on a wall, in whatever zone the wall is."""

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Schedule(
    name="ops",
    zone=BERLIN,
    layers=(Layer(people=("lena", "omar"), start=clock("2026-03-02 09:00"), length=timedelta(weeks=1)),),
    overrides=(),
    fallback="leads",
)
PEOPLE = """
people:
  lena: {slack: U024BE7LH, email: lena@example.com, pagerduty: "${PD_LENA}"}
  omar: {email: omar@example.com}
  kim: {slack: U024BE7LK}
"""
SCHEDULES = """
schedules:
  ai-oncall:
    layers:
      - {people: [lena, omar], start: 2026-03-02, handover: "08:30"}
      - {people: [kim], rotate: 12h, start: 2026-03-10, until: 2026-03-12, during: business_hours}
    overrides:
      - {person: omar, from: 2026-03-07 18:00, until: "2026-03-08T12:00:00+00:00"}
    fallback: ai-leads
"""
ON_CALL = SOUND.replace("oncall: ai-pager", "oncall: ai-oncall") + PEOPLE + SCHEDULES


def berlin(text: str) -> datetime:
    """A moment by the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


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


@pytest.fixture
def policy() -> Policy:
    """A policy whose team has a schedule for a role."""
    return load({"a.yml": ON_CALL})


def test_people_and_schedules_are_read(policy: Policy) -> None:
    """Hours are those of the policy's zone, unless a schedule or a text has its own."""
    schedule = policy.schedules["ai-oncall"]

    assert policy.people["lena"].pagerduty == "${PD_LENA}"
    assert schedule.zone == BERLIN
    assert [layer.length for layer in schedule.layers] == [timedelta(weeks=1), timedelta(hours=12)]
    assert schedule.layers[0].start == clock("2026-03-02 08:30")
    assert schedule.layers[1].until == clock("2026-03-12 09:00")
    assert schedule.overrides[0].since == berlin("2026-03-07 18:00")
    assert schedule.overrides[0].until == datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "receiver"),
    [
        ("2026-03-01 12:00", "ai-leads"),
        ("2026-03-03 12:00", "person:lena@ai"),
        ("2026-03-08 11:00", "person:omar"),
        ("2026-03-10 12:00", "person:kim@ai"),
    ],
)
def test_a_role_that_is_a_schedule_means_who_is_on_call(policy: Policy, at: str, receiver: str) -> None:
    """Someone in Slack is called in the team's channel; the fallback may be a receiver; without a time it is open."""
    (match,) = policy.routes({"severity": "critical"})

    assert policy.receiver_named("oncall", match.route, berlin(at)) == receiver
    assert policy.receiver_named("oncall", match.route) == "ai-oncall"
    assert policy.receivers[receiver].integrations


def test_a_person_is_reached_through_all_their_contacts(policy: Policy) -> None:
    """In Slack by a mention in the team's channel, or by a message of their own where there is no team."""
    called = {one.channel: one for one in policy.integrations("person:lena@ai")}
    alone = policy.integrations("person:kim")[0].options

    assert set(called) == {Channel.SLACK, Channel.PAGERDUTY, Channel.EMAIL}
    assert called[Channel.SLACK].id == "person:lena@ai/slack"
    slack = called[Channel.SLACK].options
    assert isinstance(slack, SlackOptions)
    assert (slack.channel, slack.mention) == ("#ai-models", "U024BE7LH")
    assert isinstance(alone, SlackOptions)
    assert (alone.channel, alone.mention) == ("U024BE7LK", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lena: {slack: U024BE7LH", "lena: {slack: '@lena'", "found `@lena`, expected a Slack user id such as U024"),
        ("omar: {email: omar@example.com}", "omar: {}", "found no way to reach them, expected at least one of"),
        ('"${PD_LENA}"', "0123456789abcdef0123456789abcdef", "found a secret written down, expected `${NAME}`"),
        ("slack: U024BE7LK", "email: Lena@example.com", "found the `email` of lena, expected one that nobody else has"),
        ("slack: U024BE7LK", "pagerduty_user: kim", "found `kim`, expected a PagerDuty user id such as PLH1HKV"),
        ("kim: {", "ai-channel: {", "found the name `ai-channel`, expected one that no role or receiver has"),
        ("[lena, omar]", "[lena, omra]", "unknown person `omra`, did you mean `omar`?"),
        ("[lena, omar]", "[]", "found nobody, expected at least one person"),
        ("rotate: 12h", "rotate: fortnightly", "found `fortnightly`, expected `daily`, `weekly` or a length such as"),
        ("rotate: 12h", "rotate: 1m", "found `1m`, expected a length from 1h to 366d"),
        ("rotate: 12h", "every: 12h", "unknown key `every`, did you mean `rotate`?"),
        ('"08:30"', "8", 'found `8`, expected a time of day such as "09:00"'),
        ("start: 2026-03-02", "start: monday", "found `monday`, expected a date such as 2026-03-02"),
        ("start: 2026-03-02", "start: 0026-03-02", "found `0026-03-02`, expected a year from 1970 to 2100"),
        ("until: 2026-03-12", "until: 2026-03-09", "found an end that is not after `start`"),
        ("from: 2026-03-07 18:00", "from: 2026-03-09 18:00", "found an end that is not after `from`"),
        ("during: business_hours}\n    overrides", "during: nights}\n    overrides", "unknown time interval `nights`"),
        ("fallback: ai-leads", "fallback: ai-heads", "unknown person or receiver `ai-heads`, did you mean `ai-leads`?"),
        ("    fallback: ai-leads\n", "", "found no `fallback`, expected one"),
        (
            "schedules:\n  ai-oncall:",
            "schedules:\n  kim:",
            "found the name `kim`, expected one that no role, receiver or",
        ),
        ("receivers:\n", "receivers:\n  person:lena: {inbox: {}}\n", "found `person:lena`, expected another name"),
    ],
)
def test_a_fault_is_told_at_its_place(old: str, new: str, said: str) -> None:
    """With what was found and what was expected."""
    assert old in ON_CALL

    found = problems(ON_CALL.replace(old, new, 1))

    assert any(said in str(problem) for problem in found), [str(problem) for problem in found]
    assert all(problem.line and problem.file for problem in found)


def test_a_level_may_notify_a_schedule_or_a_person_by_name() -> None:
    """A role is not needed, nor is a team."""
    policy = load({"a.yml": ON_CALL.replace("notify: oncall}", "notify: [ai-oncall, omar]}")})
    (match,) = policy.routes({"severity": "critical"})
    level = policy.escalation_policies["page"].levels[1]

    names = [policy.receiver_named(name, match.route, berlin("2026-03-03 12:00")) for name in level.notify]

    assert names == ["person:lena@ai", "person:omar"]


def test_who_may_act_in_slack_is_named_by_name_or_id() -> None:
    """A name is a person who can be told apart there; without the key everyone may."""
    named = load({"policy.yml": ON_CALL + "slack: {allowed: [lena, U024BE7LM]}\n"})

    assert named.slack_allowed == {"U024BE7LH", "U024BE7LM"}
    assert load({"policy.yml": ON_CALL}).slack_allowed == frozenset()


@pytest.mark.parametrize(
    ("allowed", "fault"),
    [
        ("[omar]", "found `omar`, expected somebody whose `slack` stands under `people`"),
        ("[nobody]", "found `nobody`, expected the name of a person under `people`, or a Slack user id"),
    ],
)
def test_who_can_not_be_told_apart_in_slack_may_not_be_named(allowed: str, fault: str) -> None:
    """Somebody without a Slack id, or whom the policy doesn't know."""
    assert fault in "\n".join(map(str, problems(ON_CALL + f"slack: {{allowed: {allowed}}}\n")))

"""People and schedules as a policy has them written: how they are read, reached and named, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel, SlackOptions
from tests.policy.berlin import BERLIN, berlin, clock
from tests.policy.texts import SOUND, problems

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

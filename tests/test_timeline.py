"""Time made visible: what the engine would live through with an alert, told line by line and judged by tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.alert import Labels
from alertrouter.events import Acknowledged, Action, Escalated, Extended, Resolved, Snoozed, Unacknowledged
from alertrouter.incident import State, Timer
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.timeline import Happening, Kind, Verb, read_expectation, read_happening
from alertrouter.simulate.judging import TestResult, run_tests
from alertrouter.simulate.timeline import Timeline, live
from alertrouter.transition import Transition
from tests.engine.story import START, Story, at, ended, firing

TEXT = dedent("""\
    timezone: Europe/Berlin
    severities: [info, warning, critical]
    time_intervals:
      business_hours:
        - {weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}]}
    receivers:
      infra-channel: {slack: {channel: "#alerts-infra"}}
      infra-pager: {pagerduty: {routing_key: "${PD_INFRA}"}}
      infra-leads: {email: {to: [infra-leads@example.com]}}
      ai-channel: {slack: {channel: "#alerts-ai"}}
      ai-pager: {pagerduty: {routing_key: "${PD_AI}"}}
      ai-leads: {email: {to: [ai-leads@example.com]}}
      security-channel: {slack: {channel: "#alerts-security"}}
      security-pager: {pagerduty: {routing_key: "${PD_SECURITY}"}}
      ciso: {email: {to: [ciso@example.com]}}
      business-channel: {slack: {channel: "#alerts-business"}}
      ops-leads: {email: {to: [ops-leads@example.com]}}
      nowhere: {}
    teams:
      infra: {channel: infra-channel, oncall: infra-pager, managers: infra-leads}
      ai: {channel: ai-channel, oncall: ai-pager, managers: ai-leads}
      security: {channel: security-channel, oncall: security-pager, managers: ciso}
      business: {channel: business-channel, managers: ops-leads}
    escalation_policies:
      note: {levels: [{notify: channel}]}
      warn:
        raise: {to: critical, after: 45m}
        ack_timeout: 4h
        levels: [{notify: channel}, {after: 20m, notify: channel}]
      page:
        ack_timeout: 30m
        levels: [{notify: channel}, {after: 5m, notify: oncall}, {after: 20m, notify: managers}]
        repeat: {every: 30m, from: 2}
      office:
        ack_timeout: 8h
        levels: [{notify: channel}, {after: 30m, notify: managers, during: business_hours}]
    route:
      team: infra
      group_by: [component, alertname]
      group_interval: 1m
      escalate: {info: note, warning: warn, critical: page}
      routes:
        - {matchers: ['component="ai"'], team: ai}
        - {matchers: ['component="security"'], team: security, escalate: {warning: page}}
        - {matchers: ['component="business"'], team: business, escalate: {warning: office, critical: office}}
        - {matchers: ['component="both"'], receiver: infra-channel, continue: true, group_wait: 1m}
        - {matchers: ['component="both"'], receiver: nowhere}
    inhibit_rules:
      - name: node
        source_matchers: [alertname="NodeDown"]
        target_matchers: [alertname!="NodeDown"]
        equal: [node]
    """)
POLICY = load({"policy.yml": TEXT})
AT_ONCE = TEXT.replace("group_interval: 1m", "group_interval: 1m\n  group_wait: 0s")
ACTS: Mapping[str, type[Action]] = {
    "ack": Acknowledged,
    "unack": Unacknowledged,
    "extend": Extended,
    "snooze": Snoozed,
    "escalate": Escalated,
    "close": Resolved,
}
NIGHT = datetime(2026, 3, 7, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def lived(
    labels: Labels,
    until: str,
    *events: str,
    start: datetime = NIGHT,
    also_firing: tuple[Labels, ...] = (),
    policy: Policy = POLICY,
) -> Timeline:
    """What becomes of an alert."""
    return live(
        policy,
        labels,
        start=start,
        until=read_happening(f"{until} fire", ()).offset,
        events=[read_happening(event, policy.severities) for event in events],
        also_firing=also_firing,
    )


def told(timeline: Timeline) -> list[str]:
    """What a test would expect of it."""
    return [str(one) for one in timeline.expectations]


FIVE = """
tests:
  - name: a warning nobody takes becomes a page
    alert: {component: infra, severity: warning}
    at: 2026-03-02 10:00
    until: 95m
    expect:
      - 0m infra-channel
      - 20m infra-channel
      - 45m severity=critical
      - 45m infra-channel
      - 50m infra-pager
      - 65m infra-leads
      - 95m infra-pager
  - name: an acknowledgement holds for 30 minutes, not for ever
    alert: {component: ai, severity: critical}
    at: 2026-03-07 03:00
    until: 1h
    events: [7m ack @omar]
    expect: [0m ai-channel, 5m ai-pager, 37m ack-expired, 37m ai-pager, 52m ai-leads]
  - name: it got worse after the acknowledgement
    alert: {component: ai, severity: warning}
    at: 2026-03-02 10:00
    until: 40m
    events: [10m ack @omar, 30m severity critical]
    expect: [0m ai-channel, 30m severity=critical, 30m ai-channel, 35m ai-pager]
  - name: business waits for Monday
    alert: {component: business, severity: warning}
    at: 2026-03-06 17:50
    until: 64h
    expect: [0m business-channel, 3790m ops-leads]
  - name: resolved before the page, so no page
    alert: {component: security, severity: warning}
    at: 2026-03-08 02:00
    until: 30m
    events: [4m resolve]
    expect: [0m security-channel, 4m resolved security-channel]
"""


@pytest.mark.parametrize("result", run_tests(load({"p.yml": TEXT + FIVE})), ids=lambda result: result.test.name)
def test_whole_timelines_are_expected_and_met(result: TestResult) -> None:
    """What nobody takes climbs, what somebody takes stops for its time, what is worse beats that, hours are kept."""
    assert result.differences == ()


def test_an_unmet_timeline_is_shown_whole() -> None:
    """Something too early, something missing and something unexpected fail the test, with both timelines."""
    tests = """
tests:
  - name: wrong
    alert: {component: ai, severity: critical}
    until: 21m
    expect: [0m ai-channel, 6m ai-pager, 10m ack-expired]
"""

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    (difference,) = result.differences
    assert difference.what == "expect"
    assert difference.expected == ("0m ai-channel", "6m ai-pager", "10m ack-expired")
    assert difference.found == ("0m ai-channel", "5m ai-pager", "20m ai-leads")


def test_without_an_end_a_test_looks_as_far_as_it_speaks() -> None:
    """The pager at 5m is beyond what this one says."""
    tests = "tests:\n  - {name: first, alert: {component: ai, severity: critical}, expect: [0m ai-channel]}\n"

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    assert result.passed


def test_the_order_within_one_moment_is_left_open() -> None:
    """People list them as they think of them."""
    tests = """
tests:
  - name: raised
    alert: {component: ai, severity: warning}
    expect: [0m ai-channel, 20m ai-channel, 45m ai-channel, 45m severity=critical]
"""

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    assert result.passed


def test_offsets_count_from_the_first_message() -> None:
    """`group_wait` lies before it; the moment of the first message is the one that was asked for."""
    timeline = lived({"component": "ai", "severity": "critical"}, "6m")

    opened = [line for line in timeline.lines if line.transition in (Transition.NEW, Transition.OPEN)]
    assert [(line.offset, line.transition) for line in opened] == [
        (timedelta(seconds=-30), Transition.NEW),
        (timedelta(), Transition.OPEN),
    ]
    assert timeline.start == NIGHT
    assert told(timeline) == ["0m ai-channel", "5m ai-pager"]


def test_what_fires_again_waits_for_its_group_as_in_life() -> None:
    """Long after it was over it is a new incident; soon after, the same one."""
    again = lived({"component": "ai", "severity": "info"}, "30m", "1m resolve", "5m fire", "6m resolve", "20m fire")

    assert told(again) == [
        "0m ai-channel",
        "1m resolved ai-channel",
        "5m30s ai-channel",
        "6m30s resolved ai-channel",
        "20m30s ai-channel",
    ]
    names = [line.transition for line in again.lines if line.transition in (Transition.NEW, Transition.REOPEN)]
    assert names == [Transition.NEW, Transition.REOPEN, Transition.NEW]


def test_what_people_do_is_named_with_what_it_cancels() -> None:
    """The level and the raise that will not come, and when they would have."""
    timeline = lived({"component": "ai", "severity": "warning"}, "10m", "7m ack @lena")

    (ack,) = [line for line in timeline.lines if line.transition is Transition.ACK]
    assert ack.text == "by @lena until 06:07 UTC; cancels level 2 (+20m) and the raise to critical (+45m)"


def test_what_can_not_be_done_is_said() -> None:
    """Nobody has it yet; then it is over; then nothing is left of it."""
    labels = {"component": "ai", "severity": "info"}

    timeline = lived(labels, "1h", "1m unack @omar", "2m resolve", "3m ack", "30m ack")

    assert [(str(line.offset), line.text) for line in timeline.lines if not line.told][-3:] == [
        ("0:02:00", "all its alerts are over"),
        ("0:03:00", "you: INC-1 was resolved by its source at 02:02 UTC"),
        ("0:30:00", "you: there is no incident any more"),
    ]
    assert "@omar: nobody has acknowledged INC-1" in [line.text for line in timeline.lines]
    assert timeline.ahead == ()


def test_it_says_how_it_stands_at_the_end_and_what_would_come() -> None:
    """Who reads two hours knows what the third brings."""
    timeline = lived({"component": "ai", "severity": "critical"}, "6m")

    (ahead,) = timeline.ahead
    assert (ahead.state, ahead.severity) == (State.TRIGGERED, "critical")
    assert ahead.next == ((Timer.STEP, timedelta(minutes=20)),)


def test_what_another_alert_explains_waits_for_its_end() -> None:
    """Nobody is told of it, and it is not forgotten; where the other one fires later, the ladder stands still."""
    labels = {"component": "ai", "severity": "critical", "node": "a"}
    node = {"alertname": "NodeDown", "node": "a"}

    before = lived(labels, "20m", "10m others resolve", also_firing=(node,))
    later = lived(labels, "20m", "2m others fire", "12m others resolve", also_firing=(node,))

    assert told(before) == ["10m30s ai-channel", "15m30s ai-pager"]
    assert told(later) == ["0m ai-channel", "15m30s ai-pager"]


def test_each_route_has_an_incident_of_its_own() -> None:
    """The second message comes when its own group has waited; a receiver that reaches nobody is told nothing."""
    timeline = lived({"component": "both", "severity": "none"}, "2m", "1m ack")

    assert told(timeline) == ["30s infra-channel"]
    assert {line.incident for line in timeline.lines if line.transition is Transition.ACK} == {"INC-1", "INC-2"}


def test_who_is_on_call_is_told_by_name() -> None:
    """A level that notifies a schedule tells whoever has it then, in whichever way."""
    people = """
people:
  lena: {slack: U024BE7LH, pagerduty: "${PD_LENA}"}
  omar: {email: omar@example.com}
schedules:
  rota: {layers: [{people: [omar, lena], rotate: 1d, start: 2026-03-01, handover: "10:10"}], fallback: ai-leads}
tests:
  - name: handed over between two pages
    alert: {component: ai, severity: critical}
    at: 2026-03-02 10:00
    receivers: [ai-channel]
    until: 50m
    expect: [0m ai-channel, 5m omar, 20m ai-leads, 50m lena]
  - name: on call at once
    alert: {component: infra, severity: critical}
    at: 2026-03-02 10:00
    receivers: [omar]
    expect: [0m omar]
"""
    text = TEXT.replace("oncall: ai-pager", "oncall: rota").replace("channel: infra-channel", "channel: rota")

    results = run_tests(load({"policy.yml": text + people}))

    assert [result.differences for result in results] == [(), ()]


def test_more_and_less_severe() -> None:
    """Both are seen; the policy of the worse one goes on (no escape by a wobble)."""
    labels = {"component": "ai", "severity": "warning"}

    timeline = lived(labels, "10m", "1m severity critical", "3m severity warning")

    assert told(timeline)[:3] == ["0m ai-channel", "1m severity=critical", "1m ai-channel"]
    assert "6m ai-pager" in told(timeline)


def from_outside(severity: str, steps: list[tuple[int, str]]) -> list[tuple[float, str]]:
    """Tell the same story to an engine event by event: who got a message, and in which second."""
    story, second = Story(AT_ONCE), 0
    story.report(0, firing("Full", 0, component="ai", severity=severity))
    story.advance(0)
    for wait, what in steps:
        second += wait
        # Timers of the moments before, so that what they owed has arrived; those of this one come after the event.
        story.advance(second - 0.001)
        match what.split():
            case ["fire"]:
                story.report(second, firing("Full", second, component="ai", severity=severity))
            case ["resolve"]:
                story.report(second, ended("Full", second, component="ai", severity=severity))
            case [verb, *_]:
                more: dict[str, object] = {"until": at(second + 420)} if verb in ("snooze", "extend") else {}
                more |= {"force": True} if verb == "close" else {}
                for incident in list(story.engine.state.incidents):
                    story.act(second, ACTS[verb], "@omar", incident, **more)
    story.advance(second + 3600)
    return [(second, to.split("/")[0]) for second, to in story.pages()]


@settings(max_examples=60, deadline=None)
@given(
    severity=st.sampled_from(["info", "warning", "critical"]),
    steps=st.lists(
        st.tuples(
            # Often at a moment at which a timer comes too.
            st.integers(1, 590) | st.sampled_from([60, 300, 900, 1200]),
            st.sampled_from(
                ["fire", "resolve", "ack", "unack", "escalate", "close", "snooze 7m", "extend 7m", "ack", "resolve"]
            ),
        ),
        max_size=6,
    ),
)
def test_it_tells_what_the_engine_does(severity: str, steps: list[tuple[int, str]]) -> None:
    """The same messages at the same seconds as an engine gives that is told the story event by event."""
    total = sum(wait for wait, _ in steps)
    offsets = accumulate(wait for wait, _ in steps)
    events = [f"{offset}s {what}" for offset, (_, what) in zip(offsets, steps, strict=True)]

    timeline = lived(
        {"alertname": "Full", "component": "ai", "severity": severity},
        f"{total + 3600}s",
        *events,
        start=START,
        policy=load({"policy.yml": AT_ONCE}),
    )

    messages = [one for one in timeline.expectations if one.kind in (Kind.TOLD, Kind.END)]
    found = [(one.offset.total_seconds(), one.name) for one in messages]
    assert sorted(found) == sorted(from_outside(severity, steps))


verbs = st.sampled_from(
    (
        *("fire", "resolve", "severity info", "severity critical", "severity warning", "others fire", "others resolve"),
        *("ack", "ack @omar", "unack", "extend 5m", "snooze 7m", "escalate", "close"),
    )
)
happenings = st.builds(lambda second, what: f"{second}s {what}", st.integers(0, 3600), verbs)
labels_of_any = st.fixed_dictionaries(
    {"component": st.sampled_from(["ai", "infra", "security", "business", "both"])},
    optional={
        "severity": st.sampled_from(["info", "warning", "critical", "odd"]),
        "alertname": st.sampled_from(["NodeDown", "Full"]),
        "node": st.sampled_from(["a", "b"]),
    },
)
waits = st.sampled_from(["0s", "30s", "1h", "292y"])
intervals = st.sampled_from(["30s", "5m", "2h", "292y"])
ladders = st.sampled_from(
    [
        TEXT,
        TEXT.replace("{after: 5m, notify: oncall}", "{after: 5m, notify: oncall, during: business_hours, else: skip}"),
        TEXT.replace("ack_timeout: 30m", "ack_timeout: 292y"),
        TEXT.replace("repeat: {every: 30m, from: 2}", "repeat: {every: 1s, times: 3}"),
        TEXT.replace("after: 45m}", "after: 292y, during: business_hours}"),
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    text=ladders,
    wait=waits,
    interval=intervals,
    labels=labels_of_any,
    others=st.lists(labels_of_any, max_size=2),
    events=st.lists(happenings, max_size=8),
    start=st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  bounds
)
def test_no_policy_and_no_story_stops_it(
    text: str, wait: str, interval: str, labels: Labels, others: list[Labels], events: list[str], start: datetime
) -> None:
    """Whatever loads and happens: a timeline in order, with nothing that could not be decided, ready to be a test."""
    text = text.replace("group_interval: 1m", f"group_interval: {interval}\n  group_wait: {wait}")
    policy = load({"policy.yml": text})

    timeline = lived(labels, "1h", *events, start=start, also_firing=tuple(others), policy=policy)

    offsets = [line.offset for line in timeline.lines]
    assert offsets == sorted(offsets)
    assert not [line for line in timeline.lines if line.text.startswith("could not be decided")]
    for one in timeline.expectations:
        assert read_expectation(str(one), policy.severities, policy.receivers) == one


@given(st.text(max_size=60))
def test_any_text_is_an_event_or_a_fault(text: str) -> None:
    """What can be read is written as it can be read again."""
    try:
        found = read_happening(text, POLICY.severities)
    except ValueError:
        return
    assert read_happening(str(found), POLICY.severities) == found


@given(
    st.builds(
        Happening,
        offset=st.timedeltas(timedelta(), timedelta(days=31)).map(lambda one: one - one % timedelta(milliseconds=1)),
        verb=st.sampled_from([Verb.FIRE, Verb.RESOLVE, Verb.ACK, Verb.UNACK, Verb.ESCALATE, Verb.CLOSE]),
    )
)
def test_an_event_is_written_as_it_is_read(happening: Happening) -> None:
    """So that a difference shows lines that can be copied."""
    assert read_happening(str(happening), ()) == happening

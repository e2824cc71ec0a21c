"""What holds for timelines whatever the policy and the story: they tell what the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.alert import Labels
from alertrouter.events import Acknowledged, Action, Escalated, Extended, Resolved, Snoozed, Unacknowledged
from alertrouter.policy.load import load
from alertrouter.policy.timeline import Happening, Kind, Verb, read_expectation, read_happening
from tests.engine.story import START, Story, at, ended, firing
from tests.timelines import POLICY, TEXT, lived

AT_ONCE = TEXT.replace("group_interval: 1m", "group_interval: 1m\n  group_wait: 0s")
ACTS: Mapping[str, type[Action]] = {
    "ack": Acknowledged,
    "unack": Unacknowledged,
    "extend": Extended,
    "snooze": Snoozed,
    "escalate": Escalated,
    "close": Resolved,
}


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

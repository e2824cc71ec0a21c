"""Heartbeats, whatever comes when: a restart changes nothing, and what is missing is missing for that long."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.engine.engine import Engine
from tests.engine.beating import POLICY, watchdog
from tests.engine.story import Story, at, persisted, snapshot

beats = st.tuples(st.sampled_from(["watchdog", "backup", "unknown"]), st.integers(0, 700))
passes = st.tuples(st.just("pass"), st.integers(0, 2000))
policies = st.tuples(st.sampled_from(["same", "other", "none"]), st.integers(0, 100))
lives = st.lists(beats | beats | passes | policies, max_size=30)
VARIANTS = {
    "same": POLICY,
    "other": POLICY.replace("every: 10m, grace: 5m", "every: 5m, grace: 1m"),
    "none": POLICY.partition("heartbeats:")[0],
}


def live(story: Story, steps: list[tuple[str, int]], *, restarts: bool) -> list[bytes]:
    """Live through the steps, dying after each if so wanted; gives all that changed."""
    log: list[bytes] = []
    second = 0
    for kind, wait in steps:
        second += wait
        log.append(snapshot(story.advance(second)))
        match kind:
            case "watchdog":
                watchdog(story, second)
                log.append(snapshot(story.last))
            case "backup" | "unknown":
                log.append(snapshot(story.beat(second, kind)))
            case "same" | "other" | "none":
                story.activate(VARIANTS[kind], second)
                log.append(snapshot(story.last))
        if restarts:
            story.take(story.engine.touched_changes())
            state = persisted(story.engine.state)
            state.alive_at = story.engine.clock
            story.engine = Engine(state, now=story.engine.clock)
    return log


@settings(max_examples=100, deadline=None)
@given(lives)
def test_a_restart_between_any_two_steps_changes_nothing(steps: list[tuple[str, int]]) -> None:
    """Beats, silences and changes of policy, with and without a death after each: the same, byte for byte."""
    steady = live(Story(POLICY, hold=True), steps, restarts=False)
    restarted = live(Story(POLICY, hold=True), steps, restarts=True)

    assert steady == restarted


@settings(max_examples=100, deadline=None)
@given(lives, st.integers(1, 100))
def test_it_is_missing_exactly_when_it_was_not_heard_for_so_long(steps: list[tuple[str, int]], more: int) -> None:
    """From the beats alone: an alert says so from `every` + `grace` after the last one, and at no other time."""
    story = Story(POLICY)
    heard = second = 0
    for kind, wait in [step for step in steps if step[0] in ("watchdog", "pass")]:
        second += wait
        story.advance(second)
        if kind == "watchdog":
            watchdog(story, second)
            heard = second
    second += more
    story.advance(second)

    pulse = story.engine.state.heartbeats["prometheus"]
    assert (pulse.alert is not None) == (timedelta(seconds=second - heard) >= timedelta(seconds=90))
    firing_now = [one for one in story.engine.state.alerts.values() if one.firing(at(second))]
    assert ("prometheus" in {one.labels["heartbeat"] for one in firing_now}) == (pulse.alert is not None)

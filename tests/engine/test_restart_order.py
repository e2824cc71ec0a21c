"""A restart between two steps changes nothing, not even the order: the store gives back the state in any."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alertrouter.alert import fingerprint
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.events import HeldThere, SourceReconciled
from tests.engine.story import Story, at, persisted

PLAIN = """
timezone: UTC
receivers: {chat: {slack: {channel: "#ops"}}}
route: {receiver: chat, group_by: [alertname], group_wait: 0s, group_interval: 1m}
"""
WINDOWS = """
time_intervals: {always: [{months: ["1:12"]}]}
maintenance:
  - {name: disks, matchers: ['alertname="A"'], during: always}
  - {name: nets, matchers: ['alertname="B"'], during: always}
"""
BEATS = """
heartbeats: {backup: {every: 1m}, mirror: {every: 1m}, sync: {every: 1m}}
"""
NAMES = "ABC"


def held_back_at_their_source(story: Story) -> Changes:
    """A look at Alertmanager finds that all are silenced there."""
    held = tuple(HeldThere(fingerprint({"alertname": name}), "silenced by sam") for name in NAMES)
    event = SourceReconciled(at=at(300), actor="reconcile", key="held", source="am:9093", looks=1, held=held)
    return story.take(story.engine.apply(event))


def without_what_it_had(story: Story) -> Changes:
    """A policy comes into force that has neither windows nor heartbeats."""
    return story.activate(PLAIN, 300)


@pytest.mark.parametrize(
    ("policy", "step"),
    [(PLAIN, held_back_at_their_source), (PLAIN + WINDOWS, without_what_it_had), (PLAIN + BEATS, without_what_it_had)],
    ids=["held back at their source", "windows end", "heartbeats end"],
)
def test_what_one_step_does_to_many_comes_in_the_same_order_after_a_restart(
    policy: str, step: Callable[[Story], Changes]
) -> None:
    """Given several incidents, silences or heartbeats that one event concerns, then nothing tells of a restart."""
    orders = []
    for restarts in (False, True):
        story = Story(policy)
        for name in NAMES:
            story.fire(0, name)
        story.advance(300)
        if restarts:
            story.engine = Engine(persisted(story.engine.state), now=at(300))
        done = step(story)
        told = [one.incident for one in done.deliveries]
        concerned = (tuple(done.incidents), tuple(done.alerts), tuple(done.silences), tuple(done.heartbeats), told)
        orders.append((concerned, done.timeline))

    assert any(len(several) > 1 for several in orders[0][0])
    assert orders[0] == orders[1]

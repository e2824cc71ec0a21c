"""Looks that can find nothing new are not taken; whatever may bring something has the next one taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from alertrouter.events import Acknowledged, SilenceSet
from alertrouter.silence import SilenceMatcher
from tests.engine.story import Story, at, firing

POLICY = """
severities: [warning, critical]
reopen_within: 10m
time_intervals:
  some_minutes: [{times: [{start_time: "10:40", end_time: "10:50"}]}]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
escalation_policies:
  page: {levels: [{notify: chat}, {after: 2h, notify: pager}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  repeat_interval: 4h
  routes:
    - {matchers: ['severity="critical"'], receiver: chat, escalate: {critical: page}}
    - {matchers: ['kind="hours"'], receiver: chat, mute_time_intervals: [some_minutes]}
inhibit_rules:
  - {name: r, source_matchers: ['alertname="Node"'], target_matchers: ['alertname!="Node"'], equal: [host]}
"""
MINUTE = 60.0


def resting(**labels: str) -> Story:
    """A story in which an alert has fired for ten minutes, and everybody knows."""
    story = Story(POLICY)
    story.fire(0, "Disk", host="a", **labels)
    story.advance(10.5 * MINUTE)
    return story


def spared_in(story: Story, *, begin: float, end: float) -> int:
    """How many looks are spared from one minute to another."""
    story.advance(begin * MINUTE)
    before = story.engine.looks_spared
    story.advance(end * MINUTE)
    return story.engine.looks_spared - before


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_a_group_that_fires_on_is_not_looked_at_again_and_again(severity: str) -> None:
    """Given a group of which everybody knows; when an hour passes, then every look of it is spared, repeats too."""
    story = resting(severity=severity)

    assert spared_in(story, begin=10.5, end=70.5) == 60

    told = len(story.told)
    story.fire(71 * MINUTE, "Disk", host="a", severity=severity)
    assert spared_in(story, begin=71.5, end=80.5) == 9
    assert len(story.told) == told


def joins(story: Story) -> None:
    """Another alert of the group begins to fire."""
    story.fire(11 * MINUTE, "Disk", host="b")


def ends(story: Story) -> None:
    """The alert is over."""
    story.end(11 * MINUTE, "Disk", host="a", severity="warning")


def runs_out(story: Story) -> None:
    """The alert is reported with an end, which comes by itself."""
    story.report(11 * MINUTE, firing("Disk", 11 * MINUTE, started=0, ends=11.2 * MINUTE, host="a", severity="warning"))


def inhibited(story: Story) -> None:
    """What explains it fires."""
    story.fire(11 * MINUTE, "Node", host="a")


def silenced(story: Story) -> None:
    """Somebody silences it, for later."""
    event = SilenceSet(
        at=at(11 * MINUTE),
        actor="sam",
        key="s",
        matchers=(SilenceMatcher("host", "a"),),
        starts_at=at(12 * MINUTE),
        ends_at=at(40 * MINUTE),
        created_by="sam",
    )
    story.take(story.engine.apply(event))


def taken(story: Story) -> None:
    """Somebody has it now."""
    story.act(11 * MINUTE, Acknowledged, "@lena", "INC-1")


@pytest.mark.parametrize(
    ("happens", "looked"), [(joins, 11), (ends, 11), (runs_out, 12), (inhibited, 11), (silenced, 11), (taken, 11)]
)
def test_whatever_happens_to_it_has_the_next_look_taken(happens: Callable[[Story], None], looked: int) -> None:
    """Given a group at rest; when something about it changes, then the next look is taken and finds that."""
    story, patient = resting(severity="warning"), Story(POLICY, every_look=True)
    patient.fire(0, "Disk", host="a", severity="warning")
    patient.advance(10.5 * MINUTE)

    for one in (story, patient):
        happens(one)
    story.advance((looked - 0.1) * MINUTE)
    before = story.engine.looks_spared
    story.advance((looked + 0.1) * MINUTE)

    assert story.engine.looks_spared == before
    for one in (story, patient):
        one.advance(60 * MINUTE)
    assert (story.told, story.timeline) == (patient.told, patient.timeline)


def test_what_another_group_goes_through_disturbs_none() -> None:
    """Given a group at rest; when what holds others back fires elsewhere, then its looks are spared still."""
    story = resting(severity="warning")

    story.fire(11 * MINUTE, "Node", host="z")
    story.fire(11 * MINUTE, "Other", host="z")

    assert story.engine.state.incidents["INC-1"].due == at(11 * MINUTE)
    assert spared_in(story, begin=11.2, end=11.2) == 0
    assert spared_in(story, begin=11.2, end=12.2) >= 1


def test_time_alone_may_bring_something() -> None:
    """A repeat is told when it is due, and what is muted by hours is told of when these end."""
    story = resting(severity="warning", kind="hours")

    assert spared_in(story, begin=30.5, end=39.5) == 9
    assert spared_in(story, begin=40.5, end=49.5) == 0

    plain = resting(severity="warning")
    plain.advance(4 * 60 * MINUTE + 2 * MINUTE)
    assert [one.reason for one in plain.told] == ["opened", "repeated"]


def test_an_end_that_was_told_to_all_is_next_looked_at_when_it_is_forgotten() -> None:
    """Given an incident that is over; when the message of that has arrived, then one look is left, which forgets it."""
    story = resting(severity="warning")

    story.end(11 * MINUTE, "Disk", host="a", severity="warning")
    story.advance(11.1 * MINUTE)

    assert [one.reason for one in story.told] == ["opened", "resolved"]
    assert story.engine.next_due() == at(11 * MINUTE) + timedelta(minutes=10)
    story.advance(21.1 * MINUTE)
    assert story.engine.state.incidents == {}

"""Levels that ask for a number of alerts: told when there are as many, left out when there are not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alertrouter.events import Acknowledged, Escalated
from alertrouter.policy.load import load
from alertrouter.simulate.timeline import live
from alertrouter.transition import Transition
from tests.engine.ladder import MINUTE, minutes
from tests.engine.story import START, Story

POLICY = """
severities: [warning]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
escalation_policies:
  many:
    ack_timeout: 30m
    levels:
      - {notify: chat}
      - {after: 10m, notify: pager, if: {alerts: ">=3 in 10m"}}
      - {after: 20m, notify: leads}
route: {receiver: chat, group_by: [alertname], group_wait: 0s, group_interval: 1m, escalate: {warning: many}}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname="Pod"'], equal: [node]}
"""


def fire(story: Story, second: float, *hosts: str) -> None:
    """Alerts of one incident fire."""
    for host in hosts:
        story.fire(second, "Pod", host=host, severity="warning", node=host)


def test_a_level_asks_for_enough_alerts() -> None:
    """Two are too few: it is left out, the story says why, and the level after it comes at its own time."""
    few, many = Story(POLICY), Story(POLICY)
    fire(few, 0, "a", "b")
    fire(many, 0, "a", "b", "c")

    few.advance(20 * MINUTE)
    many.advance(20 * MINUTE)

    assert [page for page in minutes(few) if page[1] != "chat"] == [(20, "leads")]
    assert [page for page in minutes(many) if page[1] != "chat"] == [(10, "pager"), (20, "leads")]
    said = [(line.text, line.reason) for line in few.timeline if "skipped" in line.text]
    assert said == [("level 2 skipped: 2 alerts, asks for >=3 in 10m", "condition not met")]


def test_alerts_that_are_over_count_while_they_are_new() -> None:
    """Three within ten minutes, whatever became of them; but not those that began before."""
    story, older = Story(POLICY), Story(POLICY)
    fire(story, 0, "a")
    fire(story, 60, "b", "c")
    for host in "bc":
        story.end(90, "Pod", host=host, severity="warning", node=host)
    fire(older, 0, "a", "b", "c")
    older.act(60, Acknowledged)
    older.advance(20 * MINUTE)

    story.advance(10 * MINUTE)
    older.advance(60 * MINUTE)

    assert (10, "pager") in minutes(story)
    assert "pager" not in {receiver for _, receiver in minutes(older)}, "none began in the last ten minutes"


def test_what_another_alert_explains_does_not_count() -> None:
    """One of the three is inhibited."""
    story = Story(POLICY)
    story.fire(0, "NodeDown", node="c", severity="warning")
    fire(story, 0, "a", "b", "c")

    story.advance(10 * MINUTE)

    assert "pager" not in {receiver for _, receiver in minutes(story)}


def test_a_lapse_tells_the_level_that_was_told_and_not_one_that_was_skipped() -> None:
    """Taken behind a skipped level, and forgotten: the last one that was told is told again, then the later ones."""
    story = Story(POLICY)
    fire(story, 0, "a")
    story.advance(11 * MINUTE)

    story.act(12 * MINUTE, Acknowledged)
    story.advance(62 * MINUTE)

    assert minutes(story) == [(0, "chat"), (42, "chat"), (62, "leads")]


def test_a_level_that_was_told_is_told_again_though_its_alerts_are_old() -> None:
    """Its condition was met once: whoever was paged is paged again when the acknowledgement lapses."""
    story = Story(POLICY)
    fire(story, 0, "a", "b", "c")
    story.advance(11 * MINUTE)

    story.act(12 * MINUTE, Acknowledged)
    story.advance(42 * MINUTE)

    assert [page for page in minutes(story) if page[1] == "pager"] == [(10, "pager"), (42, "pager")]


def test_a_person_may_want_a_level_told_whatever_it_asks_for() -> None:
    """Escalate now means now."""
    story = Story(POLICY)
    fire(story, 0, "a")
    story.advance(0)

    story.act(60, Escalated)

    assert (1, "pager") in minutes(story)


@pytest.mark.parametrize(
    ("asks", "told"), [(">=2", True), (">2", False), ("<=2", True), ("<2", False), ("< 3", True), (">=3", False)]
)
def test_how_alerts_are_compared(asks: str, told: bool) -> None:
    """Two alerts fire, since long ago."""
    story = Story(POLICY.replace(">=3 in 10m", asks))
    fire(story, 0, "a", "b")

    story.advance(10 * MINUTE)

    assert ((10, "pager") in minutes(story)) == told


def test_the_timeline_says_why_a_level_was_left_out() -> None:
    """On the virtual clock of `test-route` as well."""
    policy = load({"policy.yml": POLICY})

    timeline = live(policy, {"alertname": "Pod", "severity": "warning"}, start=START, until=timedelta(minutes=20))

    assert [str(one) for one in timeline.expectations] == ["0m chat", "20m leads"]
    assert any(line.text.startswith("level 2 skipped: 1 alert,") for line in timeline.lines)
    assert [line.transition for line in timeline.lines if line.told] == [Transition.STEP, Transition.STEP]

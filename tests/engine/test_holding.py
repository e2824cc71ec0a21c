"""What held an incident back has ended: heard of then, and not at the next group interval."""

from __future__ import annotations

from alertrouter.events import Acknowledged
from alertrouter.incident import State
from tests.engine.ladder import MINUTE, minutes
from tests.engine.story import Story, firing

HOUR = 60 * MINUTE

POLICY = """
severities: [info, critical]
time_intervals:
  lunch: [{times: [{start_time: "12:00", end_time: "13:07"}]}]
  office: [{times: [{start_time: "13:30", end_time: "18:00"}]}]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
escalation_policies:
  page: {levels: [{notify: chat}, {after: 10m, notify: pager}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 20s
  group_interval: 1h
  escalate: {critical: page}
  routes:
    - {matchers: ['kind="lunch"'], mute_time_intervals: [lunch]}
    - {matchers: ['kind="office"'], active_time_intervals: [office]}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname!="NodeDown"'], equal: [node]}
"""


def held() -> Story:
    """A disk whose node is down besides, and that is noticed at its first look."""
    story = Story(POLICY)
    story.fire(0, "NodeDown", severity="info", node="n1")
    story.fire(0, "Disk", severity="critical", node="n1")
    story.advance(30)
    assert story.incident("INC-2").muted == "all its alerts are inhibited"
    return story


def pages(story: Story) -> list[tuple[float, str]]:
    """Whom the disk's incident told, by second."""
    return [
        (told.second, told.to.split("/")[0])
        for told, one in zip(story.told, story.deliveries, strict=True)
        if one.incident == "INC-2" and not one.redraw
    ]


def test_the_end_of_an_inhibition_is_heard_after_group_wait() -> None:
    """The group interval is an hour; the ladder begins 20 seconds after the node is back."""
    story = held()

    story.end(300, "NodeDown", severity="info", node="n1")
    story.advance(16 * MINUTE)

    assert pages(story) == [(320, "chat"), (920, "pager")]


def test_what_ends_with_what_explained_it_is_never_told() -> None:
    """The disk's alert is over in the same minute as the node's: nobody hears of it."""
    story = held()

    story.end(300, "NodeDown", severity="info", node="n1")
    story.end(315, "Disk", severity="critical", node="n1")
    story.advance(2 * HOUR)

    assert pages(story) == []


def test_an_inhibition_that_runs_out_by_itself_is_heard_of_too() -> None:
    """The source is reported no more, and its `endsAt` comes."""
    story = Story(POLICY)
    story.report(0, firing("NodeDown", 0, ends=300, severity="info", node="n1"))
    story.fire(0, "Disk", severity="critical", node="n1")

    story.advance(HOUR)

    assert pages(story)[0] == (320, "chat")


def test_while_another_source_fires_nothing_is_heard() -> None:
    """Two alerts explain it; the end of the first frees nobody, that of the second does."""
    story = Story(POLICY)
    for rack in "ab":
        story.fire(0, "NodeDown", severity="info", node="n1", rack=rack)
    story.fire(0, "Disk", severity="critical", node="n1")
    story.advance(30)

    story.end(300, "NodeDown", severity="info", node="n1", rack="a")
    story.advance(400)
    between = pages(story)
    story.end(600, "NodeDown", severity="info", node="n1", rack="b")
    story.advance(700)

    assert between == []
    assert pages(story) == [(620, "chat")]


def test_two_sources_that_end_in_one_report_free_it() -> None:
    """Neither is left to hold it."""
    story = Story(POLICY)
    for rack in "ab":
        story.fire(0, "NodeDown", severity="info", node="n1", rack=rack)
    story.fire(0, "Disk", severity="critical", node="n1")
    story.advance(30)

    over = [firing("NodeDown", 300, started=0, ends=300, severity="info", node="n1", rack=rack) for rack in "ab"]
    story.report(300, *over)
    story.advance(400)

    assert pages(story) == [(320, "chat")]


def test_what_was_taken_before_it_was_told_stays_silent() -> None:
    """The end of the inhibition lets it go on, but it is somebody's."""
    story = held()
    story.act(60, Acknowledged, incident="INC-2")

    story.end(300, "NodeDown", severity="info", node="n1")
    story.advance(2 * HOUR)

    assert pages(story) == []
    assert story.incident("INC-2").state is State.ACKNOWLEDGED


def test_hours_that_begin_are_heard_when_they_do() -> None:
    """Muted over lunch, or before the office opens: told in the minute in which that ends."""
    story = Story(POLICY)
    noon = 2 * HOUR
    story.fire(noon + MINUTE, "Soup", severity="critical", kind="lunch")
    story.fire(noon + MINUTE, "Report", severity="critical", kind="office")

    story.advance(noon + 2 * HOUR)

    assert [(minute - 120, to) for minute, to in minutes(story)] == [
        (67, "chat"),
        (77, "pager"),
        (90, "chat"),
        (100, "pager"),
    ]

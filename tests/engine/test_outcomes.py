"""What becomes of a delivery, told as stories: late, failed, refused, or never reached."""

from __future__ import annotations

from alertrouter.incident import Reason
from tests.engine.plain import PLAIN, burning
from tests.engine.story import Story, Told


def test_only_one_delivery_is_in_flight_and_the_newest_state_goes_next() -> None:
    """While the first message is on its way, two changes become one message."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.fire(40, "B", cluster="c1")
    story.advance(330)
    story.fire(340, "C", cluster="c1")
    story.end(341, "A", cluster="c1")
    story.advance(630)
    waiting = list(story.told)
    story.settle(story.deliveries[0], 640, reference="C1:1.2")

    assert waiting == [Told(30, "chat/webhook", "opened", firing=("A",))]
    assert story.told[1:] == [Told(640, "chat/webhook", "joined", firing=("B", "C"), resolved=("A",))]
    assert (story.deliveries[1].reference, story.deliveries[1].sequence) == ("C1:1.2", 2)


def test_the_end_is_told_when_the_fire_arrived_late() -> None:
    """It was over before the first message got through: both are told, in order."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.end(40, "A", cluster="c1")
    story.advance(330)
    story.settle(story.deliveries[0], 400)
    story.settle(story.deliveries[1], 401)
    story.advance(3600)

    assert story.told[1:] == [Told(400, "chat/webhook", "resolved", resolved=("A",))]
    assert story.engine.state.incidents == {}


def test_the_story_tells_that_the_end_arrived() -> None:
    """Given somebody who was told, when it is over, then the story has that message and its arrival, as of the fire."""
    story = burning()
    story.end(40, "A", cluster="c1")
    story.advance(330)

    messages = [(line.reason, line.text) for line in story.timeline if line.reason]
    assert messages == [
        (Reason.OPENED, "INC-1.1 to chat/webhook"),
        (Reason.SENT, "INC-1.1 to chat/webhook"),
        (Reason.RESOLVED, "INC-1.2 to chat/webhook"),
        (Reason.SENT, "INC-1.2 to chat/webhook"),
    ]


def test_what_failed_for_good_is_tried_again_at_the_next_group_interval() -> None:
    """A page is never only logged."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.settle(story.deliveries[0], 35, sent=False)
    failed = story.incident().destinations[0]
    story.advance(330)

    assert (failed.told, failed.error) == ((), "400 no such channel")
    assert story.told[1:] == [Told(330, "chat/webhook", "opened", firing=("A",))]


def test_who_was_never_reached_is_not_told_of_the_end() -> None:
    """The fire failed to get through, so its end is nobody's news."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.settle(story.deliveries[0], 35, sent=False)
    story.end(40, "A", cluster="c1")
    story.advance(3600)

    assert len(story.told) == 1
    assert story.engine.state.incidents == {}


def test_an_end_that_fails_is_tried_again_for_a_day() -> None:
    """The end is owed for a day, at every group interval, then given up and shown."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    story.settle(story.deliveries[0], 31)
    story.end(40, "A", cluster="c1")

    story.advance(330)
    story.settle(story.deliveries[1], 331, sent=False)
    story.advance(630)
    again = story.told[-1]
    story.settle(story.deliveries[2], 631, sent=False)
    story.hold = True
    story.advance(2 * 86400)

    assert again == Told(630, "chat/webhook", "resolved", resolved=("A",))
    assert story.counts["incidents_given_up"] == 1
    assert (story.engine.state.incidents, story.engine.state.alerts) == ({}, {})


def test_a_late_or_foreign_outcome_changes_nothing() -> None:
    """The same outcome twice, or one of an older delivery, is counted and ignored."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    story.settle(story.deliveries[0], 31)
    before = story.incident()

    changes = story.settle(story.deliveries[0], 32, sent=False)

    assert changes.counts == {"deliveries_settled_late": 1}
    assert story.incident() == before

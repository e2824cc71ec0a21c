"""Inhibition, told as stories: what explains another alert keeps it quiet for as long as it fires, and no longer."""

from __future__ import annotations

from tests.engine.plain import PLAIN
from tests.engine.story import Story, Told


def explained() -> Story:
    """A node and a service on it, both down, each in a group of its own."""
    story = Story(PLAIN)
    story.fire(0, "NodeDown", cluster="c1", node="n1")
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.advance(30)
    return story


def test_an_inhibited_alert_is_told_to_nobody_and_says_why() -> None:
    """The dependent alert opens an incident that nobody hears of."""
    story = Story(PLAIN)

    story.fire(0, "NodeDown", cluster="c1", node="n1")
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.fire(0, "SvcDown", cluster="c3", node="n2")
    story.advance(30)

    assert [told.firing for told in story.told] == [("NodeDown",), ("SvcDown",)]
    assert list(story.incident("INC-2").suppressed.values()) == ["inhibited by NodeDown (rule node)"]
    assert story.counts["alerts_suppressed:inhibited"] == 1


def test_inhibition_delays_and_never_deletes() -> None:
    """When the source is over and the target is not, its people hear of it after `group_wait`."""
    story = explained()

    story.end(60, "NodeDown", cluster="c1", node="n1")
    story.advance(330)

    assert Told(90, "chat/webhook", "opened", firing=("SvcDown",)) in story.told
    assert story.incident("INC-2").suppressed == {}


def test_whoever_was_told_of_the_fire_is_told_of_its_end_through_inhibition() -> None:
    """Alertmanager never sends this one (its issue 226)."""
    story = Story(PLAIN)
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.advance(30)

    story.fire(40, "NodeDown", cluster="c1", node="n1")
    story.end(50, "SvcDown", cluster="c2", node="n1")
    story.advance(330)

    assert Told(330, "chat/webhook", "resolved", resolved=("SvcDown",)) in story.told


def test_an_inhibited_alert_that_ends_untold_ends_untold() -> None:
    """Nobody hears `resolved` who was not told `firing`."""
    story = explained()

    story.end(60, "SvcDown", cluster="c2", node="n1")
    story.advance(330)

    assert [told.to for told in story.told if told.resolved] == []
    assert story.transitions("INC-2") == ["NEW", "OPEN", "RESOLVE"]

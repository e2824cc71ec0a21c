"""What silences hold back, from the very moment to the very moment, and what messages say of it."""

from __future__ import annotations

import pytest

from alertrouter.events import Acknowledged, Resolved
from alertrouter.silence import SilenceMatcher, SilenceState
from tests.engine.silences import CLIMBING, HOUR, IN_THE_MORNING, PLAIN, ask, end, matching, only, texts
from tests.engine.story import Story, Told


def test_what_is_silenced_is_told_to_nobody_until_the_silence_ends_and_then_at_that_moment() -> None:
    """Given a silence of an hour, when an alert fires in it, then it is told as the hour ends, and not a tick later."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)

    story.fire(10, "Disk")
    story.advance(HOUR - 601)

    assert story.told == []
    assert story.incident().silenced.startswith("silenced by S-")
    assert "until 2026-03-02 11:00 UTC (sam: new disk)" in story.incident().silenced

    story.advance(HOUR)

    assert story.told[-1] == Told(HOUR, "chat/inbox", "silence over", firing=("Disk",))
    assert story.incident().silenced == ""
    assert only(story).state is SilenceState.EXPIRED


def test_who_was_told_before_hears_of_the_end_through_the_silence() -> None:
    """Given an alert that was told, when it is silenced and ends then, then its end is told all the same."""
    story = Story(PLAIN)
    story.fire(0, "Disk")
    story.advance(30)
    ask(story, 60, until=HOUR)

    story.end(400, "Disk")
    story.advance(1000)

    assert [one.reason for one in story.told if one.reason != "silenced"] == ["opened", "resolved"]


def test_the_message_says_who_silenced_it_and_until_when() -> None:
    """Given an alert that was told, when it is silenced, then its message is redrawn at once and says so."""
    story = Story(PLAIN)
    story.fire(0, "Disk")
    story.advance(30)

    ask(story, 60, until=HOUR)
    story.advance(60)

    drawn = story.deliveries[-1]
    assert drawn.redraw
    assert drawn.silenced == story.incident().silenced != ""


def test_the_ladder_stands_still_with_the_time_it_has_left() -> None:
    """Given a level due in 10 minutes, when 4 are over and silence begins, then it is told 6 minutes after its end."""
    story = Story(CLIMBING)
    story.fire(0, "Disk")
    story.advance(30)
    silence = ask(story, 30 + 240, until=2 * HOUR).silence
    story.advance(HOUR)

    assert story.pages() == [(30.0, "chat/inbox")]

    end(story, HOUR, silence)
    story.advance(HOUR + 359)

    assert story.pages() == [(30.0, "chat/inbox")]

    story.advance(HOUR + 360)

    assert story.pages()[-1] == (HOUR + 360.0, "pager/pagerduty")
    assert story.transitions().count("MUTE") == story.transitions().count("UNMUTE") == 1


def test_an_end_is_announced_in_the_channel_ten_minutes_ahead() -> None:
    """Given what was silenced from its first moment, then its channel hears of the coming end, and of the fire then.

    The pager hears of neither before its level comes.
    """
    story = Story(CLIMBING)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")

    story.advance(HOUR - 601)
    assert story.told == []

    story.advance(HOUR - 600)

    assert story.told == [Told(HOUR - 600, "chat/inbox", "silence about to end", firing=("Disk",))]
    assert texts(story)[-1].endswith("ends at 11:00 UTC and hides 1 alert that fires")

    story.advance(HOUR)

    assert story.told[1] == Told(HOUR, "chat/inbox", "silence over", firing=("Disk",))


def test_what_is_over_before_the_announced_end_is_drawn_so() -> None:
    """Given an announced end, when the alert is over before it, then that one message is redrawn and nobody is told."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")
    story.advance(HOUR - 600)

    story.end(HOUR - 300, "Disk")
    story.advance(HOUR + 1000)

    assert [(one.reason.value, one.redraw) for one in story.deliveries] == [
        ("silence about to end", False),
        ("resolved", True),
    ]


def test_what_a_person_calls_over_after_the_warning_is_drawn_so_while_it_fires() -> None:
    """Given an announced end, when somebody calls the incident over by force, then the warning says what is over."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")
    story.advance(HOUR - 600)

    story.act(HOUR - 300, Resolved, force=True)
    story.advance(HOUR - 200)

    assert [(one.reason.value, len(one.resolved)) for one in story.deliveries] == [
        ("silence about to end", 0),
        ("resolved", 1),
    ]


@pytest.mark.parametrize("case", ["hides nothing", "acknowledged", "short"])
def test_an_end_that_concerns_nobody_is_not_announced(case: str) -> None:
    """Nothing fires under it; somebody has it; or whoever asked for ten minutes knows when they end."""
    story = Story(CLIMBING)
    if case != "hides nothing":
        story.fire(0, "Disk")
        story.advance(30)
    if case == "acknowledged":
        story.act(40, Acknowledged)
    ask(story, 60, until=60 + (600 if case == "short" else HOUR))

    story.advance(60 + (599 if case == "short" else HOUR - 1))

    assert "silence about to end" not in [one.reason for one in story.told]


def test_one_silence_of_several_alerts_leaves_the_others_told() -> None:
    """Given two alerts of a group, when one is silenced, then the other is told, and the first when that ends."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR, matchers=matching(alertname="Disk", disk="b"))
    story.fire(10, "Disk", disk="a")
    story.fire(10, "Disk", disk="b")
    story.advance(40)

    assert story.told == [Told(40, "chat/inbox", "opened", firing=("Disk",))]
    assert story.incident().silenced == ""

    story.advance(HOUR)

    assert story.told[-1].second == HOUR
    assert story.told[-1].firing == ("Disk", "Disk")


def test_a_message_says_who_silenced_what_it_leaves_out() -> None:
    """Given two alerts that were told, when one is silenced, then its message is redrawn at once and says by whom."""
    story = Story(PLAIN)
    story.fire(0, "Disk", disk="a")
    story.fire(0, "Disk", disk="b")
    story.advance(30)

    ask(story, 60, until=HOUR, matchers=matching(alertname="Disk", disk="b"))
    story.advance(60)

    drawn = story.deliveries[-1]
    (account,) = story.incident().suppressed.values()
    assert (drawn.redraw, len(drawn.firing), drawn.silenced) == (True, 1, "")
    assert drawn.remarks == (f"1 more fires, {account}",)
    assert "(sam: new disk)" in account

    count = len(story.deliveries)
    story.fire(100, "Disk", disk="b")
    story.advance(600)
    assert len(story.deliveries) == count

    story.advance(HOUR)
    assert (len(story.deliveries[-1].firing), story.deliveries[-1].remarks) == (2, ())


def test_a_message_counts_what_it_leaves_out_as_it_grows() -> None:
    """Given a message that leaves out a silenced alert, when a second one joins in silence, it says two at its look."""
    story = Story(PLAIN)
    story.fire(0, "Disk", disk="a")
    story.fire(0, "Disk", disk="b")
    story.advance(30)
    ask(story, 60, until=HOUR, matchers=(SilenceMatcher("disk", "b|c", is_regex=True),))
    story.fire(90, "Disk", disk="c")
    story.advance(360)

    drawn = story.deliveries[-1]
    (account,) = set(story.incident().suppressed.values())
    assert (drawn.redraw, len(drawn.firing)) == (True, 1)
    assert drawn.remarks == (f"2 more fire, {account}",)


def test_a_message_says_of_nothing_that_is_over_that_it_fires_on_in_silence() -> None:
    """Given a message on its way, when what it leaves out ends before it arrives, the next one says so and no more."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "Disk", disk="a")
    story.fire(0, "Disk", disk="b")
    story.advance(30)
    story.arrive(31)
    ask(story, 60, until=HOUR, matchers=matching(alertname="Disk", disk="b"))
    story.arrive(61)
    story.fire(90, "Disk", disk="c")
    story.advance(360)
    story.fire(400, "Disk", disk="d")
    story.advance(660)
    on_its_way = story.deliveries[-1]

    story.end(700, "Disk", disk="b")
    story.settle(on_its_way, 710)

    following = story.deliveries[-1]
    assert (on_its_way.id != following.id, on_its_way.remarks != ()) == (True, True)
    assert (len(following.firing), len(following.resolved), following.remarks) == (3, 1, ())


def test_a_message_outside_hours_keeps_what_it_told_while_that_is_silenced_and_what_joined_waits() -> None:
    """Given an incident that somebody has, its hours over, when all that was told is silenced, its message shows it."""
    story = Story(IN_THE_MORNING)
    story.fire(0, "Disk")
    story.advance(60)
    story.act(60, Acknowledged)
    story.fire(HOUR + 60, "Net")
    story.advance(HOUR + 600)

    ask(story, HOUR + 600, until=2 * HOUR)
    story.advance(HOUR + 1200)

    drawn = [told.firing for told in story.told if told.second >= HOUR + 600]
    assert drawn
    assert set(drawn) == {("Disk",)}


@pytest.mark.parametrize("silenced", [False, True])
def test_what_joins_outside_hours_does_not_redraw_the_message_of_who_has_it_again_and_again(silenced: bool) -> None:
    """Given an incident that somebody has, its hours over, when one more joins, then nothing is sent of that."""
    story = Story(IN_THE_MORNING)
    story.fire(0, "Disk")
    story.advance(60)
    story.act(60, Acknowledged)
    story.fire(HOUR + 60, "Net")
    if silenced:
        ask(story, HOUR + 120, until=8 * HOUR)

    story.advance(3 * HOUR)

    assert [told.reason for told in story.told] == ["opened", "acknowledged"] + (["redrawn"] if silenced else [])

"""Escalation where its clocks meet: snoozes over holds, acknowledgements before the opening, ends and returns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alertrouter.events import Acknowledged, Escalated, Extended, Noted, Snoozed
from alertrouter.incident import State
from tests.engine.ladder import MINUTE, POLICY, minutes
from tests.engine.story import Story, at

HOUR = 60 * MINUTE
WAITING = POLICY.replace("group_wait: 0s", "group_wait: 30s")
IN_HOURS = POLICY.replace(
    "raise: {to: critical, after: 45m}", "raise: {to: critical, after: 45m, during: business_hours}"
)


def fired(policy: str = POLICY, **labels: str) -> Story:
    """A story in which one alert has just opened an incident."""
    story = Story(policy)
    story.fire(0, "Disk", **{"severity": "critical", **labels})
    story.advance(0)
    return story


def test_what_fires_again_climbs_again_from_its_first_level() -> None:
    """The pager was told the last time; this time it waits for its level as it did then."""
    story = fired()
    story.advance(6 * MINUTE)
    story.end(7 * MINUTE, "Disk", severity="critical")
    story.advance(8 * MINUTE)
    before = minutes(story)

    story.fire(10 * MINUTE, "Disk", severity="critical")
    story.advance(16 * MINUTE)

    assert story.transitions().count("REOPEN") == 1
    assert minutes(story)[len(before) :] == [(10, "chat"), (15, "pager")]


def test_what_fires_again_redraws_nothing_that_is_not_its_turn_yet() -> None:
    """A redrawn PagerDuty incident that was resolved would be a new one, and wake somebody."""
    story = fired()
    story.advance(6 * MINUTE)
    story.end(7 * MINUTE, "Disk", severity="critical")
    story.advance(8 * MINUTE)
    story.fire(10 * MINUTE, "Disk", severity="critical")
    story.advance(10 * MINUTE)

    story.act(11 * MINUTE, Acknowledged)
    story.fire(12 * MINUTE, "Disk", severity="critical", host="b")
    story.advance(14 * MINUTE)

    assert [told.second for told in story.told if told.to == "pager/pagerduty" and told.second > 8 * MINUTE] == []
    assert story.told[-1].to == "chat/slack"


def test_a_snooze_that_survived_an_end_is_over_at_its_time() -> None:
    """Silent while it lasts, and not for ever."""
    story = fired()
    story.act(60, Snoozed, until=at(HOUR))
    story.end(10 * MINUTE, "Disk", severity="critical")
    story.advance(12 * MINUTE)
    story.fire(15 * MINUTE, "Disk", severity="critical")

    story.advance(66 * MINUTE)

    assert minutes(story)[1:] == [(10, "chat"), (60, "chat"), (65, "pager")]
    assert story.incident().snooze is None


def test_a_snooze_may_run_out_while_nothing_fires() -> None:
    """What fires again afterwards is told at once."""
    story = fired()
    story.act(60, Snoozed, until=at(12 * MINUTE))
    story.end(8 * MINUTE, "Disk", severity="critical")
    story.advance(14 * MINUTE)

    story.fire(15 * MINUTE, "Disk", severity="critical")
    story.advance(15 * MINUTE)

    assert minutes(story)[-1] == (15, "chat")


def test_an_acknowledgement_before_the_opening_lapses_as_any_other() -> None:
    """Taken before anybody was told, and forgotten: after the time-out the policy starts at its first level."""
    story = Story(WAITING)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    story.act(10, Acknowledged)
    story.advance(10 + 36 * MINUTE)

    assert story.pages() == [(10 + 30 * MINUTE, "chat/slack"), (10 + 35 * MINUTE, "pager/pagerduty")]


def test_a_snooze_does_not_move_the_hours_that_a_level_waits_for() -> None:
    """Held from Friday night to Monday 09:00 and snoozed in between: it is told on Monday at 09:00."""
    story = Story(POLICY)
    friday = timedelta(days=4, hours=6, minutes=50).total_seconds()
    story.fire(friday, "Report", severity="warning", kind="office")
    story.advance(friday + 2 * HOUR)

    story.act(friday + 3 * HOUR, Snoozed, until=at(friday + 20 * HOUR))
    story.advance(friday + 64 * HOUR)

    assert [(second - friday) / MINUTE for second, to in story.pages() if to == "leads/email"] == [3790]


def test_a_snooze_takes_only_the_hours_that_count_from_a_raise() -> None:
    """Ten minutes of its 45 have counted when Friday ends; a snooze on Saturday takes none of the other 35."""
    story = Story(IN_HOURS)
    friday = timedelta(days=4, hours=6, minutes=50).total_seconds()
    story.fire(friday, "Disk", severity="warning")
    story.advance(friday + HOUR)

    story.act(friday + 20 * HOUR, Snoozed, until=at(friday + 30 * HOUR))
    story.advance(friday + 66 * HOUR)

    raised = [line.at for line in story.timeline if line.transition == "RAISE"]
    assert raised == [at(friday + 3760 * MINUTE + 65 * MINUTE)], "Monday 09:35 in Berlin"


def test_a_note_never_shortens_an_acknowledgement() -> None:
    """Extended for hours; a note ten minutes later leaves that as it is."""
    story = fired()
    story.act(60, Acknowledged)
    story.act(2 * MINUTE, Extended, until=at(5 * HOUR))

    story.act(12 * MINUTE, Noted, text="waiting for the disk")
    story.advance(4 * HOUR)

    assert story.incident().state is State.ACKNOWLEDGED
    assert story.incident().ack is not None
    assert minutes(story) == [(0, "chat")]


def test_what_was_taken_as_a_warning_is_not_taken_as_critical() -> None:
    """It had been critical and had calmed down when somebody took it: critical again, it is nobody's."""
    story = fired(severity="warning")
    story.fire(60, "Disk", severity="critical")
    story.end(2 * MINUTE, "Disk", severity="critical")
    story.advance(3 * MINUTE)
    story.act(4 * MINUTE, Acknowledged)

    story.fire(10 * MINUTE, "Disk", severity="critical")
    story.advance(16 * MINUTE)

    assert story.transitions().count("WORSE") == 2
    assert minutes(story)[-2:] == [(10, "chat"), (15, "pager")]


def test_what_was_taken_as_critical_may_wobble_below_that() -> None:
    """Taken before it opened, when it was critical; down to warning and up again is no news."""
    story = Story(WAITING)
    story.fire(0, "Disk", severity="critical")
    story.fire(1, "Disk", severity="warning")
    story.act(10, Acknowledged)
    story.end(MINUTE, "Disk", severity="critical")
    story.advance(3 * MINUTE)

    story.fire(4 * MINUTE, "Disk", severity="critical")
    story.advance(10 * MINUTE)

    assert "WORSE" not in story.transitions()
    assert minutes(story) == []


def test_what_gets_worse_again_between_two_looks_does_not_wait_for_the_next() -> None:
    """The critical alert had ended a moment before the acknowledged warning was looked at last; it fires anew."""
    story = fired(POLICY.replace("group_interval: 1m", "group_interval: 5m"), severity="warning")
    story.hold = True
    story.act(60, Acknowledged)
    story.fire(2 * MINUTE, "Disk", severity="critical")
    story.advance(2 * MINUTE)
    story.end(3 * MINUTE, "Disk", severity="critical")
    story.advance(7 * MINUTE)
    story.act(8 * MINUTE, Acknowledged)

    story.fire(9 * MINUTE, "Disk", severity="critical")
    story.advance(9 * MINUTE)

    assert story.incident().state is State.TRIGGERED
    assert [line.at for line in story.timeline if line.transition == "WORSE"][-1] == at(9 * MINUTE)


@pytest.mark.parametrize("interval", ["1m", "7m"])
def test_a_raise_comes_before_a_level_of_the_same_moment(interval: str) -> None:
    """Whether or not the group interval ends then too: the old policy's level isn't told any more."""
    policy = POLICY.replace("{after: 20m, notify: channel}", "{after: 45m, notify: managers}")
    story = fired(policy.replace("group_interval: 1m", f"group_interval: {interval}"), severity="warning")

    story.advance(45 * MINUTE)

    assert minutes(story) == [(0, "chat"), (45, "chat")]


def test_escalating_what_is_over_is_refused_in_words() -> None:
    """Nothing fires any more, although the group interval has not ended yet."""
    story = fired()
    story.end(20, "Disk", severity="critical")

    answer = story.act(30, Escalated)
    story.advance(10 * MINUTE)

    assert answer.text == "all alerts of INC-1 are over: it is about to be resolved"
    assert {to for _, to in minutes(story)} == {"chat"}


def test_the_answer_names_what_was_asked_for() -> None:
    """The last level told now is STEP to a person, whatever else it means to the ladder."""
    story = fired(severity="info")

    answer = story.act(60, Escalated)

    assert answer.transition == "STEP"
    assert story.transitions()[-1] == "DONE"


def test_an_acknowledgement_that_was_snoozed_says_its_new_end() -> None:
    """Twenty minutes were left; they are left when it wakes, and the message says until when."""
    story = fired()
    story.act(0, Acknowledged)
    story.act(10 * MINUTE, Snoozed, until=at(70 * MINUTE))

    story.advance(70 * MINUTE)
    ack = story.incident().ack
    story.advance(90 * MINUTE)

    assert ack is not None
    assert ack.until == at(90 * MINUTE)
    assert minutes(story)[-1] == (90, "chat")

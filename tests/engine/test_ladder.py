"""Escalation, told as stories: what nobody takes climbs, and when."""

from __future__ import annotations

from datetime import timedelta

from alertrouter.events import Acknowledged, Escalated, Snoozed
from tests.engine.ladder import MINUTE, POLICY, burning, minutes
from tests.engine.story import Story, at


def test_a_warning_nobody_takes_becomes_a_page() -> None:
    """Raised after 45 minutes; the critical policy starts at its first level and repeats from the second."""
    story = Story(POLICY)

    story.fire(0, "Disk", severity="warning")
    story.advance(0)
    story.advance(95 * MINUTE)

    assert minutes(story) == [(0, "chat"), (20, "chat"), (45, "chat"), (50, "pager"), (65, "leads"), (95, "pager")]
    assert [name for name in story.transitions() if name != "STEP"] == ["NEW", "OPEN", "DONE", "RAISE", "LOOP"]
    assert (story.incident().severity, story.incident().raised) == ("critical", "critical")


def test_a_wobble_is_no_escape() -> None:
    """Back to warning and up again: told as better, but policy and clock stay; it is not worse twice."""
    story = burning("warning")
    story.fire(60, "Disk", severity="critical")
    story.end(100, "Disk", severity="critical")
    story.advance(200)
    better = story.incident().severity
    story.fire(210, "Disk", severity="critical")
    story.advance(12 * MINUTE)

    assert better == "warning"
    assert [name for name in story.transitions() if name in ("WORSE", "BETTER")] == ["WORSE", "BETTER"]
    assert (6, "pager") in minutes(story)


def test_a_level_outside_its_hours_is_held_until_they_open() -> None:
    """Friday 17:50 in Berlin: the leads hear on Monday at 09:00."""
    story = Story(POLICY)
    friday = (timedelta(days=4, hours=6, minutes=50)).total_seconds()

    story.fire(friday, "Report", severity="warning", kind="office")
    story.advance(friday + 64 * 3600)

    assert [(second - friday) / MINUTE for second, to in story.pages() if to == "leads/email"] == [3790]


def test_a_level_may_be_skipped_outside_its_hours() -> None:
    """Two levels with one interval make a branch."""
    story = Story(POLICY)

    story.fire(12 * 3600, "Night", severity="warning", kind="branch")
    story.fire(23 * 3600, "Day", severity="warning", kind="branch")
    story.advance(23 * 3600)

    assert [to for second, to in story.pages() if second == 12 * 3600] == ["pager/pagerduty"]
    assert [to for second, to in story.pages() if second == 23 * 3600] == ["chat/slack", "pager/pagerduty"]


def test_the_night_the_clocks_change_moves_the_opening_and_not_the_wall_clock() -> None:
    """Hours are wall-clock hours: 09:00 in Berlin is 08:00 UTC before the change and 07:00 UTC after it."""
    story = Story(POLICY)
    saturday = timedelta(days=26, hours=2).total_seconds()

    story.fire(saturday, "Report", severity="warning", kind="office")
    story.advance(saturday + 3 * 86400)

    held = [at(second) for second, to in story.pages() if to == "leads/email"]
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in held] == ["2026-03-30 07:00"]


def test_a_repeat_with_an_end_is_exhausted_then() -> None:
    """Told three times in all, then marked as exhausted."""
    story = Story(POLICY)

    story.fire(0, "Odd", severity="warning", kind="thrice")
    story.advance(3600)

    assert minutes(story) == [(0, "chat"), (10, "chat"), (20, "chat")]
    assert story.incident().exhausted
    assert story.transitions()[-1] == "DONE"


def test_resolved_before_the_page_so_no_page() -> None:
    """What has cleared pages nobody."""
    story = burning("critical")

    story.end(4 * MINUTE, "Disk", severity="critical")
    story.advance(60 * MINUTE)

    assert minutes(story) == [(0, "chat"), (4, "chat")]
    assert story.told[-1].reason == "resolved"


def test_what_is_over_is_seen_when_its_next_level_comes() -> None:
    """It ended between two looks: the pager is not told half a minute later, and who was told hears the end."""
    story = Story(POLICY.replace("group_interval: 1m", "group_interval: 10m"))
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    story.end(4 * MINUTE, "Disk", severity="critical")
    story.advance(9 * MINUTE)

    assert minutes(story) == [(0, "chat"), (5, "chat")]
    assert story.transitions()[-1] == "RESOLVE"


def test_what_is_over_is_seen_when_its_acknowledgement_lapses() -> None:
    """Nobody is paged again for what has ended meanwhile."""
    story = Story(POLICY.replace("group_interval: 1m", "group_interval: 1h"))
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.act(MINUTE, Acknowledged)

    story.end(20 * MINUTE, "Disk", severity="critical")
    story.advance(59 * MINUTE)

    assert minutes(story) == [(0, "chat"), (31, "chat")]
    assert story.transitions()[-2:] == ["ACK", "RESOLVE"]


def test_everybody_who_was_told_hears_of_the_end() -> None:
    """Acknowledged or not, at whatever level they were told."""
    story = burning("critical")
    story.advance(21 * MINUTE)
    story.act(22 * MINUTE, Acknowledged)

    story.end(25 * MINUTE, "Disk", severity="critical")
    story.advance(27 * MINUTE)

    assert sorted(told.to for told in story.told if told.reason == "resolved") == [
        "chat/slack",
        "leads/email",
        "pager/pagerduty",
    ]


def test_a_snooze_stops_the_clock_and_lets_it_go_on() -> None:
    """Two minutes were left to the pager when it was snoozed: two minutes are left when it wakes."""
    story = burning("critical")

    story.act(3 * MINUTE, Snoozed, until=at(33 * MINUTE))
    story.advance(34 * MINUTE)
    asleep = minutes(story)
    story.advance(36 * MINUTE)

    assert asleep == [(0, "chat")]
    assert minutes(story) == [(0, "chat"), (35, "pager")]
    assert [name for name in story.transitions() if name in ("SNOOZE", "WAKE")] == ["SNOOZE", "WAKE"]


def test_a_snooze_survives_a_flap() -> None:
    """It resolves and fires again ten times: nobody is paged before the snooze is over."""
    story = burning("critical")
    story.act(60, Snoozed, until=at(3 * 3600))

    for turn in range(10):
        story.end(120 + turn * 300, "Disk", severity="critical")
        story.advance(240 + turn * 300)
        story.fire(260 + turn * 300, "Disk", severity="critical")
    story.advance(3600)

    assert [to for second, to in story.pages() if to == "pager/pagerduty"] == []
    assert story.incident().round == 11


def test_suppression_stops_the_ladder_and_never_deletes_it() -> None:
    """Inhibited after three minutes: the pager hears two minutes after the very moment at which that ended."""
    story = burning("critical", node="n1")
    story.fire(2.5 * MINUTE, "NodeDown", severity="info", node="n1")
    story.advance(3 * MINUTE)
    muted = story.incident().muted

    story.end(20.5 * MINUTE, "NodeDown", severity="info", node="n1")
    story.advance(30 * MINUTE)

    assert muted == "all its alerts are inhibited"
    assert [page for page in minutes(story) if page[1] == "pager"] == [(22.5, "pager")]
    assert [name for name in story.transitions() if name in ("MUTE", "UNMUTE")] == ["MUTE", "UNMUTE"]


def test_escalate_now_tells_the_next_level_at_once() -> None:
    """The later levels keep their distance from it."""
    story = burning("critical")

    story.act(60, Escalated)
    story.advance(17 * MINUTE)

    assert minutes(story) == [(0, "chat"), (1, "pager"), (16, "leads")]


def test_an_old_escalate_button_does_nothing() -> None:
    """It was drawn before the pager was told: pressing it does not wake the leads."""
    story = burning("critical")
    drawn = story.deliveries[0].version
    story.advance(6 * MINUTE)

    answer = story.act(7 * MINUTE, Escalated, version=drawn)

    assert "escalated since" in answer.text
    assert minutes(story) == [(0, "chat"), (5, "pager")]


def test_a_page_that_cannot_be_delivered_goes_to_the_next_who_can_act() -> None:
    """PagerDuty refuses for good: the leads hear at once, and why stands in the story."""
    story = Story(POLICY, hold=True)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.settle(story.deliveries[0], 1)
    story.advance(5 * MINUTE)

    pager = next(one for one in story.deliveries if one.destination == "pager/pagerduty")
    story.settle(pager, 5 * MINUTE + 2, sent=False)

    assert (5 * MINUTE + 2, "leads/email") in story.pages()
    assert any("next level is told now" in line.text for line in story.timeline)


def test_what_sets_a_level_off_at_once_is_why_people_are_told() -> None:
    """A lapse and a raise are told as such, in pages and in redrawn messages; later levels as escalations."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(7 * MINUTE)
    story.act(7 * MINUTE, Acknowledged)

    story.advance(60 * MINUTE)

    chat = [(told.second / MINUTE, told.reason) for told in story.told if told.to == "chat/slack"]
    assert chat == [
        (0, "opened"),
        (5, "escalated"),
        (7, "acknowledged"),
        (31, "acknowledgement about to lapse"),
        (37, "acknowledgement lapsed"),
        (52, "escalated"),
    ]


def test_a_raised_severity_is_why_the_first_level_hears_of_it_again() -> None:
    """The message knows what it was raised to, and that it can climb."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="warning")

    story.advance(45 * MINUTE)

    last = story.deliveries[-1]
    assert (last.destination, last.reason, last.redraw) == ("chat/slack", "raised", False)
    assert (last.raised, last.climbs) == ("critical", True)


def test_a_warning_is_given_before_an_acknowledgement_lapses() -> None:
    """At 80 % of its time, in the message."""
    story = burning("critical")
    story.act(0, Acknowledged)

    story.advance(24 * MINUTE)

    assert [(told.second / MINUTE, told.reason) for told in story.told if told.to == "chat/slack"][-1] == (
        24,
        "acknowledgement about to lapse",
    )

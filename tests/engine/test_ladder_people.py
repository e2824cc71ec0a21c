"""Escalation and people, told as stories: what somebody takes stops, and what they may do to it."""

from __future__ import annotations

import pytest

from alertrouter.events import Acknowledged, Escalated, Extended, Noted, Resolved, Unacknowledged
from alertrouter.incident import State
from tests.engine.ladder import MINUTE, POLICY, burning, minutes
from tests.engine.story import Story, at


def test_an_acknowledgement_holds_for_its_time_and_not_for_ever() -> None:
    """Nobody is paged while it holds; then its level again, and the later ones at their distance."""
    story = burning("critical")
    story.advance(7 * MINUTE)

    answer = story.act(7 * MINUTE, Acknowledged)
    story.advance(82 * MINUTE)

    assert answer.text == "INC-1 is acknowledged by @omar until 10:37 UTC"
    assert minutes(story) == [(0, "chat"), (5, "pager"), (37, "pager"), (52, "leads"), (82, "pager")]
    assert [name for name in story.transitions() if name != "STEP"] == ["NEW", "OPEN", "ACK", "LAPSE", "LOOP"]
    assert story.counts["acknowledgement_seconds"] == 7 * MINUTE


def test_what_gets_worse_beats_an_acknowledgement() -> None:
    """A critical alert joins the acknowledged warning: it is nobody's again, and the critical policy starts at once."""
    story = burning("warning")
    story.act(10 * MINUTE, Acknowledged)

    story.fire(30 * MINUTE, "Disk", severity="critical")
    story.advance(40 * MINUTE)

    assert minutes(story) == [(0, "chat"), (30, "chat"), (35, "pager")]
    assert story.incident().ack is None
    assert "WORSE" in story.transitions()


def test_acting_on_what_has_just_ended_swallows_no_end() -> None:
    """Acknowledged between the end and the next look: whoever was told of the fire still hears of its end."""
    story = burning("critical")
    story.advance(5 * MINUTE)

    story.end(330, "Disk", severity="critical")
    story.act(340, Acknowledged)
    story.advance(6 * MINUTE)

    assert sorted(told.to for told in story.told if told.reason == "resolved") == ["chat/slack", "pager/pagerduty"]


def test_a_page_that_has_not_left_is_recalled_by_an_acknowledgement() -> None:
    """Cancelled in the ledger, it is not told; nobody hears of an end they never heard the fire of."""
    story = Story(POLICY, hold=True)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.settle(story.deliveries[0], 1)
    story.advance(5 * MINUTE)

    story.act(5 * MINUTE, Acknowledged)
    recalled = dict(story.last.recalled)
    story.recalled(5 * MINUTE)
    story.arrive(5 * MINUTE + 1)
    story.end(6 * MINUTE, "Disk", severity="critical")
    story.advance(8 * MINUTE)

    assert [recall.why for recall in recalled.values()] == ["it was taken before it left"]
    assert [told.to for told in story.told if told.reason == "resolved"] == ["chat/slack"]


def test_an_acknowledged_incident_pages_nobody_and_shows_what_joins() -> None:
    """A new alert is drawn into the Slack message; the pager and the leads are not told of it."""
    story = burning("critical", host="a")
    story.advance(6 * MINUTE)
    story.act(7 * MINUTE, Acknowledged)

    story.fire(8 * MINUTE, "Disk", severity="critical", host="b")
    story.advance(10 * MINUTE)

    shown = [
        told for told, one in zip(story.told, story.deliveries, strict=True) if one.redraw and len(told.firing) == 2
    ]
    assert {told.to for told in shown} == {"chat/slack", "pager/pagerduty"}
    assert minutes(story) == [(0, "chat"), (5, "pager")]


def test_the_message_is_redrawn_at_once() -> None:
    """Who took it stands in the message in the same step."""
    story = burning("critical")

    story.act(60, Acknowledged, "@lena")

    last = story.deliveries[-1]
    assert (last.destination, last.redraw, last.reason, last.state) == (
        "chat/slack",
        True,
        "acknowledged",
        State.ACKNOWLEDGED,
    )
    assert last.ack is not None
    assert last.ack.by == "@lena"


def test_two_people_acknowledge_and_both_are_recorded() -> None:
    """The second is a responder too; the timer is the first one's."""
    story = burning("critical")
    story.act(60, Acknowledged, "@lena")
    until = story.incident().ack

    story.act(61, Acknowledged, "@omar")
    again = story.act(62, Acknowledged, "@omar")

    ack = story.incident().ack
    assert ack is not None
    assert until is not None
    assert (ack.by, ack.others, ack.until) == ("@lena", ("@omar",), until.until)
    assert "already" in again.text
    assert story.transitions()[-1] == "ACK+"


def test_who_comes_second_is_told_how_long_ago_the_first_one_took_it() -> None:
    """From a minute on; before that it was at the same time, as far as people can tell."""
    story = burning("critical")
    story.act(60, Acknowledged, "@lena")

    at_once = story.act(119, Acknowledged, "@omar")
    later = story.act(185, Acknowledged, "@ida")

    assert at_once.text == "INC-1 is acknowledged by @lena until 10:31 UTC"
    assert later.text == "INC-1 is acknowledged by @lena 2 min ago, until 10:31 UTC"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Lena (slack)", "Lena (pagerduty)", True),
        ("lena@example.org (email link)", "lena@example.org (slack link)", True),
        ("Lena (slack)", "Omar (slack)", False),
        ("Lena (on leave) (api)", "Lena (cli)", False),
        ("@lena (slack)", "@lena (pagerduty)", False),
        ("anonymous (api)", "anonymous (console)", False),
        ("@lena (slack)", "@lena (slack)", True),
    ],
)
def test_who_takes_it_again_through_another_door_has_it_already(first: str, second: str, same: bool) -> None:
    """They are told so, and are not their own second responder; of whom nobody knows, nobody can tell."""
    story = burning("critical")
    story.act(60, Acknowledged, "Ida (api)")
    story.act(61, Acknowledged, first)

    answer = story.act(62, Acknowledged, second)

    ack = story.incident().ack
    assert ack is not None
    assert (ack.by, ack.others) == ("Ida (api)", (first,) if same else (first, second))
    assert answer.text.startswith("you have acknowledged INC-1 already") is same
    assert story.transitions().count("ACK+") == (1 if same else 2)


def test_the_same_click_twice_changes_nothing() -> None:
    """The key decides, and the answer is kind."""
    story = burning("critical")
    story.act(60, Escalated, key="click-1")
    before = story.incident()

    answer = story.act(60, Escalated, key="click-1")

    assert (answer.transition, story.incident()) == (None, before)
    assert answer.text == "done already: INC-1 is triggered"


def test_given_back_it_is_told_again_at_the_level_of_the_acknowledgement() -> None:
    """Nobody has it any more, so the pager hears at once."""
    story = burning("critical")
    story.advance(6 * MINUTE)
    story.act(7 * MINUTE, Acknowledged)

    story.act(9 * MINUTE, Unacknowledged)
    story.advance(25 * MINUTE)

    assert minutes(story) == [(0, "chat"), (5, "pager"), (9, "pager"), (24, "leads")]


def test_a_person_can_call_it_over_only_by_force_while_it_fires() -> None:
    """Refused with a hint; by force everybody hears the end, and a new alert opens it again."""
    story = burning("critical", host="a")

    refused = story.act(60, Resolved)
    closed = story.act(61, Resolved, force=True)
    told = story.told[-1]
    story.fire(70, "Disk", severity="critical", host="a")
    story.advance(30 * MINUTE)
    still = story.incident().state
    story.fire(31 * MINUTE, "Disk", severity="critical", host="b")
    story.advance(33 * MINUTE)

    assert "fire still" in refused.text
    assert (closed.transition, told.reason, told.to) == ("CLOSE", "resolved", "chat/slack")
    assert (still, story.incident().state) == (State.RESOLVED, State.TRIGGERED)


def test_a_resolve_from_the_source_beats_people() -> None:
    """Acting on what is over changes nothing and says so."""
    story = burning("critical")
    story.end(60, "Disk", severity="critical")
    story.advance(120)

    answers = [story.act(130, kind, "@omar") for kind in (Acknowledged, Unacknowledged, Escalated, Resolved)]

    assert {answer.text for answer in answers} == {"INC-1 was resolved by its source at 10:01 UTC"}
    assert story.incident().state is State.RESOLVED
    assert story.transitions()[-4:] == ["LATE"] * 4


def test_an_extension_and_a_note_keep_the_acknowledgement() -> None:
    """Work on it is a reason not to be overtaken by the clock."""
    story = burning("critical")
    story.act(60, Acknowledged)

    story.act(20 * MINUTE, Extended, until=at(60 * MINUTE))
    story.act(50 * MINUTE, Noted, text="waiting for the disk")
    story.advance(79 * MINUTE)

    assert story.incident().state is State.ACKNOWLEDGED
    assert minutes(story) == [(0, "chat")]
    assert any(line.text == "@omar: waiting for the disk" for line in story.timeline)


def test_an_acknowledgement_before_it_opens_keeps_it_silent() -> None:
    """Seen in the list and taken before group_wait was over: nobody is woken for it."""
    story = Story(POLICY.replace("group_wait: 0s", "group_wait: 30s"))
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    story.act(10, Acknowledged)
    story.advance(10 * MINUTE)

    assert minutes(story) == []
    assert story.incident().state is State.ACKNOWLEDGED


def test_nobody_can_act_on_what_does_not_exist() -> None:
    """The answer says so."""
    story = Story(POLICY)

    answer = story.act(0, Acknowledged, incident="INC-99")

    assert answer.text == "there is no incident INC-99, or it is long over"


@pytest.mark.parametrize("kind", [Unacknowledged, Extended])
def test_what_nobody_has_cannot_be_given_back(kind: type[Unacknowledged] | type[Extended]) -> None:
    """Refused in words."""
    story = burning("critical")

    answer = story.act(1, kind, until=at(600)) if kind is Extended else story.act(1, kind)

    assert answer.text == "nobody has acknowledged INC-1"

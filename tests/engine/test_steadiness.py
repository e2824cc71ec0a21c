"""What flaps is one problem that goes on; what is reported no more is stale, and not over."""

from __future__ import annotations

import pytest

from alertrouter.events import Acknowledged, Resolved
from alertrouter.incident import State
from tests.engine.ladder import MINUTE, minutes
from tests.engine.story import Story, at

POLICY = """
severities: [critical]
reopen_within: 10m
flapping: {flips: 3, within: 30m, stable_for: 15m}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
escalation_policies:
  page:
    ack_timeout: 30m
    levels: [{notify: chat}, {after: 5m, notify: pager}]
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  escalate: {critical: page}
  routes: [{matchers: ['kind="plain"'], receiver: chat, group_wait: 0s}]
"""


def flip(story: Story, minute: float, **labels: str) -> None:
    """It ends, and a minute later it fires again."""
    story.end(minute * MINUTE, "Disk", severity="critical", **labels)
    story.advance((minute + 1) * MINUTE)
    story.fire((minute + 1) * MINUTE, "Disk", severity="critical", **labels)
    story.advance((minute + 1) * MINUTE)


def flapping(**labels: str) -> Story:
    """A story in which an incident has just begun to flap, at minute 6."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical", **labels)
    story.advance(MINUTE)
    for minute in (1, 3, 5):
        flip(story, minute, **labels)
    return story


@pytest.mark.parametrize("labels", [{}, {"kind": "plain"}])
def test_what_flaps_is_told_once_as_flapping(labels: dict[str, str]) -> None:
    """With a ladder or without: after the notice neither its ends nor its returns are told."""
    story = flapping(**labels)
    before = len([one for one in story.told if one.to == "chat/slack"])

    for minute in (7, 9):
        flip(story, minute, **labels)

    chat = [told.reason for told in story.told if told.to == "chat/slack"]
    later = [one for one in story.deliveries[before:] if one.destination == "chat/slack" and not one.redraw]
    assert chat[before - 1] == "flapping"
    assert later == []
    assert story.transitions().count("FLAP") == 1
    assert story.incident().remarks == ("flapping since 2026-03-02 10:06 UTC",)


def test_its_end_is_told_when_it_has_been_quiet_for_long_enough() -> None:
    """To everybody who was told, fifteen minutes after its last end."""
    story = flapping()
    story.end(8 * MINUTE, "Disk", severity="critical")

    story.advance(22 * MINUTE)
    between = story.incident().state
    story.advance(23 * MINUTE)

    assert between is State.TRIGGERED
    assert story.transitions()[-2:] == ["CALM", "RESOLVE"]
    assert (23, "chat") in minutes(story)
    assert story.incident().resolved_at == at(8 * MINUTE)


def test_its_ladder_climbs_while_it_fires_and_stands_still_while_it_does_not() -> None:
    """Two of the five minutes to the pager had passed when it was quiet for three."""
    story = flapping()
    story.end(8 * MINUTE, "Disk", severity="critical")
    story.advance(11 * MINUTE)

    story.fire(11 * MINUTE, "Disk", severity="critical")
    story.advance(14 * MINUTE)

    assert [page for page in minutes(story) if page[1] == "pager"] == [(14, "pager")]


def test_an_acknowledgement_holds_through_the_flips() -> None:
    """Whoever has it is not woken by every return; the time that it holds counts while it fires."""
    story = flapping()
    story.act(6 * MINUTE + 1, Acknowledged)
    before = len(story.pages())

    for minute in (8, 10, 12):
        flip(story, minute)

    assert story.incident().state is State.ACKNOWLEDGED
    assert len(story.pages()) == before


def test_what_fires_steadily_again_flaps_no_longer() -> None:
    """Fifteen minutes after the last flip; its next end is told as any other."""
    story = flapping()

    story.advance(21 * MINUTE)
    calm = story.transitions()[-1]
    story.end(22 * MINUTE, "Disk", severity="critical")
    story.advance(23 * MINUTE)

    assert (calm, story.incident().flapping) == ("CALM", None)
    assert story.transitions()[-1] == "RESOLVE"


def test_a_person_may_call_it_over_at_once() -> None:
    """While nothing of it fires that takes no force."""
    story = flapping()
    story.end(8 * MINUTE, "Disk", severity="critical")
    story.advance(9 * MINUTE)

    answer = story.act(10 * MINUTE, Resolved)

    assert answer.transition == "RESOLVE"
    assert story.incident().flapping is None


def test_flips_that_are_far_apart_are_no_flapping() -> None:
    """Three returns within an hour are not three within half an hour."""
    story = Story(POLICY.replace("within: 30m", "within: 5m"))
    story.fire(0, "Disk", severity="critical")
    story.advance(MINUTE)

    for minute in (1, 4, 7, 10):
        flip(story, minute)

    assert "FLAP" not in story.transitions()


def test_what_its_source_does_not_report_any_more_is_stale_and_stays_open() -> None:
    """Twice the repeat interval without a word: shown, told to nobody anew, never resolved; a report ends it."""
    story = Story(POLICY.replace("group_interval: 1m", "group_interval: 1m\n  repeat_interval: 10m"))
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.act(0, Acknowledged, key="mine")

    story.advance(20 * MINUTE)
    stale = story.transitions()[-1], story.incident().remarks, story.deliveries[-1].redraw
    story.fire(21 * MINUTE, "Disk", severity="critical")
    story.advance(22 * MINUTE)

    assert stale == ("STALE", ("its source has not spoken of it since 2026-03-02 10:00 UTC",), True)
    assert story.incident().unheard_since is None
    assert story.incident().state is State.ACKNOWLEDGED

"""A page that is refused, or does not arrive in time, goes to the next one who can act."""

from __future__ import annotations

from alertrouter.delivery import Delivery
from alertrouter.events import Acknowledged, Snoozed
from alertrouter.incident import Reason, Timer
from tests.engine.ladder import MINUTE, minutes
from tests.engine.silences import ask
from tests.engine.story import Story, at

POLICY = """
severities: [critical]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
escalation_policies:
  page:
    deliver_within: 2m
    fallback: chat
    levels: [{notify: pager}, {after: 20m, notify: leads}]
    repeat: {every: 30m}
route: {receiver: chat, group_by: [alertname], group_wait: 0s, group_interval: 10m, escalate: {critical: page}}
"""


def fired(policy: str = POLICY) -> Story:
    """A story in which the pager is told, and that is on its way."""
    story = Story(policy, hold=True)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    return story


def flying(story: Story, to: str) -> Delivery:
    """What is on its way to a receiver."""
    return next(one for one in story.deliveries if one.receiver == to and one.id not in story.settled)


def said(story: Story) -> list[str]:
    """Why others were told instead."""
    return [line.text for line in story.timeline if line.reason is Reason.UNDELIVERED]


def test_what_has_not_arrived_in_time_goes_to_the_next_level() -> None:
    """To the second, once, saying why; it may arrive all the same."""
    story = fired()

    story.advance(2 * MINUTE - 1)
    before = minutes(story)
    story.advance(10 * MINUTE)
    story.settle(flying(story, "pager"), 11 * MINUTE)

    assert before == [(0, "pager")]
    assert minutes(story)[:2] == [(0, "pager"), (2, "leads")]
    assert said(story)[0] == "INC-1.1 to pager/pagerduty not delivered within 2m; so the next level is told now"


def test_what_is_due_at_the_moment_at_which_a_silence_ends_is_not_lost() -> None:
    """Given a page on its way, when the silence of its incident ends as its time does, then the next level is told."""
    story = fired()
    ask(story, MINUTE, until=2 * MINUTE)
    story.advance(2 * MINUTE)

    assert minutes(story) == [(0, "pager"), (2, "leads")]
    assert story.engine.next_due() is not None

    story.arrive(3 * MINUTE)
    story.end(4 * MINUTE, "Disk", severity="critical")
    story.advance(20 * MINUTE)
    assert [one.reason for one in story.deliveries[-2:]] == [Reason.RESOLVED] * 2


def test_what_arrives_in_time_tells_nobody_else() -> None:
    """And the timer is gone with it."""
    story = fired()

    story.settle(flying(story, "pager"), MINUTE)
    story.advance(15 * MINUTE)

    assert minutes(story) == [(0, "pager")]
    assert Timer.OVERDUE not in story.incident().timers


def test_behind_the_last_level_the_fallback_is_told() -> None:
    """The leads don't get it either; the channel can be reached."""
    story = fired()

    story.advance(4 * MINUTE)

    assert minutes(story) == [(0, "pager"), (2, "leads"), (4, "chat")]
    assert said(story)[1] == "INC-1.2 to leads/email not delivered within 2m; so chat is told instead"


def test_what_is_refused_everywhere_is_not_tried_in_a_circle() -> None:
    """The last one that there is refuses too: the story says so, and the repeat comes at its time."""
    story = fired()

    for second, receiver in enumerate(("pager", "leads", "chat"), 1):
        story.settle(flying(story, receiver), second, sent=False)
    story.advance(9 * MINUTE)

    assert story.pages() == [
        (0, "pager/pagerduty"),
        (1, "leads/email"),
        (2, "chat/slack"),
    ]
    assert said(story)[-1] == "could not be delivered: 400 no such channel; nobody is left to tell instead"
    story.advance(31 * MINUTE)
    assert "LOOP" in story.transitions()


def test_another_try_of_what_was_refused_tells_nobody_anew() -> None:
    """At each group interval the pager is tried again and refuses again: the leads were told the first time."""
    story = fired(POLICY.replace("group_interval: 10m", "group_interval: 1m").replace("[pager]", "pager"))
    story.settle(flying(story, "pager"), 1, sent=False)
    story.settle(flying(story, "leads"), 1)

    for minute in range(1, 15):
        story.advance(minute * MINUTE)
        story.settle(flying(story, "pager"), minute * MINUTE + 1, sent=False)

    assert {to for second, to in story.pages() if second > 1} == {"pager/pagerduty"}
    assert len(said(story)) == 1


def test_a_last_level_that_refuses_for_good_is_not_told_again_at_once() -> None:
    """Without a fallback: nobody is left."""
    story = fired(POLICY.replace("    fallback: chat\n", ""))

    story.settle(flying(story, "pager"), 1, sent=False)
    story.settle(flying(story, "leads"), 2, sent=False)

    assert [to for _, to in story.pages()] == ["pager/pagerduty", "leads/email"]
    assert said(story)[-1].endswith("nobody is left to tell instead")


def test_one_that_was_overdue_and_is_then_refused_tells_nobody_twice() -> None:
    """The leads were told when it was late."""
    story = fired()
    story.advance(2 * MINUTE)

    story.settle(flying(story, "pager"), 3 * MINUTE, sent=False)
    story.settle(flying(story, "leads"), 3 * MINUTE)
    story.advance(9 * MINUTE)

    assert minutes(story) == [(0, "pager"), (2, "leads")]


def test_what_was_taken_meanwhile_is_not_overdue() -> None:
    """An acknowledgement recalls the page: nobody else need be told."""
    story = fired()

    story.act(MINUTE, Acknowledged)
    story.advance(9 * MINUTE)

    assert minutes(story) == [(0, "pager")]


def test_a_snooze_keeps_it_quiet() -> None:
    """The page was recalled; when it wakes, the pager is told, and nobody else in its place."""
    story = fired()

    story.act(MINUTE, Snoozed, until=at(60 * MINUTE))
    story.recalled(MINUTE)
    story.advance(61 * MINUTE)

    assert minutes(story) == [(0, "pager"), (60, "pager")]


def test_without_the_setting_a_page_has_all_the_time() -> None:
    """Until the ledger gives it up."""
    story = fired(POLICY.replace("    deliver_within: 2m\n", ""))

    story.advance(19 * MINUTE)

    assert minutes(story) == [(0, "pager")]

"""Maintenance windows: the policy's own silences, from opening to closing, whatever restarts and changes."""

from __future__ import annotations

import pytest

from alertrouter.engine.engine import Engine
from alertrouter.events import SilenceExpired
from alertrouter.silence import Silence, SilenceState
from tests.engine.story import Story, Told, at, persisted

# The story begins at 10:00 on a Monday.
TEXT = """
receivers: {{chat: {{inbox: {{}}}}}}
route: {{receiver: chat, group_by: [alertname], group_wait: 30s, group_interval: 5m}}
time_intervals:
  lunch: [{{times: [{{start_time: "12:00", end_time: "13:00"}}]}}]
  later: [{{times: [{{start_time: "12:30", end_time: "14:00"}}]}}]
  morning: [{{times: [{{start_time: "09:00", end_time: "11:00"}}]}}]
maintenance: [{windows}]
"""
LUNCH = """{name: backup, matchers: ['disk=~".+"'], during: [lunch, later], comment: weekly backup}"""
MORNING = """{name: moving, matchers: ['alertname="Disk"'], during: morning}"""
HOUR = 3600


def policy(*windows: str) -> str:
    """A policy with these windows."""
    return TEXT.format(windows=", ".join(windows))


def silences(story: Story) -> list[Silence]:
    """All silences, by their start."""
    return sorted(story.engine.state.silences.values(), key=lambda one: (one.starts_at, one.id))


def test_a_window_silences_from_its_opening_to_its_closing() -> None:
    """Given two intervals that overlap, then one silence lasts from the first's start to the last's end."""
    story = Story(policy(LUNCH))
    story.advance(2 * HOUR - 1)
    assert silences(story) == []

    story.fire(2 * HOUR + 60, "Disk", disk="a")
    story.fire(2 * HOUR + 60, "Other")
    story.advance(3 * HOUR)

    (silence,) = silences(story)
    assert (silence.starts_at, silence.ends_at) == (at(2 * HOUR), at(4 * HOUR))
    assert (silence.created_by, silence.comment, silence.maintenance) == ("policy", "weekly backup", "backup")
    assert story.told == [Told(2 * HOUR + 90, "chat/inbox", "opened", firing=("Other",))]

    closed = story.advance(4 * HOUR)

    assert closed.silenced == [], "the history need not tell: it follows from the policy"
    assert [(one.second, one.reason) for one in story.told[1:]] == [
        (4 * HOUR - 600, "silence about to end"),
        (4 * HOUR, "silence over"),
    ]


def test_it_opens_again_the_next_day() -> None:
    """Each opening is a silence of its own."""
    story = Story(policy(LUNCH))

    story.advance(27 * HOUR)

    assert [one.starts_at for one in silences(story)] == [at(2 * HOUR), at(26 * HOUR)]
    assert [one.state for one in silences(story)] == [SilenceState.EXPIRED, SilenceState.ACTIVE]


def test_a_window_that_is_open_when_the_policy_comes_begins_then() -> None:
    """And hides what it would have hidden."""
    story = Story(policy(MORNING))
    story.fire(0, "Disk")
    story.advance(HOUR - 601)

    assert story.told == []
    assert [one.ends_at for one in silences(story)] == [at(HOUR)]


def test_who_ends_a_window_early_has_ended_it_until_the_next_time() -> None:
    """Given a window that somebody ended, then neither a timer nor a restart begins it again before tomorrow."""
    story = Story(policy(MORNING))
    (silence,) = silences(story)
    event = SilenceExpired(at=at(60), actor="sam", key="end", silence=silence.id)
    changes = story.take(story.engine.apply(event))
    assert [(one.maintenance, one.by, one.over) for one in changes.silenced] == [("moving", "sam", True)]

    story.advance(120)
    story.engine = Engine(persisted(story.engine.state), now=at(180))
    story.fire(200, "Disk")
    story.advance(240)

    assert story.told == [Told(230, "chat/inbox", "opened", firing=("Disk",))]
    assert len(silences(story)) == 1

    story.advance(24 * HOUR)
    assert len(silences(story)) == 2


@pytest.mark.parametrize("restarts_after", [30, 2 * HOUR + 60])
def test_a_restart_neither_loses_a_window_nor_begins_one_twice(restarts_after: float) -> None:
    """Before the opening, and within the window."""
    story = Story(policy(LUNCH))
    story.advance(restarts_after)

    story.engine = Engine(persisted(story.engine.state), now=at(restarts_after))
    story.advance(3 * HOUR)

    assert [one.starts_at for one in silences(story)] == [at(2 * HOUR)]


def test_a_window_that_opened_while_no_router_was_there_begins_late() -> None:
    """Given a stand-still over the opening, then the silence begins when a router does."""
    story = Story(policy(LUNCH))
    state = persisted(story.engine.state)
    state.alive_at = at(60)

    story.engine = Engine(state, now=at(3 * HOUR))
    story.advance(3 * HOUR)

    assert [(one.starts_at, one.ends_at) for one in silences(story)] == [(at(3 * HOUR), at(4 * HOUR))]


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (policy(), 0),
        (policy(MORNING.replace("Disk", "Net")), 1),
        (policy(MORNING.replace("morning", "lunch")), 0),
        (policy(MORNING, LUNCH), 1),
    ],
    ids=["gone", "other alerts", "other hours", "unchanged"],
)
def test_a_changed_policy_ends_what_it_does_not_have_any_more(after: str, left: int) -> None:
    """What stays the same goes on as the same silence; what is otherwise ends, and begins anew when it is open."""
    story = Story(policy(MORNING))
    (before,) = silences(story)

    story.activate(after, 60)

    active = [one for one in silences(story) if one.state is SilenceState.ACTIVE]
    assert len(active) == left
    if after == policy(MORNING, LUNCH):
        assert active == [before]

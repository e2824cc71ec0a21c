"""Silences: how one is asked for, changed and ended, and how it ends by itself."""

from __future__ import annotations

from datetime import datetime

import pytest

from alertrouter.engine.engine import Engine
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from tests.engine.silences import CLIMBING, HOUR, PLAIN, ask, end, matching, only
from tests.engine.story import START, Story, at, firing, persisted, snapshot


def test_a_silence_that_begins_later_begins_at_its_start() -> None:
    """Given a silence for later, when its start comes, then the ladder stands still from that moment."""
    story = Story(CLIMBING)
    ask(story, 0, start=300, until=HOUR)
    assert only(story).state is SilenceState.PENDING

    story.fire(0, "Disk")
    story.advance(299)
    assert story.incident().muted == ""

    story.advance(300)

    assert story.incident().muted.startswith("silenced by S-")
    assert only(story).state is SilenceState.ACTIVE


def test_a_longer_silence_takes_over_and_is_named() -> None:
    """Given two silences, when the shorter ends, then the other holds on, and the incident names it."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR, key="short")
    story.fire(0, "Disk")
    story.advance(60)
    longer = ask(story, 100, until=3 * HOUR, key="long").silence
    story.advance(100)

    assert longer[:8] in story.incident().silenced

    story.advance(2 * HOUR)

    assert "opened" not in [one.reason for one in story.told]
    assert "silence about to end" not in [one.reason for one in story.told]


def test_a_silence_can_be_extended_in_place_and_is_announced_anew() -> None:
    """Given an announced end, when the silence is extended, then it keeps its id and its new end is announced too."""
    story = Story(PLAIN)
    first = ask(story, 0, until=HOUR).silence
    story.fire(0, "Disk")
    story.advance(HOUR - 300)

    second = ask(story, HOUR - 300, start=0, until=3 * HOUR, silence=first).silence
    story.advance(3 * HOUR - 1)

    assert second == first
    assert [one.reason for one in story.told] == ["silence about to end"] * 2


def test_other_matchers_make_another_silence() -> None:
    """Given a silence, when it is set again with other matchers, then it ends and a new one begins."""
    story = Story(PLAIN)
    first = ask(story, 0, until=HOUR).silence

    second = ask(story, 10, start=0, until=HOUR, silence=first, matchers=matching(alertname="Net")).silence

    assert second not in (first, "")
    assert story.engine.state.silences[first].state is SilenceState.EXPIRED
    assert story.engine.state.silences[second].state is SilenceState.ACTIVE


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"matchers": ()}, "at least one matcher"),
        ({"matchers": matching(alertname="")}, "at least one matcher"),
        ({"matchers": (SilenceMatcher("a", ".*", is_regex=True),)}, "at least one matcher"),
        ({"matchers": (SilenceMatcher("a", "((", is_regex=True),)}, "invalid regular expression"),
        ({"until": -1}, "start time must be before end time"),
        ({"start": -100, "until": -50}, "end time can't be in the past"),
    ],
)
def test_what_can_be_no_silence_is_refused(given: dict[str, object], why: str) -> None:
    """It changes nothing, and the answer says why."""
    story = Story(PLAIN)

    answer = ask(story, 0, **{"until": HOUR, **given})  # type: ignore[arg-type]  # as the case gave them

    assert answer.silence == ""
    assert why in answer.text
    assert story.engine.state.silences == {}


def test_the_same_key_twice_is_the_same_silence() -> None:
    """Given an event that is applied twice, then there is one silence, and both get its id."""
    story = Story(PLAIN)

    first, second = (ask(story, 0, until=HOUR, key="once") for _ in range(2))

    assert first.silence == second.silence == only(story).id


def test_an_unknown_silence_can_neither_be_changed_nor_ended() -> None:
    """The answer says that there is none."""
    story = Story(PLAIN)

    assert ask(story, 0, until=HOUR, silence="no-such").unknown
    assert end(story, 1, "no-such").unknown


def test_a_silence_is_forgotten_five_days_after_its_end() -> None:
    """Until then it can be looked at, and set anew."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)

    story.advance(HOUR + 120 * HOUR - 1)
    assert only(story).state is SilenceState.EXPIRED

    changes = story.advance(HOUR + 120 * HOUR)

    assert story.engine.state.silences == {}
    assert list(changes.silences.values()) == [None]
    assert changes.silenced == [], "that its time came follows from what was recorded when it was set"


def test_a_silence_that_goes_with_its_alerts_ends_once_none_has_fired_for_a_while() -> None:
    """Given two alerts, when the second is over for ten minutes, then so is the silence; one that flaps keeps it."""
    story = Story(PLAIN)
    ask(story, 0, until=100 * HOUR, with_alerts=True)
    story.fire(10, "Disk", disk="a")
    story.fire(10, "Disk", disk="b")
    story.end(1000, "Disk", disk="a")
    story.advance(3000)
    assert only(story).state is SilenceState.ACTIVE

    story.end(3000, "Disk", disk="b")
    story.fire(3300, "Disk", disk="b")
    story.advance(4000)
    assert only(story).state is SilenceState.ACTIVE

    story.end(5000, "Disk", disk="b")
    story.advance(5599)
    assert only(story).state is SilenceState.ACTIVE

    changes = story.advance(5600)

    assert only(story).state is SilenceState.EXPIRED
    assert only(story).ends_at == at(5600)
    assert [(one.ends_at, one.by) for one in changes.silenced] == [(at(5600), "")], "nobody did it, and it is recorded"


def test_a_silence_that_waits_for_its_first_alert_does_not_go() -> None:
    """Given no alert yet, then a silence that goes with its alerts stays; one whose end was foretold counts as well."""
    story = Story(PLAIN)
    ask(story, 0, until=100 * HOUR, with_alerts=True)
    story.advance(5 * HOUR)
    assert only(story).state is SilenceState.ACTIVE

    story.report(5 * HOUR, firing("Disk", 5 * HOUR, ends=5 * HOUR + 240))
    story.advance(5 * HOUR + 240 + 600)

    assert only(story).state is SilenceState.EXPIRED


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """Given a router that is restarted within a silence, then all comes at the same moments as without that."""
    accounts = []
    for restarts in (False, True):
        story = Story(PLAIN)
        ask(story, 0, until=HOUR, with_alerts=True)
        story.fire(0, "Disk")
        story.advance(100)
        if restarts:
            story.engine = Engine(persisted(story.engine.state), now=at(100))
        story.advance(2 * HOUR)
        accounts.append((story.told, story.engine.state.silences))

    assert accounts[0] == accounts[1]


def test_an_end_from_before_a_restart_does_not_come_again() -> None:
    """Given an alert that was over before its silence began, when a router restarts, then the silence goes on."""
    story = Story(PLAIN)
    story.fire(0, "Disk")
    story.advance(30)
    story.end(60, "Disk")
    story.advance(90)
    ask(story, 90, until=HOUR, with_alerts=True)
    state = persisted(story.engine.state)
    state.alive_at = at(90)

    story.engine = Engine(state, now=at(95))
    story.advance(100)

    assert only(story).idle_since is None


def test_the_same_events_give_the_same_silences_bit_for_bit() -> None:
    """Ids follow from the event's key; nothing is left to chance."""

    def live() -> list[bytes]:
        story = Story(PLAIN)
        ask(story, 0, until=HOUR)
        seen = [snapshot(story.last)]
        seen.append(snapshot(story.fire(5, "Disk")))
        seen.append(snapshot(story.advance(2 * HOUR)))
        return seen

    assert live() == live()


def test_a_silence_of_an_hour_from_an_odd_start_is_in_force_up_to_its_end() -> None:
    """The start counts, the end does not."""
    silence = Silence(id="x", matchers=(), starts_at=at(0), ends_at=at(1), created_by="", comment="", updated_at=START)

    def state(second: float) -> SilenceState:
        moment: datetime = at(second)
        assert silence.in_force(moment) is (silence.state_at(moment) is SilenceState.ACTIVE)
        return silence.state_at(moment)

    assert [state(second) for second in (-0.1, 0, 0.9, 1)] == [
        SilenceState.PENDING,
        SilenceState.ACTIVE,
        SilenceState.ACTIVE,
        SilenceState.EXPIRED,
    ]

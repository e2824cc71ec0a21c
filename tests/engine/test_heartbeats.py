"""Heartbeats that are expected: what counts as a beat, when one is missing, and that its return ends that."""

from __future__ import annotations

import pytest

from alertrouter.engine.engine import Engine
from alertrouter.incident import State
from tests.engine.beating import POLICY, watchdog
from tests.engine.story import Story, Told, at, persisted


def silent_from(story: Story, second: float) -> None:
    """Beats of the backup alone until long after, so that only Prometheus is missing."""
    story.beat(second, "backup")


def test_a_heartbeat_that_is_heard_opens_nothing_and_the_alert_that_is_one_goes_to_nobody() -> None:
    """For as long as it comes in time, nobody hears of it."""
    story = Story(POLICY)

    for second in range(0, 3600, 60):
        watchdog(story, second)
        story.beat(second, "backup")
    story.advance(3600)

    assert story.told == []
    assert (story.engine.state.incidents, story.engine.state.alerts) == ({}, {})


def test_a_heartbeat_that_falls_silent_becomes_an_incident_and_climbs() -> None:
    """It opens when `every` and `grace` have passed since the last beat, goes to the team it names, and escalates."""
    story = Story(POLICY)
    watchdog(story, 50)
    silent_from(story, 50)

    story.advance(139.9)
    before = dict(story.engine.state.incidents)
    story.advance(600)

    assert before == {}
    assert story.incident().opened_at == at(140)
    assert story.incident().group_labels == {"alertname": "HeartbeatMissing", "heartbeat": "prometheus"}
    assert story.pages() == [(150, "infra/webhook"), (450, "pager/webhook")]
    (alert,) = story.engine.state.alerts.values()
    assert alert.labels == {"alertname": "HeartbeatMissing", "heartbeat": "prometheus", "severity": "critical"}
    assert alert.annotations == {
        "summary": "Heartbeat prometheus is missing",
        "description": "The last one came at 2026-03-02 10:00:50 UTC. A beat is expected every 1m, 30s late at most.",
    }
    assert story.counts["heartbeats_missed"] == 1


def test_its_return_resolves_the_incident_and_a_new_silence_opens_it_again() -> None:
    """Whoever was told hears of the end; the next beat is expected from then on."""
    story = Story(POLICY)
    silent_from(story, 0)
    story.advance(300)
    assert story.incident().state is State.TRIGGERED

    watchdog(story, 300)
    story.beat(301, "backup")
    story.advance(389)
    assert story.incident().state is State.RESOLVED
    story.advance(401)

    assert story.incident().state is State.TRIGGERED
    assert story.transitions()[-2:] == ["REOPEN", "STEP"]
    assert [told.reason for told in story.told if told.to == "infra/webhook"] == ["opened", "resolved", "reopened"]


def test_one_that_was_never_heard_counts_from_the_policy_s_activation() -> None:
    """Nobody has to have set it up rightly for its absence to be noticed; its labels choose the route."""
    story = Story(POLICY)
    for second in range(0, 1000, 60):
        watchdog(story, second)

    story.advance(1000)

    assert story.told == [Told(910, "infra/webhook", "opened", firing=("HeartbeatMissing",))]
    (alert,) = story.engine.state.alerts.values()
    assert alert.annotations["summary"] == "The backup did not run"
    assert alert.annotations["description"].startswith("None has come since 2026-03-02 10:00:00 UTC.")


def test_only_what_meets_all_matchers_and_fires_is_a_beat() -> None:
    """Another cluster's watchdog is an alert like any other, and one that ends is no sign of life."""
    story = Story(POLICY)
    story.beat(0, "backup")
    watchdog(story, 0)

    watchdog(story, 60, cluster="us")
    story.end(80, "Watchdog", severity="none", cluster="eu")
    story.advance(120)

    assert [incident.opened_at for incident in story.engine.state.incidents.values()] == [at(60), at(90)]
    assert Told(70, "chat/webhook", "opened", firing=("Watchdog",)) in story.told


def test_a_beat_of_an_unknown_name_changes_nothing() -> None:
    """As it comes when the policy was changed after it was sent."""
    story = Story(POLICY)

    changes = story.beat(5, "nobody")

    assert not changes


@pytest.mark.parametrize("missing", [False, True])
def test_a_heartbeat_that_is_expected_no_more_is_over(missing: bool) -> None:
    """A policy without it ends what its absence opened, and nothing is remembered of it."""
    story = Story(POLICY)
    silent_from(story, 0)
    second = 300 if missing else 30
    story.advance(second)

    story.activate(POLICY.partition("heartbeats:")[0], second)
    story.advance(5000)

    assert story.engine.state.heartbeats == {}
    assert story.engine.state.alerts == {}
    assert [told.reason for told in story.told if told.to == "infra/webhook"] == ["opened", "resolved"] * missing


def test_a_new_policy_leaves_the_clock_of_what_it_expects_as_before() -> None:
    """Frequent changes of the policy don't keep a dead heartbeat from being noticed; a changed one counts anew."""
    story = Story(POLICY)
    silent_from(story, 0)

    story.activate(POLICY.replace("chat: {", "chat2: {inbox: {}}\n  chat: {"), 80)
    story.advance(89)
    before = dict(story.engine.state.incidents)
    story.advance(91)
    again = Story(POLICY)
    again.activate(POLICY.replace("every: 1m, grace: 30s", "every: 1m, grace: 40s"), 80)
    again.advance(179)

    assert before == {}
    assert story.incident().opened_at == at(90)
    assert again.engine.state.incidents == {}


def test_an_alert_that_was_routed_before_it_became_a_heartbeat_is_over() -> None:
    """What was told of it is taken back with the first beat."""
    story = Story(POLICY.partition("heartbeats:")[0])
    watchdog(story, 0)
    story.advance(20)

    story.activate(POLICY, 30)
    watchdog(story, 40)
    story.advance(100)

    assert [told.reason for told in story.told] == ["opened", "resolved"]


def standing_still(beat: float, died: float, back: float) -> Story:
    """A router that heard a beat, died, and is back."""
    story = Story(POLICY)
    silent_from(story, beat)
    watchdog(story, beat)
    story.advance(died)
    state = persisted(story.engine.state)
    state.alive_at = at(died)
    story.engine = Engine(state, now=at(back))
    return story


def test_what_nobody_was_there_to_hear_is_not_missing_for_that() -> None:
    """Back after ten minutes, the next beat has until when it would be late, had the last one come."""
    story = standing_still(beat=0, died=50, back=650)

    story.advance(689)
    before = dict(story.engine.state.incidents)
    story.advance(700)

    assert before == {}
    assert story.incident().opened_at == at(690)


def test_what_was_late_already_gets_the_grace_of_a_stand_still() -> None:
    """A short stand-still after the beat was due postpones by two minutes, never by a whole period."""
    story = standing_still(beat=0, died=70, back=80)

    story.advance(199)
    before = dict(story.engine.state.incidents)
    story.advance(210)

    assert before == {}
    assert story.incident().opened_at == at(200)


def test_the_clock_after_a_stand_still_is_persisted() -> None:
    """A second death soon after goes on from there; and what is missing in the store is watched and stored again."""
    story = standing_still(beat=0, died=50, back=650)
    del story.engine.state.heartbeats["backup"]
    state = persisted(story.engine.state)
    state.alive_at = at(655)

    engine = Engine(state, now=at(660))
    stored = engine.touched_changes()

    assert stored.heartbeats["backup"] is not None
    assert stored.heartbeats["backup"].since == at(660)
    assert engine.next_due() == at(690)
    assert not engine.touched_changes()


def test_a_flood_of_beats_costs_no_memory() -> None:
    """One timer a heartbeat is set, however many beats come."""
    story = Story(POLICY)

    for number in range(5000):
        watchdog(story, number / 1000)

    assert len(story.engine._memory.timers) <= 4

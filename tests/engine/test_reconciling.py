"""What a source lists and did not tell: it begins and ends as if it had, unless the source has spoken meanwhile."""

from __future__ import annotations

from msgspec.structs import replace

from alertrouter.alert import fingerprint
from alertrouter.engine.changes import Changes
from alertrouter.events import Gone, HeldThere, Missed, SourceReconciled
from alertrouter.incident import Reason
from tests.engine.story import Story, at, firing

POLICY = """
receivers: {chat: {slack: {channel: "#ops"}}}
route: {receiver: chat, group_by: [alertname], group_wait: 10s, group_interval: 1m}
"""
WITH_A_HEARTBEAT = (
    POLICY
    + """heartbeats: {watchdog: {matchers: ['alertname="Watchdog"'], every: 5m}}
"""
)


def reconciled(story: Story, second: float, *, missed: str = "", gone: str = "", since: float = 0) -> Changes:
    """Three looks agreed that an alert is missed here, or gone there, since a moment."""
    event = SourceReconciled(
        at=at(second),
        actor="reconcile",
        key=f"r{second}",
        source="am:9093",
        looks=3,
        missed=(Missed(firing(missed, second, started=0), at(since)),) if missed else (),
        gone=(Gone(fingerprint({"alertname": gone}), at(since)),) if gone else (),
    )
    return story.take(story.engine.apply(event))


def held(story: Story, second: float, **whys: str) -> Changes:
    """A look found alerts of these names held back at their source, or, with no reason, no longer."""
    found = tuple(HeldThere(fingerprint({"alertname": name}), why) for name, why in whys.items())
    event = SourceReconciled(at=at(second), actor="reconcile", key=f"h{second}", source="am:9093", looks=1, held=found)
    return story.take(story.engine.apply(event))


def heard(story: Story, second: float, *names: str) -> Changes:
    """A look found alerts of these names listed at their source."""
    marks = tuple(fingerprint({"alertname": name}) for name in names)
    event = SourceReconciled(at=at(second), actor="reconcile", key=f"l{second}", source="am:9093", looks=1, heard=marks)
    return story.take(story.engine.apply(event))


def notes(story: Story) -> list[str]:
    """What stands in the story for this reason."""
    return [line.text for line in story.timeline if line.reason is Reason.RECONCILED]


def test_an_alert_whose_webhook_was_lost_opens_an_incident() -> None:
    """Given an alert that nobody told us of, when a look found it, then it is told at once: it began long ago."""
    story = Story(POLICY)

    reconciled(story, 400, missed="DiskFull")
    story.advance(400)

    assert [(told.second, told.reason, told.firing) for told in story.told] == [(400, "opened", ("DiskFull",))]
    assert notes(story) == ["1 alert fires in Alertmanager (am:9093), whose webhook did not come: 3 polls"]
    assert story.counts["reconcile_healed:opened"] == 1


def test_an_alert_whose_end_was_lost_is_over() -> None:
    """Given an alert that fires here, when it is listed no more, then its end is told, and the story says why."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.advance(300)

    reconciled(story, 300, gone="DiskFull", since=120)
    story.advance(361)

    assert [told.reason for told in story.told] == ["opened", "resolved"]
    assert notes(story) == ["1 alert not in Alertmanager (am:9093) any more: 3 polls"]
    assert story.counts["reconcile_healed:resolved"] == 1


def test_a_report_that_came_meanwhile_counts_more_than_the_looks() -> None:
    """Given a firing alert, when its source repeats it after it was first missed, then it is not over."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.advance(200)
    story.fire(200, "DiskFull")

    reconciled(story, 300, gone="DiskFull", since=120)

    assert story.engine.state.alerts[fingerprint({"alertname": "DiskFull"})].firing(at(300))
    assert not notes(story)


def test_an_end_that_came_meanwhile_counts_more_than_the_looks() -> None:
    """Given an alert whose end was told after it was first missed here, when the looks are told, it stays over."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.advance(100)
    story.end(200, "DiskFull")

    reconciled(story, 201, missed="DiskFull", since=100)

    assert not story.engine.state.alerts[fingerprint({"alertname": "DiskFull"})].firing(at(201))


def test_what_ended_long_ago_and_fires_there_again_is_reopened() -> None:
    """Given an incident that is over, when its alert is found to fire, then it is the same incident again."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.advance(60)
    story.end(60, "DiskFull")
    story.advance(150)

    reconciled(story, 300, missed="DiskFull", since=180)
    story.advance(300)

    assert [told.reason for told in story.told] == ["opened", "resolved", "reopened"]


def test_what_fires_already_or_ends_by_itself_is_left_alone() -> None:
    """A second finding, and an alert that its sender has given an end, change nothing."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.report(0, firing("Slow", 0, ends=900))
    story.advance(300)

    reconciled(story, 300, missed="DiskFull", since=120)
    reconciled(story, 301, gone="Slow", since=120)

    assert story.engine.state.alerts[fingerprint({"alertname": "Slow"})].ends_at == at(900)
    assert not notes(story)


def test_what_its_source_holds_back_is_shown_and_goes_on() -> None:
    """Given an alert that is silenced at its source, then its incident says so, and escalates as before."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.fire(0, "Other")
    story.advance(60)
    told = len(story.told)

    held(story, 70, DiskFull="silenced by sam", Other="")
    held(story, 71, DiskFull="silenced by sam")
    silenced = story.incident("INC-1")
    held(story, 80, DiskFull="")
    freed = story.incident("INC-1")

    assert silenced.remarks == ("1 alert silenced by sam: that silences nobody here",)
    assert (silenced.silenced, silenced.muted, freed.remarks) == ("", "", ())
    assert story.incident("INC-2").remarks == ()
    assert [one.reason for one in story.told[told:]] == ["redrawn", "redrawn"]
    assert notes(story) == [
        "1 alert silenced by sam: that silences nobody here",
        "1 alert no longer held back in Alertmanager (am:9093)",
    ]


def test_what_was_held_back_at_its_source_is_forgotten_when_it_is_over() -> None:
    """Given a silenced alert, when it is resolved and fires anew, then nothing is said of an old silence."""
    story = Story(POLICY)
    story.fire(0, "DiskFull")
    story.advance(60)
    held(story, 70, DiskFull="silenced by sam")
    story.end(80, "DiskFull")
    story.advance(200)
    story.fire(210, "DiskFull")
    story.advance(300)

    assert story.transitions("INC-1")[-2:] == ["RESOLVE", "REOPEN"]
    assert story.incident("INC-1").remarks == ()


def test_a_beat_is_not_heard_by_a_look() -> None:
    """A heartbeat shows that webhooks come through: that it fires in Alertmanager shows nothing of the kind."""
    story = Story(WITH_A_HEARTBEAT)

    reconciled(story, 290, missed="Watchdog")
    heard = story.counts.get("alerts_received:firing", 0)
    story.advance(500)

    assert not notes(story)
    assert heard == 0
    assert story.counts["heartbeats_missed"] == 1


def test_what_its_source_lists_is_not_stale() -> None:
    """Given no webhook any more, then what looks find listed was heard of, and what none of them finds is stale."""
    story = Story(POLICY.replace("group_interval: 1m", "group_interval: 1m, repeat_interval: 10m"))
    story.fire(0, "DiskFull", "Forgotten")
    for second in range(300, 3600, 300):
        story.advance(second)
        heard(story, second, "DiskFull")

    assert "STALE" not in story.transitions("INC-1")
    assert "STALE" in story.transitions("INC-2")

    story.advance(3300 + 1200 + 60)
    assert story.transitions("INC-1")[-1] == "STALE"
    heard(story, 4600, "DiskFull")
    story.advance(4700)

    assert story.incident("INC-1").unheard_since is None


def test_what_is_listed_is_written_in_bulk_and_neither_begins_nor_ends_a_thing() -> None:
    """Given alerts that fire, are over or are unknown, when all are listed, then nothing but the first was heard of."""
    story = Story(POLICY)
    story.fire(0, "Fires", "Over")
    story.end(30, "Over")
    story.report(60, firing("Ends", 60, ends=3600))
    story.advance(200)
    before = dict(story.engine.state.alerts)

    changes = heard(story, 200, "Fires", "Over", "Ends", "Unknown")

    assert (changes.alerts, changes.incidents, changes.timeline, changes.deliveries) == ({}, {}, [], [])
    fires = fingerprint({"alertname": "Fires"})
    assert story.engine.touched_changes().alerts == {fires: replace(before[fires], updated_at=at(200))}
    assert {**story.engine.state.alerts, fires: before[fires]} == before
    assert not heard(story, 150, "Fires").alerts
    assert story.engine.state.alerts[fires].updated_at == at(200)

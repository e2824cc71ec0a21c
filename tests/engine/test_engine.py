"""The engine, told as stories: alerts fire and end at given seconds, and each test says who hears what, when."""

from __future__ import annotations

from alertrouter.engine.engine import Engine
from alertrouter.incident import State
from tests.engine.plain import PLAIN, burning
from tests.engine.story import Story, Told, at, ended, firing, persisted


def test_alerts_of_a_group_are_told_once_when_group_wait_is_over() -> None:
    """Two alerts of one group are one message, group_wait after the first began."""
    story = Story(PLAIN)

    story.fire(0, "A", cluster="c1")
    story.fire(10, "B", cluster="c1")
    story.advance(29.9)
    early = list(story.told)
    story.advance(30)

    assert early == []
    assert story.told == [Told(30, "chat/webhook", "opened", firing=("A", "B"))]
    assert story.incident().state is State.TRIGGERED
    assert story.transitions() == ["NEW", "OPEN"]


def test_an_alert_that_began_long_ago_is_told_at_once() -> None:
    """What has already waited upstream doesn't wait a second time."""
    story = Story(PLAIN)

    story.report(100, firing("A", 100, started=0, cluster="c1"))
    story.advance(100)

    assert story.told == [Told(100, "chat/webhook", "opened", firing=("A",))]


def test_a_repeat_changes_nothing() -> None:
    """A re-sent alert writes no record and owes nobody anything; it is counted as deduplicated."""
    story = burning()
    before = len(story.told)

    changes = story.report(60, firing("A", 60, started=0, cluster="c1"))

    assert (changes.alerts, changes.incidents, changes.deliveries, changes.timeline) == ({}, {}, [], [])
    assert changes.counts == {"alerts_received:firing": 1, "alerts_deduplicated": 1}
    assert len(story.told) == before


def test_the_newer_times_of_repeats_are_persisted_when_asked_for() -> None:
    """Lazily persisted changes come once, with the newest end."""
    story = Story(PLAIN)
    story.report(0, firing("A", 0, ends=100, cluster="c1"))

    story.report(50, firing("A", 50, started=0, ends=150, cluster="c1"))
    first = story.engine.touched_changes()
    second = story.engine.touched_changes()

    assert [alert.ends_at for alert in first.alerts.values() if alert] == [at(150)]
    assert second.alerts == {}


def test_what_is_over_before_group_wait_is_told_to_nobody() -> None:
    """A blip leaves no trace but a counter and a line."""
    story = Story(PLAIN)

    story.fire(0, "A", cluster="c1")
    story.end(10, "A", cluster="c1")
    story.advance(3600)

    assert story.told == []
    assert story.transitions() == ["NEW", "BLIP"]
    assert (story.engine.state.alerts, story.engine.state.incidents) == ({}, {})


def test_a_joining_alert_is_told_at_the_next_group_interval() -> None:
    """The whole picture goes out again, not the news alone."""
    story = burning()

    story.fire(40, "B", cluster="c1")
    story.advance(330)

    assert story.told[1:] == [Told(330, "chat/webhook", "joined", firing=("A", "B"))]
    assert story.transitions() == ["NEW", "OPEN", "JOIN"]


def test_what_fires_on_is_repeated_at_the_first_interval_after_repeat_interval() -> None:
    """Nothing new for an hour: told again, once."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")

    story.advance(30 + 3600 + 299)

    assert story.told[1:] == [Told(30 + 3600, "chat/webhook", "repeated", firing=("A",))]


def test_the_end_of_some_alerts_is_told_with_those_that_fire_on() -> None:
    """A resolved alert is listed once and then forgotten."""
    story = Story(PLAIN)
    story.fire(0, "A", "B", cluster="c1")
    story.advance(30)

    story.end(40, "A", cluster="c1")
    story.advance(330)
    story.advance(630)

    assert story.told[1:] == [Told(330, "chat/webhook", "changed", firing=("B",), resolved=("A",))]
    assert len(story.engine.state.alerts) == 1


def test_the_end_of_all_is_told_and_the_incident_forgotten_after_reopen_within() -> None:
    """Everybody hears of the end; nothing is left behind."""
    story = burning()

    story.end(40, "A", cluster="c1")
    story.advance(330)
    resolved = story.incident()
    story.advance(3600)

    assert story.told[1:] == [Told(330, "chat/webhook", "resolved", resolved=("A",))]
    assert (resolved.state, resolved.resolved_at) == (State.RESOLVED, at(40))
    assert (story.engine.state.alerts, story.engine.state.incidents, story.engine.next_due()) == ({}, {}, None)


def test_an_alert_with_an_end_is_over_then_unless_each_re_send_moves_it() -> None:
    """As Prometheus sends them: the end moves with every report, and counts when no report comes."""
    story = Story(PLAIN)

    story.report(0, firing("A", 0, ends=240, cluster="c1"))
    story.report(60, firing("A", 60, started=0, ends=300, cluster="c1"))
    story.report(120, firing("A", 120, started=0, ends=400, cluster="c1"))
    story.advance(399)
    before = list(story.told)
    story.advance(700)

    assert before == [Told(30, "chat/webhook", "opened", firing=("A",))]
    assert story.told[1:] == [Told(630, "chat/webhook", "resolved", resolved=("A",))]


def test_it_reopens_when_it_fires_again_soon() -> None:
    """Within reopen_within it is the same incident, after it a new one."""
    story = burning()
    story.end(40, "A", cluster="c1")
    story.advance(330)

    story.fire(400, "A", cluster="c1")
    story.advance(430)
    reopened = story.incident()
    story.end(500, "A", cluster="c1")
    story.advance(2000)
    story.fire(2001, "A", cluster="c1")
    story.advance(2031)

    assert (reopened.id, reopened.state, reopened.round) == ("INC-1", State.TRIGGERED, 2)
    assert [(told.second, told.reason) for told in story.told] == [
        (30, "opened"),
        (330, "resolved"),
        (430, "reopened"),
        (730, "resolved"),
        (2031, "opened"),
    ]
    assert story.told[-1] == Told(2031, "chat/webhook", "opened", firing=("A",))
    assert "INC-2" in story.engine.state.incidents


def test_a_flap_inside_the_group_interval_is_not_told() -> None:
    """Over and back between two looks: the destination already shows it."""
    story = burning()

    story.end(100, "A", cluster="c1")
    story.fire(200, "A", cluster="c1")
    story.advance(700)

    assert len(story.told) == 1


def test_send_resolved_false_keeps_the_end_to_itself() -> None:
    """The receiver asked not to hear of ends."""
    story = Story(PLAIN)
    story.fire(0, "A", kind="quiet")
    story.fire(1, "B", kind="quiet")
    story.advance(30)

    story.end(40, "A", kind="quiet")
    story.advance(330)
    story.end(340, "B", kind="quiet")
    story.advance(3600)

    assert story.told == [Told(30, "quiet/webhook", "opened", firing=("A", "B"))]
    assert story.engine.state.incidents == {}


def test_an_alert_on_two_routes_is_two_incidents() -> None:
    """`continue` sends it on; each route has its own group, and the alert lives while one of them needs it."""
    story = Story(PLAIN)

    story.fire(0, "A", kind="both")
    story.advance(30)
    story.end(40, "A", kind="both")
    story.advance(330)

    assert [(told.to, told.reason) for told in story.told] == [
        ("pager/webhook", "opened"),
        ("chat/webhook", "opened"),
        ("pager/webhook", "resolved"),
        ("chat/webhook", "resolved"),
    ]
    assert story.engine.state.alerts == {}


def test_a_time_interval_holds_the_fire_but_not_its_end() -> None:
    """Muted at first: told at the first look after the interval; the end is told at any hour."""
    story = Story(PLAIN)

    story.fire(0, "A", kind="muted")
    story.advance(3599)
    muted = (list(story.told), story.incident().held)
    story.advance(3930)

    assert muted == ([], "muted by time interval first_hour")
    assert [(told.reason, told.firing) for told in story.told] == [("opened", ("A",))]
    assert story.told[0].second >= 3600


def test_severity_chooses_who_is_told_and_a_rise_tells_more_people() -> None:
    """A warning reaches the channel; the critical alert that joins brings in the pager as well."""
    story = Story(PLAIN)

    story.fire(0, "A", kind="laddered", severity="warning")
    story.advance(30)
    story.fire(40, "B", kind="laddered", severity="critical")
    story.advance(330)

    assert story.told == [
        Told(30, "chat/webhook", "opened", firing=("A",)),
        Told(40, "chat/webhook", "raised", firing=("A", "B")),
        Told(40, "pager/webhook", "opened", firing=("A", "B")),
    ]
    assert (story.incident().severity, story.incident().peak) == ("critical", "critical")


def test_an_unknown_severity_counts_as_the_default_one() -> None:
    """Never dropped for a word that the policy doesn't know."""
    story = Story(PLAIN)

    story.fire(0, "A", kind="laddered", severity="catastrophic")
    story.advance(30)

    assert story.incident().severity == "warning"
    assert [told.to for told in story.told] == ["chat/webhook"]


def test_a_stand_still_resolves_nothing_that_could_not_be_reported() -> None:
    """After ten minutes away, what fired gets two minutes to be reported again."""
    story = Story(PLAIN)
    story.report(0, firing("A", 0, ends=240, cluster="c1"))
    story.report(0, ended("B", -10, started=-20, cluster="c9"))
    story.advance(30)
    state = persisted(story.engine.state)
    state.alive_at = at(35)

    story.engine = Engine(state, now=at(635))
    story.advance(700)
    quiet = [told.reason for told in story.told]
    story.report(710, firing("A", 710, started=0, ends=950, cluster="c1"))
    story.advance(900)

    assert quiet == ["opened"]
    assert [told.reason for told in story.told] == ["opened"]
    assert story.incident().state is State.TRIGGERED

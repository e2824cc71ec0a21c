"""The engine, told as stories: alerts fire and end at given seconds, and each test says who hears what, when."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertrouter.engine.engine import Engine, NotApplied
from alertrouter.incident import State
from tests.engine.story import Story, Told, at, ended, firing, persisted

PLAIN = """
severities: [info, warning, critical]
reopen_within: 10m
receivers:
  chat: {webhook: {url: "${CHAT_URL}"}}
  pager: {webhook: {url: "${PAGER_URL}"}}
  quiet: {webhook: {url: "${QUIET_URL}", send_resolved: false}}
teams:
  ops: {channel: chat, oncall: pager}
time_intervals:
  nights:
    - times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]
  first_hour:
    - times: [{start_time: "10:00", end_time: "11:00"}]
escalation_policies:
  note: {levels: [{notify: channel}]}
  page: {ack_timeout: 30m, levels: [{notify: [channel, oncall]}, {after: 5m, notify: oncall}], repeat: {every: 30m}}
route:
  receiver: chat
  group_by: [cluster]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
    - {matchers: ['kind="both"'], receiver: pager, continue: true}
    - {matchers: ['kind="both"'], receiver: chat}
    - {matchers: ['kind="quiet"'], receiver: quiet}
    - {matchers: ['kind="muted"'], receiver: chat, mute_time_intervals: [first_hour]}
    - {matchers: ['kind="laddered"'], team: ops, escalate: {info: note, warning: note, critical: page}}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname=~"Svc.*"'], equal: [node]}
"""


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
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
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
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

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
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

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


def test_an_inhibited_alert_is_told_to_nobody_and_says_why() -> None:
    """The dependent alert opens an incident that nobody hears of."""
    story = Story(PLAIN)

    story.fire(0, "NodeDown", cluster="c1", node="n1")
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.fire(0, "SvcDown", cluster="c3", node="n2")
    story.advance(30)

    assert [told.firing for told in story.told] == [("NodeDown",), ("SvcDown",)]
    assert list(story.incident("INC-2").suppressed.values()) == ["inhibited by NodeDown (rule node)"]
    assert story.counts["alerts_suppressed:inhibited"] == 1


def test_inhibition_delays_and_never_deletes() -> None:
    """When the source is over and the target is not, its people hear of it after `group_wait`."""
    story = Story(PLAIN)
    story.fire(0, "NodeDown", cluster="c1", node="n1")
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.advance(30)

    story.end(60, "NodeDown", cluster="c1", node="n1")
    story.advance(330)

    assert Told(90, "chat/webhook", "opened", firing=("SvcDown",)) in story.told
    assert story.incident("INC-2").suppressed == {}


def test_whoever_was_told_of_the_fire_is_told_of_its_end_through_inhibition() -> None:
    """Alertmanager never sends this one (its issue 226)."""
    story = Story(PLAIN)
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.advance(30)

    story.fire(40, "NodeDown", cluster="c1", node="n1")
    story.end(50, "SvcDown", cluster="c2", node="n1")
    story.advance(330)

    assert Told(330, "chat/webhook", "resolved", resolved=("SvcDown",)) in story.told


def test_an_inhibited_alert_that_ends_untold_ends_untold() -> None:
    """Nobody hears `resolved` who was not told `firing`."""
    story = Story(PLAIN)
    story.fire(0, "NodeDown", cluster="c1", node="n1")
    story.fire(0, "SvcDown", cluster="c2", node="n1")
    story.advance(30)

    story.end(60, "SvcDown", cluster="c2", node="n1")
    story.advance(330)

    assert [told.to for told in story.told if told.resolved] == []
    assert story.transitions("INC-2") == ["NEW", "OPEN", "RESOLVE"]


def test_it_reopens_when_it_fires_again_soon() -> None:
    """Within reopen_within it is the same incident, after it a new one."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
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
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.end(100, "A", cluster="c1")
    story.fire(200, "A", cluster="c1")
    story.advance(700)

    assert len(story.told) == 1


def test_only_one_delivery_is_in_flight_and_the_newest_state_goes_next() -> None:
    """While the first message is on its way, two changes become one message."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.fire(40, "B", cluster="c1")
    story.advance(330)
    story.fire(340, "C", cluster="c1")
    story.end(341, "A", cluster="c1")
    story.advance(630)
    waiting = list(story.told)
    story.settle(story.deliveries[0], 640, reference="C1:1.2")

    assert waiting == [Told(30, "chat/webhook", "opened", firing=("A",))]
    assert story.told[1:] == [Told(640, "chat/webhook", "joined", firing=("B", "C"), resolved=("A",))]
    assert (story.deliveries[1].reference, story.deliveries[1].sequence) == ("C1:1.2", 2)


def test_the_end_is_told_when_the_fire_arrived_late() -> None:
    """It was over before the first message got through: both are told, in order."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.end(40, "A", cluster="c1")
    story.advance(330)
    story.settle(story.deliveries[0], 400)
    story.settle(story.deliveries[1], 401)
    story.advance(3600)

    assert story.told[1:] == [Told(400, "chat/webhook", "resolved", resolved=("A",))]
    assert story.engine.state.incidents == {}


def test_what_failed_for_good_is_tried_again_at_the_next_group_interval() -> None:
    """A page is never only logged."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.settle(story.deliveries[0], 35, sent=False)
    failed = story.incident().destinations[0]
    story.advance(330)

    assert (failed.told, failed.error) == ((), "400 no such channel")
    assert story.told[1:] == [Told(330, "chat/webhook", "opened", firing=("A",))]


def test_who_was_never_reached_is_not_told_of_the_end() -> None:
    """The fire failed to get through, so its end is nobody's news."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)

    story.settle(story.deliveries[0], 35, sent=False)
    story.end(40, "A", cluster="c1")
    story.advance(3600)

    assert len(story.told) == 1
    assert story.engine.state.incidents == {}


def test_an_end_that_fails_is_tried_again_for_a_day() -> None:
    """The end is owed for a day, at every group interval, then given up and shown."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    story.settle(story.deliveries[0], 31)
    story.end(40, "A", cluster="c1")

    story.advance(330)
    story.settle(story.deliveries[1], 331, sent=False)
    story.advance(630)
    again = story.told[-1]
    story.settle(story.deliveries[2], 631, sent=False)
    story.hold = True
    story.advance(2 * 86400)

    assert again == Told(630, "chat/webhook", "resolved", resolved=("A",))
    assert story.counts["incidents_given_up"] == 1
    assert (story.engine.state.incidents, story.engine.state.alerts) == ({}, {})


def test_a_late_or_foreign_outcome_changes_nothing() -> None:
    """The same outcome twice, or one of an older delivery, is counted and ignored."""
    story = Story(PLAIN, hold=True)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    story.settle(story.deliveries[0], 31)
    before = story.incident()

    changes = story.settle(story.deliveries[0], 32, sent=False)

    assert changes.counts == {"deliveries_settled_late": 1}
    assert story.incident() == before


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


def test_an_incident_keeps_the_policy_that_opened_it() -> None:
    """A reload sends new incidents elsewhere; open ones end where they began, and then their policy is forgotten."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    old = story.incident().revision

    story.activate(PLAIN.replace("receiver: chat\n  group_by", "receiver: pager\n  group_by"), 100)
    story.fire(101, "B", cluster="c2")
    story.advance(331)
    story.end(340, "A", cluster="c1")
    story.advance(700)
    pinned = set(story.engine.state.policies)
    story.advance(3600)

    assert Told(131, "pager/webhook", "opened", firing=("B",)) in story.told
    assert Told(630, "chat/webhook", "resolved", resolved=("A",)) in story.told
    assert old in pinned
    assert set(story.engine.state.policies) == {story.engine.state.active}


def test_a_wrong_policy_is_refused_whole() -> None:
    """The old one stays in force."""
    story = Story(PLAIN)
    active = story.engine.state.active

    with pytest.raises(NotApplied, match="unknown receiver") as refused:
        story.engine.apply(_activation("route: {receiver: nobody}\n"))

    assert not refused.value.changes
    assert story.engine.state.active == active


def test_an_incident_that_cannot_be_decided_is_parked_and_the_others_go_on() -> None:
    """One poisoned incident stops nobody else; it is shown and tried again, less and less often."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.fire(0, "B", cluster="c2")
    state = persisted(story.engine.state)
    state.incidents["INC-1"] = replace(state.incidents["INC-1"], route="gone")
    story.engine = Engine(state, now=at(0))

    story.advance(100)

    assert [told.firing for told in story.told] == [("B",)]
    assert story.counts["incidents_parked"] == 2
    assert story.incident("INC-1").due == at(30 + 60 + 120)
    assert "no route gone" in next(line.text for line in story.timeline if line.incident == "INC-1" and line.reason)


def test_a_stored_policy_that_cannot_be_loaded_stops_nobody() -> None:
    """An upgrade refuses what an older version accepted: its incidents go on under the policy that is active then."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    state = persisted(story.engine.state)
    state.policies[state.active] = {"policy.yml": "route: {receiver: nobody}"}

    story.engine = Engine(state, now=at(31))
    refused = list(story.engine.unloadable)
    story.activate(PLAIN.replace("4h", "5h").replace("1h", "3h"), 32)
    story.end(40, "A", cluster="c1")
    story.advance(400)

    assert len(refused) == 1
    assert Told(330, "chat/webhook", "resolved", resolved=("A",)) in story.told


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


def _activation(text: str):  # type: ignore[no-untyped-def]  # the event's type is long and says nothing here
    from alertrouter.events import PolicyActivated

    return PolicyActivated(at=at(1), actor="test", key="p", revision="", files={"policy.yml": text})

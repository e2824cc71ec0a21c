"""Escalation, told as stories: what nobody takes climbs, what somebody takes stops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alertrouter.events import Acknowledged, Escalated, Extended, Noted, Resolved, Snoozed, Unacknowledged
from alertrouter.incident import State
from tests.engine.story import Story, at

MINUTE = 60

POLICY = """
timezone: Europe/Berlin
severities: [info, warning, critical]
time_intervals:
  business_hours:
    - {weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}], location: Europe/Berlin}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
teams:
  ops: {channel: chat, oncall: pager, managers: leads}
escalation_policies:
  note: {levels: [{notify: channel}]}
  warn:
    raise: {to: critical, after: 45m}
    ack_timeout: 4h
    levels: [{notify: channel}, {after: 20m, notify: channel}]
  page:
    ack_timeout: 30m
    levels: [{notify: channel}, {after: 5m, notify: oncall}, {after: 20m, notify: managers}]
    repeat: {every: 30m, from: 2}
  office:
    ack_timeout: 8h
    levels: [{notify: channel}, {after: 30m, notify: managers, during: business_hours}]
  branch:
    levels:
      - {notify: channel, during: business_hours, else: skip}
      - {notify: oncall}
  thrice: {levels: [{notify: channel}], repeat: {every: 10m, times: 2}}
route:
  team: ops
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  escalate: {info: note, warning: warn, critical: page}
  routes:
    - {matchers: ['kind="office"'], escalate: {warning: office}}
    - {matchers: ['kind="branch"'], escalate: {warning: branch}}
    - {matchers: ['kind="thrice"'], escalate: {warning: thrice}}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname!="NodeDown"'], equal: [node]}
"""


def minutes(story: Story) -> list[tuple[float, str]]:
    """The pages so far, by minute and receiver."""
    return [(second / MINUTE, to.split("/")[0]) for second, to in story.pages()]


def test_a_warning_nobody_takes_becomes_a_page() -> None:
    """Raised after 45 minutes; the critical policy starts at its first level and repeats from the second."""
    story = Story(POLICY)

    story.fire(0, "Disk", severity="warning")
    story.advance(0)
    story.advance(95 * MINUTE)

    assert minutes(story) == [(0, "chat"), (20, "chat"), (45, "chat"), (50, "pager"), (65, "leads"), (95, "pager")]
    assert [name for name in story.transitions() if name != "STEP"] == ["NEW", "OPEN", "DONE", "RAISE", "LOOP"]
    assert (story.incident().severity, story.incident().raised) == ("critical", "critical")


def test_an_acknowledgement_holds_for_its_time_and_not_for_ever() -> None:
    """Nobody is paged while it holds; then its level again, and the later ones at their distance."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.advance(7 * MINUTE)

    answer = story.act(7 * MINUTE, Acknowledged)
    story.advance(82 * MINUTE)

    assert answer.text == "INC-1 is acknowledged by @omar until 10:37 UTC"
    assert minutes(story) == [(0, "chat"), (5, "pager"), (37, "pager"), (52, "leads"), (82, "pager")]
    assert [name for name in story.transitions() if name != "STEP"] == ["NEW", "OPEN", "ACK", "LAPSE", "LOOP"]
    assert story.counts["acknowledgement_seconds"] == 7 * MINUTE


def test_a_warning_is_given_before_an_acknowledgement_lapses() -> None:
    """At 80 % of its time, in the message."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.act(0, Acknowledged)

    story.advance(24 * MINUTE)

    assert [(told.second / MINUTE, told.reason) for told in story.told if told.to == "chat/slack"][-1] == (
        24,
        "acknowledgement about to lapse",
    )


def test_what_gets_worse_beats_an_acknowledgement() -> None:
    """A critical alert joins the acknowledged warning: it is nobody's again, and the critical policy starts at once."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="warning")
    story.advance(0)
    story.act(10 * MINUTE, Acknowledged)

    story.fire(30 * MINUTE, "Disk", severity="critical")
    story.advance(40 * MINUTE)

    assert minutes(story) == [(0, "chat"), (30, "chat"), (35, "pager")]
    assert story.incident().ack is None
    assert "WORSE" in story.transitions()


def test_a_wobble_is_no_escape() -> None:
    """Back to warning and up again: told as better, but policy and clock stay; it is not worse twice."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="warning")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

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


def test_acting_on_what_has_just_ended_swallows_no_end() -> None:
    """Acknowledged between the end and the next look: whoever was told of the fire still hears of its end."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.advance(5 * MINUTE)

    story.end(330, "Disk", severity="critical")
    story.act(340, Acknowledged)
    story.advance(6 * MINUTE)

    assert sorted(told.to for told in story.told if told.reason == "resolved") == ["chat/slack", "pager/pagerduty"]


def test_everybody_who_was_told_hears_of_the_end() -> None:
    """Acknowledged or not, at whatever level they were told."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.advance(21 * MINUTE)
    story.act(22 * MINUTE, Acknowledged)

    story.end(25 * MINUTE, "Disk", severity="critical")
    story.advance(27 * MINUTE)

    assert sorted(told.to for told in story.told if told.reason == "resolved") == [
        "chat/slack",
        "leads/email",
        "pager/pagerduty",
    ]


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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical", host="a")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.act(60, Escalated, key="click-1")
    before = story.incident()

    answer = story.act(60, Escalated, key="click-1")

    assert (answer.transition, story.incident()) == (None, before)
    assert answer.text == "done already: INC-1 is triggered"


def test_given_back_it_is_told_again_at_the_level_of_the_acknowledgement() -> None:
    """Nobody has it any more, so the pager hears at once."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.advance(6 * MINUTE)
    story.act(7 * MINUTE, Acknowledged)

    story.act(9 * MINUTE, Unacknowledged)
    story.advance(25 * MINUTE)

    assert minutes(story) == [(0, "chat"), (5, "pager"), (9, "pager"), (24, "leads")]


def test_a_snooze_stops_the_clock_and_lets_it_go_on() -> None:
    """Two minutes were left to the pager when it was snoozed: two minutes are left when it wakes."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    story.act(3 * MINUTE, Snoozed, until=at(33 * MINUTE))
    story.advance(34 * MINUTE)
    asleep = minutes(story)
    story.advance(36 * MINUTE)

    assert asleep == [(0, "chat")]
    assert minutes(story) == [(0, "chat"), (35, "pager")]
    assert [name for name in story.transitions() if name in ("SNOOZE", "WAKE")] == ["SNOOZE", "WAKE"]


def test_a_snooze_survives_a_flap() -> None:
    """It resolves and fires again ten times: nobody is paged before the snooze is over."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical", node="n1")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    story.act(60, Escalated)
    story.advance(17 * MINUTE)

    assert minutes(story) == [(0, "chat"), (1, "pager"), (16, "leads")]


def test_an_old_escalate_button_does_nothing() -> None:
    """It was drawn before the pager was told: pressing it does not wake the leads."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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


def test_a_person_can_call_it_over_only_by_force_while_it_fires() -> None:
    """Refused with a hint; by force everybody hears the end, and a new alert opens it again."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical", host="a")
    story.advance(0)

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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
    story.end(60, "Disk", severity="critical")
    story.advance(120)

    answers = [story.act(130, kind, "@omar") for kind in (Acknowledged, Unacknowledged, Escalated, Resolved)]

    assert {answer.text for answer in answers} == {"INC-1 was resolved by its source at 10:01 UTC"}
    assert story.incident().state is State.RESOLVED
    assert story.transitions()[-4:] == ["LATE"] * 4


def test_an_extension_and_a_note_keep_the_acknowledgement() -> None:
    """Work on it is a reason not to be overtaken by the clock."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)
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
    story = Story(POLICY)
    story.fire(0, "Disk", severity="critical")
    story.advance(0)

    answer = story.act(1, kind, until=at(600)) if kind is Extended else story.act(1, kind)

    assert answer.text == "nobody has acknowledged INC-1"


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

"""Silences: what they hold back, from the very moment to the very moment, and what is told when they end."""

from __future__ import annotations

from datetime import datetime

import pytest

from alertrouter.engine.changes import Answer
from alertrouter.engine.engine import Engine
from alertrouter.events import Acknowledged, Resolved, SilenceExpired, SilenceSet
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from tests.engine.story import START, Story, Told, at, firing, persisted, snapshot

PLAIN = """
receivers: {chat: {inbox: {}}}
route: {receiver: chat, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
"""
CLIMBING = """
receivers: {chat: {inbox: {}}, pager: {pagerduty: {routing_key: "${KEY}"}}}
teams: {db: {channel: chat, oncall: pager}}
escalation_policies:
  page: {ack_timeout: 1h, levels: [{notify: channel}, {after: 10m, notify: oncall}]}
route: {team: db, group_by: [alertname], group_wait: 30s, group_interval: 5m, escalate: {warning: page, critical: page}}
"""
IN_THE_MORNING = """
time_intervals: {morning: [{times: [{start_time: "09:00", end_time: "11:00"}]}]}
receivers: {chat: {inbox: {}}}
route:
  {receiver: chat, group_wait: 30s, group_interval: 5m, routes: [{group_by: [], active_time_intervals: [morning]}]}
"""
HOUR = 3600


def matching(**labels: str) -> tuple[SilenceMatcher, ...]:
    """Matchers for labels to be equal."""
    return tuple(SilenceMatcher(name, value) for name, value in labels.items())


def ask(story: Story, second: float, *, until: float, start: float | None = None, **more: object) -> Answer:
    """Somebody asks for silence about the alert `Disk`, unless `matchers` say otherwise."""
    key = str(more.pop("key", f"silence-{second}"))
    given = {"matchers": matching(alertname="Disk"), "created_by": "sam", "comment": "new disk", **more}
    event = SilenceSet(
        at=at(second),
        actor="sam",
        key=key,
        starts_at=at(second if start is None else start),
        ends_at=at(until),
        **given,  # type: ignore[arg-type]  # as the caller gave them
    )
    return story.take(story.engine.apply(event)).answers[key]


def end(story: Story, second: float, silence: str) -> Answer:
    """Somebody ends a silence."""
    event = SilenceExpired(at=at(second), actor="sam", key=f"end-{second}", silence=silence)
    return story.take(story.engine.apply(event)).answers[event.key]


def only(story: Story) -> Silence:
    """The one silence that there is."""
    (silence,) = story.engine.state.silences.values()
    return silence


def texts(story: Story) -> list[str]:
    """The lines of INC-1's story that silences wrote."""
    return [line.text for line in story.timeline if line.reason and line.reason.value.startswith("silence")]


def test_what_is_silenced_is_told_to_nobody_until_the_silence_ends_and_then_at_that_moment() -> None:
    """Given a silence of an hour, when an alert fires in it, then it is told as the hour ends, and not a tick later."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)

    story.fire(10, "Disk")
    story.advance(HOUR - 601)

    assert story.told == []
    assert story.incident().silenced.startswith("silenced by S-")
    assert "until 2026-03-02 11:00 UTC (sam: new disk)" in story.incident().silenced

    story.advance(HOUR)

    assert story.told[-1] == Told(HOUR, "chat/inbox", "silence over", firing=("Disk",))
    assert story.incident().silenced == ""
    assert only(story).state is SilenceState.EXPIRED


def test_who_was_told_before_hears_of_the_end_through_the_silence() -> None:
    """Given an alert that was told, when it is silenced and ends then, then its end is told all the same."""
    story = Story(PLAIN)
    story.fire(0, "Disk")
    story.advance(30)
    ask(story, 60, until=HOUR)

    story.end(400, "Disk")
    story.advance(1000)

    assert [one.reason for one in story.told if one.reason != "silenced"] == ["opened", "resolved"]


def test_the_message_says_who_silenced_it_and_until_when() -> None:
    """Given an alert that was told, when it is silenced, then its message is redrawn at once and says so."""
    story = Story(PLAIN)
    story.fire(0, "Disk")
    story.advance(30)

    ask(story, 60, until=HOUR)
    story.advance(60)

    drawn = story.deliveries[-1]
    assert drawn.redraw
    assert drawn.silenced == story.incident().silenced != ""


def test_the_ladder_stands_still_with_the_time_it_has_left() -> None:
    """Given a level due in 10 minutes, when 4 are over and silence begins, then it is told 6 minutes after its end."""
    story = Story(CLIMBING)
    story.fire(0, "Disk")
    story.advance(30)
    silence = ask(story, 30 + 240, until=2 * HOUR).silence
    story.advance(HOUR)

    assert story.pages() == [(30.0, "chat/inbox")]

    end(story, HOUR, silence)
    story.advance(HOUR + 359)

    assert story.pages() == [(30.0, "chat/inbox")]

    story.advance(HOUR + 360)

    assert story.pages()[-1] == (HOUR + 360.0, "pager/pagerduty")
    assert story.transitions().count("MUTE") == story.transitions().count("UNMUTE") == 1


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


def test_an_end_is_announced_in_the_channel_ten_minutes_ahead() -> None:
    """Given what was silenced from its first moment, then its channel hears of the coming end, and of the fire then.

    The pager hears of neither before its level comes.
    """
    story = Story(CLIMBING)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")

    story.advance(HOUR - 601)
    assert story.told == []

    story.advance(HOUR - 600)

    assert story.told == [Told(HOUR - 600, "chat/inbox", "silence about to end", firing=("Disk",))]
    assert texts(story)[-1].endswith("ends at 11:00 UTC and hides 1 alert that fires")

    story.advance(HOUR)

    assert story.told[1] == Told(HOUR, "chat/inbox", "silence over", firing=("Disk",))


def test_what_is_over_before_the_announced_end_is_drawn_so() -> None:
    """Given an announced end, when the alert is over before it, then that one message is redrawn and nobody is told."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")
    story.advance(HOUR - 600)

    story.end(HOUR - 300, "Disk")
    story.advance(HOUR + 1000)

    assert [(one.reason.value, one.redraw) for one in story.deliveries] == [
        ("silence about to end", False),
        ("resolved", True),
    ]


def test_what_a_person_calls_over_after_the_warning_is_drawn_so_while_it_fires() -> None:
    """Given an announced end, when somebody calls the incident over by force, then the warning says what is over."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR)
    story.fire(0, "Disk")
    story.advance(HOUR - 600)

    story.act(HOUR - 300, Resolved, force=True)
    story.advance(HOUR - 200)

    assert [(one.reason.value, len(one.resolved)) for one in story.deliveries] == [
        ("silence about to end", 0),
        ("resolved", 1),
    ]


@pytest.mark.parametrize("case", ["hides nothing", "acknowledged", "short"])
def test_an_end_that_concerns_nobody_is_not_announced(case: str) -> None:
    """Nothing fires under it; somebody has it; or whoever asked for ten minutes knows when they end."""
    story = Story(CLIMBING)
    if case != "hides nothing":
        story.fire(0, "Disk")
        story.advance(30)
    if case == "acknowledged":
        story.act(40, Acknowledged)
    ask(story, 60, until=60 + (600 if case == "short" else HOUR))

    story.advance(60 + (599 if case == "short" else HOUR - 1))

    assert "silence about to end" not in [one.reason for one in story.told]


def test_one_silence_of_several_alerts_leaves_the_others_told() -> None:
    """Given two alerts of a group, when one is silenced, then the other is told, and the first when that ends."""
    story = Story(PLAIN)
    ask(story, 0, until=HOUR, matchers=matching(alertname="Disk", disk="b"))
    story.fire(10, "Disk", disk="a")
    story.fire(10, "Disk", disk="b")
    story.advance(40)

    assert story.told == [Told(40, "chat/inbox", "opened", firing=("Disk",))]
    assert story.incident().silenced == ""

    story.advance(HOUR)

    assert story.told[-1].second == HOUR
    assert story.told[-1].firing == ("Disk", "Disk")


def test_a_message_says_who_silenced_what_it_leaves_out() -> None:
    """Given two alerts that were told, when one is silenced, then its message is redrawn at once and says by whom."""
    story = Story(PLAIN)
    story.fire(0, "Disk", disk="a")
    story.fire(0, "Disk", disk="b")
    story.advance(30)

    ask(story, 60, until=HOUR, matchers=matching(alertname="Disk", disk="b"))
    story.advance(60)

    drawn = story.deliveries[-1]
    (account,) = story.incident().suppressed.values()
    assert (drawn.redraw, len(drawn.firing), drawn.silenced) == (True, 1, "")
    assert drawn.remarks == (f"1 more fires, {account}",)
    assert "(sam: new disk)" in account

    count = len(story.deliveries)
    story.fire(100, "Disk", disk="b")
    story.advance(600)
    assert len(story.deliveries) == count

    story.advance(HOUR)
    assert (len(story.deliveries[-1].firing), story.deliveries[-1].remarks) == (2, ())


def test_a_message_outside_hours_keeps_what_it_told_while_that_is_silenced_and_what_joined_waits() -> None:
    """Given an incident that somebody has, its hours over, when all that was told is silenced, its message shows it."""
    story = Story(IN_THE_MORNING)
    story.fire(0, "Disk")
    story.advance(60)
    story.act(60, Acknowledged)
    story.fire(HOUR + 60, "Net")
    story.advance(HOUR + 600)

    ask(story, HOUR + 600, until=2 * HOUR)
    story.advance(HOUR + 1200)

    drawn = [told.firing for told in story.told if told.second >= HOUR + 600]
    assert drawn
    assert set(drawn) == {("Disk",)}


@pytest.mark.parametrize("silenced", [False, True])
def test_what_joins_outside_hours_does_not_redraw_the_message_of_who_has_it_again_and_again(silenced: bool) -> None:
    """Given an incident that somebody has, its hours over, when one more joins, then nothing is sent of that."""
    story = Story(IN_THE_MORNING)
    story.fire(0, "Disk")
    story.advance(60)
    story.act(60, Acknowledged)
    story.fire(HOUR + 60, "Net")
    if silenced:
        ask(story, HOUR + 120, until=8 * HOUR)

    story.advance(3 * HOUR)

    assert [told.reason for told in story.told] == ["opened", "acknowledged"] + (["redrawn"] if silenced else [])


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

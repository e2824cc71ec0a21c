"""A recorded history under another policy: who would have been told what, when, and how many pages more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from alertrouter.alert import Fingerprint, fingerprint
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.record import Ended, Fired, Moved, Record, Silenced, lines, read_lines
from alertrouter.silence import SilenceMatcher
from alertrouter.simulate.comparison import compare
from alertrouter.simulate.quiet import since, with_those_before
from alertrouter.simulate.replay import Again, coarse, live_again
from alertrouter.simulate.replayed import Replayed
from alertrouter.transition import Transition

START = datetime(2026, 3, 7, 3, tzinfo=UTC)
TEXT = """\
receivers:
  chat: {inbox: {}}
  pager: {pagerduty: {routing_key: "${KEY}"}}
teams:
  ai: {channel: chat, oncall: pager}
escalation_policies:
  page:
    ack_timeout: 30m
    levels: [{notify: channel}, {after: 5m, notify: oncall}]
    repeat: {every: 30m, from: 2}
route: {team: ai, group_by: [alertname], escalate: {critical: page}}
"""


def policy(text: str = TEXT) -> Policy:
    """A policy of one file."""
    return load({"policy.yml": text})


def fired(minutes: float, name: str = "Down", incident: str = "INC-1", severity: str = "critical") -> Fired:
    """An alert that begins so many minutes after the start."""
    labels = {"alertname": name, "severity": severity}
    at = START + timedelta(minutes=minutes)
    return Fired(at=at, alert=fingerprint(labels), labels=labels, starts_at=at, incidents=(incident,))


def ended(minutes: float, began: Fired) -> Ended:
    """The end of one."""
    return Ended(at=START + timedelta(minutes=minutes), alert=began.alert)


def acted(minutes: float, transition: Transition = Transition.ACK, until: float | None = None) -> Moved:
    """What omar did to the incident, as it was then."""
    end = START + timedelta(minutes=until) if until is not None else None
    return Moved(at=START + timedelta(minutes=minutes), incident="INC-1", transition=transition, by="omar", until=end)


def replayed(records: list[Record], new: str) -> Replayed:
    """The records under the usual policy and under another one."""
    old, other = policy(), policy(new)
    return compare(records, live_again(records, old), live_again(records, other), other)


def told(records: list[Record], text: str = TEXT) -> list[str]:
    """Who is told when, in minutes from the start, without the ends."""
    return [
        f"{(one.at - START) / timedelta(minutes=1):g} {one.receiver}"
        for one in live_again(records, policy(text)).messages
        if not one.over
    ]


def test_the_same_policy_tells_the_same() -> None:
    """A message after group_wait, the page after five minutes, again every half an hour, the end when it is over."""
    down = fired(0)
    records: list[Record] = [down, ended(50, down)]

    found = replayed(records, TEXT)

    assert told(records) == ["0.5 chat", "5.5 pager", "35.5 pager"]
    assert (found.pages, found.more_pages, found.changed, found.events) == ((2, 2), False, (), 2)


def test_what_has_not_happened_yet_is_not_counted() -> None:
    """Given an alert that began six minutes ago and still fires: the repeat of the page is yet to come."""
    messages = live_again([fired(0)], policy(), START + timedelta(minutes=6)).messages

    assert [one.receiver for one in messages] == ["chat", "pager"]


def test_a_later_page_is_fewer_pages() -> None:
    """By team, receiver and hour; and the incident for which that is so."""
    down = fired(0)

    found = replayed([down, ended(8, down)], TEXT.replace("after: 5m", "after: 10m"))

    assert (found.pages, found.by_team, found.by_hour) == ((1, 0), {"ai": (1, 0)}, {3: (1, 0)})
    assert found.by_receiver == {"chat": (1, 1), "pager": (1, 0)}
    (changed,) = found.changed
    assert changed.title == "alertname=Down"
    assert [one.receiver for one in changed.old if not one.over] == ["chat", "pager"]
    assert [one.receiver for one in changed.new if not one.over] == ["chat"]


def test_who_acknowledged_then_acknowledges_now() -> None:
    """Whichever incident holds the alerts: here another number and a group of its own."""
    other, down = fired(0, "Slow", "INC-9", severity="info"), fired(1)
    records: list[Record] = [other, down, acted(4), ended(30, down), ended(30, other)]

    assert told(records) == ["0.5 chat", "1.5 chat"]
    assert told(records, TEXT.replace("after: 5m", "after: 2m")) == ["0.5 chat", "1.5 chat", "3.5 pager"]


def test_a_snooze_and_giving_back_count_too() -> None:
    """With their own ends."""
    down = fired(0)

    snoozed = told([down, acted(2, Transition.SNOOZE, until=20), ended(26, down)])
    given_back = told([down, acted(2), acted(10, Transition.UNACK), ended(12, down)])

    assert snoozed == ["0.5 chat", "23.5 pager"]
    assert given_back == ["0.5 chat", "10 chat"]


def test_a_coarse_replay_tells_the_levels_at_the_same_times() -> None:
    """Looks at groups are fewer; levels have timers of their own, and what is over by then is not told."""
    often = TEXT.replace("route: {team: ai,", "route: {team: ai, group_interval: 10s,")
    down, short = fired(0), fired(60, "Short")
    records: list[Record] = [down, ended(50, down), short, ended(65.4, short)]

    exact = [one for one in live_again(records, policy(often)).messages if not one.over]
    rough = [one for one in live_again(records, coarse(policy(often))).messages if not one.over]

    assert [(one.at, one.receiver) for one in rough] == [(one.at, one.receiver) for one in exact]
    assert [one.receiver for one in exact] == ["chat", "pager", "pager", "chat"]


def test_records_are_the_same_after_a_file() -> None:
    """One JSON object a line, whatever the order of kinds."""
    down = fired(0)
    records: list[Record] = [down, acted(1), ended(2, down), silence(3, 4), silence(5, 5, window="move")]

    assert list(read_lines(lines(records), "file")) == records


def test_an_end_without_a_beginning_means_nothing() -> None:
    """A history begins in the middle of things."""
    assert live_again([Ended(at=START, alert=Fingerprint("0" * 16)), acted(1)], policy()).messages == []
    assert live_again([], policy()).events == 0


def test_a_heartbeat_is_not_missing_because_a_history_has_none() -> None:
    """What was missing then is recorded as the alert that said so; the beats are not."""
    down = fired(0)
    records: list[Record] = [down, ended(50, down)]

    assert told(records, TEXT + "heartbeats: {watchdog: {every: 1m, severity: critical}}\n") == told(records)


def silence(
    minutes: float, until: float, starts: float | None = None, name: str = "Down", window: str = ""
) -> Silenced:
    """A silence about an alert that is set, changed or ended so many minutes after the start."""
    return Silenced(
        at=START + timedelta(minutes=minutes),
        silence=f"of {name}",
        matchers=(SilenceMatcher("alertname", name),),
        starts_at=START + timedelta(minutes=minutes if starts is None else starts),
        ends_at=START + timedelta(minutes=until),
        by="lena",
        maintenance=window,
    )


@pytest.mark.parametrize(
    ("silences", "expected"),
    [
        ([silence(2, 60)], ["0.5 chat"]),
        ([silence(2, 10)], ["0.5 chat", "13.5 pager", "43.5 pager"]),
        ([silence(2, 60), silence(20, 20, starts=2)], ["0.5 chat", "23.5 pager"]),
        ([silence(2, 10), silence(4, 60, starts=2)], ["0.5 chat"]),
        ([silence(2, 60), silence(3, 60, starts=10)], ["0.5 chat", "6.5 pager"]),
        ([silence(2, 60, name="Other")], ["0.5 chat", "5.5 pager", "35.5 pager"]),
        ([silence(3, 3, starts=2)], ["0.5 chat", "5.5 pager", "35.5 pager"]),
    ],
    ids=["set", "over", "ended", "changed", "put off", "of another", "of one that nobody knows"],
)
def test_what_was_silenced_is_silenced_again(silences: list[Record], expected: list[str]) -> None:
    """From when it was set to when it ended; escalation goes on with the time that it had left."""
    down = fired(0)

    assert told([down, *silences, ended(50, down)]) == expected


def test_what_a_silence_hid_is_hidden_under_another_policy_too() -> None:
    """So it is no difference between the two, as it was none to anybody."""
    down = fired(0)
    records: list[Record] = [down, silence(1, 50), ended(49, down)]

    assert replayed(records, TEXT.replace("after: 5m", "after: 2m")).pages == (0, 0)


def test_a_history_may_begin_while_a_silence_is_in_force() -> None:
    """That it is changed or ended then tells since when it was; with more told before, from that."""
    down, end = fired(5), ended(30, fired(5))
    ends, changes = silence(20, 20, starts=-60), silence(20, 25, starts=-60)

    assert told([down, ends, end]) == ["5.5 chat", "10.5 pager"]
    assert told(with_those_before([down, ends, end])) == ["20 chat", "25 pager"]
    assert told(with_those_before([down, changes, end])) == ["15 chat", "25 chat"], "first that it is about to end"
    assert with_those_before([down, silence(6, 20), end]) == [down, silence(6, 20), end]
    assert with_those_before([]) == []


def test_a_part_of_a_history_begins_with_the_silences_of_before() -> None:
    """Those that are over by then mean nothing; one that is to come comes."""
    down, slow = fired(10), fired(10, "Slow", "INC-2")
    coming, over = silence(2, 60, starts=12, name="Slow"), silence(1, 9, name="Other")
    records: list[Record] = [silence(0, 5), over, coming, silence(3, 40, starts=0), down, slow]

    part = since(records, START + timedelta(minutes=10))

    opening = [msgspec.structs.replace(one, at=down.at) for one in (silence(3, 40, starts=0), coming)]
    assert part == [*opening, down, slow]
    assert told([*part, ended(25, down), ended(25, slow)]) == ["10.5 chat"]


def test_a_window_that_people_ended_or_changed_is_so_where_there_is_one() -> None:
    """Of the same name; a policy without it has nothing to end."""
    open_now = "time_intervals: {morning: [{times: [{start_time: '02:00', end_time: '04:00'}]}]}\n"
    window = "maintenance: [{name: NAME, matchers: ['alertname=~\"D.*\"'], during: morning}]\n"
    text, down = TEXT + open_now + window.replace("NAME", "move"), fired(0)
    end, change = silence(10, 10, starts=-60, window="move"), silence(10, 20, starts=-60, window="move")

    assert told([down, ended(40, down)], text) == []
    assert told([down, end, ended(40, down)], text) == ["10 chat", "15 pager"]
    assert told([down, change, ended(40, down)], text) == ["20 chat", "25 pager"]
    assert told([down, end, ended(40, down)], text.replace("move", "other")) == []
    assert told(with_those_before([down, end, ended(8, down)])) == ["0.5 chat", "5.5 pager"]


def test_the_policy_may_change_while_time_goes_on() -> None:
    """What is open keeps the policy that opened it, as in the router; what begins then goes by the new one."""
    first, second = fired(0), fired(4, "Slow", "INC-2")
    again = Again(policy(), START)
    again.take(first)
    again.follow(policy(TEXT.replace("after: 5m", "after: 2m")), START + timedelta(minutes=3))
    again.take(second)
    again.wait(START + timedelta(minutes=8))

    assert [
        (f"{(one.at - START) / timedelta(minutes=1):g}", one.receiver, one.team) for one in again.lived.messages
    ] == [("0.5", "chat", "ai"), ("4.5", "chat", "ai"), ("5.5", "pager", "ai"), ("6.5", "pager", "ai")]


def test_a_maintenance_of_the_policy_before_ends_with_it() -> None:
    """What it kept quiet is told; what the new one keeps quiet too is not."""
    always = "time_intervals: {always: [{}]}\n"
    window = "maintenance: [{name: NAME, matchers: ['alertname=\"Down\"'], during: always}]\n"
    quiet = TEXT + always + window.replace("NAME", "move")
    for text, expected in ((TEXT, ["chat"]), (quiet + "reopen_within: 1m\n", [])):
        again = Again(policy(quiet), START)
        again.take(fired(0))
        again.follow(policy(text), START + timedelta(minutes=3))
        again.wait(START + timedelta(minutes=5))
        assert [one.receiver for one in again.lived.messages] == expected

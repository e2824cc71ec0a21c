"""A running ladder keeps to the policy under which it opened; and hours are the wall clock's, on every night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alertrouter.engine.engine import Engine
from alertrouter.events import Acknowledged, Unacknowledged
from tests.engine.ladder import MINUTE, POLICY, burning, minutes
from tests.engine.story import START, Story, at, persisted

OTHER = POLICY.replace("{after: 5m, notify: oncall}", "{after: 2m, notify: managers}").replace(
    "ack_timeout: 30m", "ack_timeout: 1m"
)

CALENDAR = """
timezone: Europe/Berlin
severities: [info, critical]
time_intervals:
  nights: [{times: [{start_time: "02:00", end_time: "03:00"}], location: Europe/Berlin}]
  mornings: [{times: [{start_time: "09:00", end_time: "10:00"}], location: Europe/Berlin}]
  month_end: [{days_of_month: ["-1"], times: [{start_time: "08:00", end_time: "09:00"}], location: Europe/Berlin}]
receivers:
  chat: {slack: {channel: "#ops"}}
  leads: {email: {to: [leads@example.com]}}
escalation_policies:
  hold: {levels: [{notify: chat}, {after: 10m, notify: leads, during: INTERVAL}]}
  hours: {raise: {to: critical, after: 30m, during: INTERVAL}, levels: [{notify: chat}]}
  last: {levels: [{notify: leads}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1h
  escalate: {info: hold, critical: last}
  routes: [{matchers: ['kind="raise"'], escalate: {info: hours, critical: last}}]
"""


def second_of(text: str) -> float:
    """The second of a story at which it is this time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - START).total_seconds()


def fires(interval: str, start: str, **labels: str) -> list[str]:
    """When the leads hear, in UTC, of what fires from `start` on; a month is looked ahead."""
    story = Story(CALENDAR.replace("INTERVAL", interval))
    story.fire(second_of(start), "Report", severity="info", **labels)
    story.advance(second_of(start) + timedelta(days=40).total_seconds())
    return [f"{at(second):%Y-%m-%d %H:%M}" for second, to in story.pages() if to == "leads/email"]


def test_a_reload_never_touches_a_running_ladder() -> None:
    """Neither its levels nor its timers; what opens afterwards follows the new policy."""
    story = burning("critical")
    before = story.incident()

    story.activate(OTHER, MINUTE)
    unchanged = story.incident() == before
    story.fire(2 * MINUTE, "Net", severity="critical")
    story.advance(10 * MINUTE)

    told = [(one.incident, (one.born_at - at(0)) / timedelta(minutes=1), one.receiver) for one in story.deliveries]
    assert unchanged
    assert {page for page in told if page[0] == "INC-1"} == {
        ("INC-1", 0, "chat"),
        ("INC-1", 5, "chat"),
        ("INC-1", 5, "pager"),
    }
    assert {page for page in told if page[0] == "INC-2"} == {
        ("INC-2", 2, "chat"),
        ("INC-2", 4, "chat"),
        ("INC-2", 4, "leads"),
    }


def test_the_pinned_policy_outlives_a_restart() -> None:
    """Its text is kept while an incident needs it, and forgotten after that."""
    story = burning("critical")
    old = story.incident().revision
    story.activate(OTHER, MINUTE)

    story.take(story.engine.touched_changes())
    story.engine = Engine(persisted(story.engine.state), now=at(2 * MINUTE))
    story.advance(6 * MINUTE)
    story.act(6 * MINUTE, Acknowledged)
    story.advance(36 * MINUTE)
    kept = old in story.engine.state.policies
    story.end(37 * MINUTE, "Disk", severity="critical")
    story.advance(60 * MINUTE)

    assert minutes(story)[:3] == [(0, "chat"), (5, "pager"), (36, "pager")], "the old levels, and the old 30 minutes"
    assert (kept, old in story.engine.state.policies) == (True, False)


def test_a_policy_without_its_level_leaves_the_ladder_its_own() -> None:
    """The escalation policy is gone from the new one; the incident goes on climbing it."""
    story = burning("critical")

    story.activate("receivers: {box: {inbox: {}}}\nroute: {receiver: box}\n", MINUTE)
    story.advance(20 * MINUTE)

    assert minutes(story) == [(0, "chat"), (5, "pager"), (20, "leads")]


@pytest.mark.parametrize(
    ("interval", "start", "told"),
    [
        # The night of 29 March has no 02:30 in Berlin: what waits for two o'clock waits for the next night.
        ("nights", "2026-03-28 22:00", "2026-03-30 00:00"),
        # The night of 25 October has two: it is told in the first.
        ("nights", "2026-10-24 22:00", "2026-10-25 00:00"),
        ("mornings", "2026-03-28 09:30", "2026-03-29 07:00"),
        ("mornings", "2026-10-24 09:30", "2026-10-25 08:00"),
        ("month_end", "2027-02-20 12:00", "2027-02-28 07:00"),
        ("month_end", "2026-03-30 12:00", "2026-03-31 06:00"),
        ("month_end", "2026-04-01 12:00", "2026-04-30 06:00"),
        ("month_end", "2028-02-20 12:00", "2028-02-29 07:00"),
    ],
)
def test_a_level_is_held_by_the_wall_clock(interval: str, start: str, told: str) -> None:
    """On the nights on which clocks change, and on the last day of months of every length."""
    assert fires(interval, start) == [told]


@pytest.mark.parametrize(
    ("start", "raised"),
    [
        # Only the hour from two to three counts; on 25 October there are two of them, one after the other.
        ("2026-10-25 00:50", "2026-10-25 01:20"),
        # On 29 March there is none: ten minutes of the night before, twenty of the night after.
        ("2026-03-28 01:50", "2026-03-30 00:20"),
    ],
)
def test_only_hours_that_there_were_count_towards_a_raise(start: str, raised: str) -> None:
    """What counts is time that passed while the clock showed such an hour."""
    assert fires("nights", start, kind="raise") == [raised]


def test_each_acknowledgement_that_ends_counts() -> None:
    """By its time, by a person and by a higher severity: PagerDuty calls again each time."""
    story = burning("warning")
    story.act(MINUTE, Acknowledged)
    story.fire(2 * MINUTE, "Disk", severity="critical")
    story.advance(7 * MINUTE)
    story.act(8 * MINUTE, Acknowledged)
    story.advance(38 * MINUTE)
    story.act(39 * MINUTE, Acknowledged)
    story.act(40 * MINUTE, Unacknowledged)
    story.advance(40 * MINUTE)

    pages = [one for one in story.deliveries if one.destination == "pager/pagerduty" and not one.redraw]
    assert [one.given_back for one in pages] == [1, 2, 3]

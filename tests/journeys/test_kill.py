"""Whatever is killed, and however often: every alert that was taken in is told, and its end too."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

import pytest

from tests.journeys.climbs import Climb, Climbs, lateness
from tests.journeys.farsides import FarSides, standing_in
from tests.journeys.installation import Alertrouter
from tests.journeys.processes import ROLES, Process
from tests.journeys.programs import Programs
from tests.journeys.storm import Group, Heard, Sender, Status, groups, heard
from tests.waiting import eventually

POLICY: Final = """
receivers:
  everybody:
    slack: {channel: "#ops"}
    pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}
    webhook: {url: "${JOURNEY_WEBHOOK}"}
route:
  receiver: everybody
  group_by: [storm]
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 12h
"""
LADDER: Final = """
severities: [info, warning, critical]
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}}
  leads: {webhook: {url: "${JOURNEY_WEBHOOK}"}}
escalation_policies:
  page: {levels: [{notify: chat}, {after: 2s, notify: pager}, {after: 4s, notify: leads}]}
route:
  receiver: chat
  group_by: [storm]
  group_wait: 0s
  group_interval: 5s
  escalate: {info: page, warning: page, critical: page}
"""

KILLS: Final = 8
"""Kills while a storm begins, and again while it ends: each role in turn, twice."""

IN_THE_END: Final = 60.0
"""Seconds that everything has to arrive when nothing is killed any more: claims of dead workers run out in eight."""


@pytest.mark.timeout(240)
def test_no_alert_is_lost_when_everything_is_killed_in_turn(
    programs: Programs, record_property: Callable[[str, object], None]
) -> None:
    """2,000 alerts in 400 groups, with `kill -9` for router, workers, web and Valkey again and again."""
    with standing_in(slow=True) as far:
        alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
        siege = Siege(alertrouter, far)

        with closing(Sender(alertrouter.door)) as sender:
            siege.survive(groups(400, size=5), sender)

        assert siege.killed.total() >= 10
        assert set(siege.killed) == set(ROLES)
        record_property("journey", siege.report(sender))


def test_no_alert_is_lost_in_a_power_cut(programs: Programs, record_property: Callable[[str, object], None]) -> None:
    """All processes are gone at once, Valkey too; started again on the same directory, alertrouter goes on."""
    with standing_in(slow=True) as far:
        alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
        siege = Siege(alertrouter, far)

        with closing(Sender(alertrouter.door)) as sender:
            siege.survive_power_cut(groups(100, size=5), sender)

        record_property("journey", siege.report(sender))


def test_ladders_survive_kills(programs: Programs, record_property: Callable[[str, object], None]) -> None:
    """100 ladders with levels after 2 and 4 seconds, with `kill -9` for each role: none is lost, none comes early."""
    with standing_in(slow=True) as far:
        alertrouter = Alertrouter(programs, policy=LADDER, environ=far.settings)
        siege = Siege(alertrouter, far, kills=4)

        with closing(Sender(alertrouter.door)) as sender:
            climbs = siege.survive_while_it_climbs(groups(100, size=2), sender)

        late = sorted(one.late for one in climbs)
        record_property("journey", f"{siege.report(sender)}; {lateness(late)}")
        assert set(siege.killed) == set(ROLES)
        assert late[0] >= 0, "a level was told before its time"
        assert {one.steps for one in climbs} == {("level 1: chat", "level 2: pager", "level 3: leads")}


@pytest.mark.soak
def test_no_alert_is_lost_in_a_long_siege(programs: Programs, record_property: Callable[[str, object], None]) -> None:
    """The same again and again, for ALERTROUTER_SOAK_MINUTES (10 unless set)."""
    ends = time.monotonic() + 60 * float(os.environ.get("ALERTROUTER_SOAK_MINUTES", "10"))
    with standing_in(slow=True) as far:
        alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
        siege = Siege(alertrouter, far)

        with closing(Sender(alertrouter.door)) as sender:
            for wave in itertools.count():
                siege.survive(groups(400, size=5, wave=wave), sender)
                if time.monotonic() > ends:
                    break

        record_property("journey", siege.report(sender))


class Siege:
    """Storms over an alertrouter whose processes are killed meanwhile."""

    def __init__(self, alertrouter: Alertrouter, far: FarSides, *, kills: int = KILLS) -> None:
        """Nothing is killed yet; `kills` are those of one storm's beginning, or of its end."""
        self._kills = kills
        self.killed = Counter[str]()
        self._alertrouter = alertrouter
        self._far = far
        self._roles = itertools.cycle(ROLES)
        self._groups = 0

    def survive(self, storm: Sequence[Group], sender: Sender) -> None:
        """Let a storm begin and end, with kills; fails when a far side missed any of it."""
        self._groups += len(storm)
        self._post(storm, "firing", sender)
        self._wait_until_all_know(storm, self._told_of_the_fire)
        self._post(storm, "resolved", sender)
        self._wait_until_all_know(storm, self._told_of_the_end)
        assert len(self._far.pagerduty.alerts) == self._groups, "PagerDuty knows each incident by one key"

    def survive_while_it_climbs(self, storm: Sequence[Group], sender: Sender) -> list[Climb]:
        """Let a storm begin, with kills while its ladders run; gives how each climbed, once all levels are told."""
        self._groups += len(storm)
        self._post(storm, "firing", sender)
        climbs = Climbs(self._alertrouter.door, self._far)
        eventually(
            lambda: not climbs.missing(storm),
            lambda: f"all levels are told, not told: {climbs.missing(storm)[:5]}",
            IN_THE_END,
            every=0.5,
        )
        assert len(self._far.pagerduty.alerts) == self._groups, "PagerDuty knows each incident by one key"
        return climbs.of(storm)

    def survive_power_cut(self, storm: Sequence[Group], sender: Sender) -> None:
        """Let a storm begin, kill all processes at once in the middle of it, and start alertrouter again."""
        self._groups += len(storm)
        sender.offer(storm, "firing")
        sender.wait_for(len(storm) // 2, within=30)
        self._wait_for_a_message()
        for process in self._alertrouter.cut_power():
            self.killed[process.role] += 1
        sender.finish(within=30)
        self._wait_until_all_know(storm, self._told_of_the_fire)
        assert len(self._far.pagerduty.alerts) == self._groups, "PagerDuty knows each incident by one key"

    def report(self, sender: Sender) -> str:
        """What was done and what it cost, for whoever reads the test's output."""
        counts = [f"{name} {told.duplicates} of {told.messages.total()}" for name, told in self._everything().items()]
        return (
            f"{self._groups} groups, {self.killed.total()} kills ({_counted(self.killed)}), none lost; "
            f"posts repeated: {_counted(sender.tried_again) or 'none'}; duplicates: {', '.join(counts)}"
        )

    def _post(self, storm: Sequence[Group], status: Status, sender: Sender) -> None:
        """Post it in portions; when half of a portion is taken in and messages are going out, a process is killed."""
        size = -(-len(storm) // self._kills)
        for first in range(0, len(storm), size):
            portion = storm[first : first + size]
            sender.offer(portion, status)
            sender.wait_for(len(portion) // 2, within=30)
            self._wait_for_a_message()
            self._kill(next(self._roles))
            sender.finish(within=30)

    def _wait_for_a_message(self) -> None:
        before = self._far.messages()
        eventually(lambda: self._far.messages() > before, within=30, what="a message goes out")

    def _kill(self, role: str) -> None:
        some = eventually(lambda: self._alertrouter.processes(role), within=20, what=f"a {role} runs")
        victim: Process = some[self.killed[role] % len(some)]
        self._alertrouter.kill(victim)
        self.killed[role] += 1

    def _wait_until_all_know(self, storm: Sequence[Group], told: Callable[[], dict[str, Heard]]) -> None:
        def missing() -> dict[str, list[str]]:
            return {name: gaps for name, heard_there in told().items() if (gaps := heard_there.missing(storm))}

        def shown() -> str:
            return ", ".join(f"{name} lacks {len(gaps)}: {gaps[:5]}" for name, gaps in missing().items())

        eventually(lambda: not missing(), within=IN_THE_END, every=0.5, what=shown)

    def _told_of_the_fire(self) -> dict[str, Heard]:
        return {
            "slack": heard(request.body.decode() for request in self._far.slack.received),
            "pagerduty": heard(request.body.decode() for request in self._far.pagerduty.received),
            "webhook": heard(request.body.decode() for request in self._far.webhook.received),
        }

    def _told_of_the_end(self) -> dict[str, Heard]:
        return {
            "slack": heard(
                str(message.body) for message in self._far.slack.messages if " is over" in message.body["text"]
            ),
            "pagerduty": heard(self._resolved_at_pagerduty()),
            "webhook": heard(
                request.body.decode() for request in self._far.webhook.received if request.json["status"] == "resolved"
            ),
        }

    def _resolved_at_pagerduty(self) -> Iterator[str]:
        """What was triggered and is now resolved: the end itself doesn't repeat which alerts it is the end of."""
        alerts = self._far.pagerduty.alerts
        for request in self._far.pagerduty.received:
            event = request.json
            over = alerts[event["routing_key"], event["dedup_key"]] == "resolved"
            if event["event_action"] == "trigger" and over:
                yield request.body.decode()

    def _everything(self) -> dict[str, Heard]:
        """All messages; for Slack the first posts only, since an update in place repeats what it replaces."""
        posts = [one for one in self._far.slack.received if one.path.endswith("chat.postMessage")]
        webhook = self._far.webhook.received
        return {
            "slack": heard(request.body.decode() for request in posts),
            "pagerduty": heard(request.body.decode() for request in self._far.pagerduty.received),
            "webhook": heard(one.body.decode() for one in webhook if one.json["status"] == "firing"),
            "webhook (ends)": heard(one.body.decode() for one in webhook if one.json["status"] == "resolved"),
        }


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(counter.items()))

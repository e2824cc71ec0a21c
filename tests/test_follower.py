"""A policy in the shadow of the one in force: what it would have done, while the router does what it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import cast

import pytest
import redis
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from alertrouter import follower as process
from alertrouter.alert import AlertReport, fingerprint
from alertrouter.calendars.keeper import FILE, written
from alertrouter.delivery import Outcome
from alertrouter.engine.silences import id_of
from alertrouter.events import (
    Acknowledged,
    AlertsReceived,
    DeliverySettled,
    PolicyActivated,
    SilenceExpired,
    SilenceSet,
    encode,
)
from alertrouter.follower import Follower
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Shift
from alertrouter.policy.policy import Policy
from alertrouter.record import Ended, Fired, Moved, Record, Silenced, Told
from alertrouter.settings import Settings
from alertrouter.shadow import Details, Standing, Sums
from alertrouter.silence import SilenceMatcher
from alertrouter.simulate.beside import Beside
from alertrouter.simulate.quiet import with_those_before
from alertrouter.simulate.replay import live_again
from alertrouter.store import records
from alertrouter.store.connection import connect_async
from alertrouter.store.ledger_row import row_of
from alertrouter.store.records import History
from alertrouter.store.revisions import Happened, Revision
from alertrouter.store.shadow import ShadowDoor
from alertrouter.store.shadow_following import ShadowFollowing
from alertrouter.transition import Transition
from tests.routing import Routing
from tests.times import START, at

SettingsFor = Callable[..., Settings]

LIVE = """
receivers:
  chat: {inbox: {}}
  pager: {pagerduty: {routing_key: "${KEY}"}}
people: {lena: {email: lena@example.com}, omar: {email: omar@example.com}}
teams: {ai: {channel: chat, oncall: pager}}
escalation_policies:
  page: {levels: [{notify: channel}, {after: 10m, notify: oncall}]}
route: {team: ai, group_by: [alertname], group_wait: 10s, group_interval: 5m, escalate: {critical: page}}
"""
SOONER = LIVE.replace("after: 10m", "after: 2m")
LATER = LIVE.replace("after: 10m", "after: 30m")
ROTA = 'schedules: {rota: {ical: "${ONCALL_ICAL}", fallback: chat}}\n'


class Watched(Routing):
    """A router that is turned by hand, and the follower of a shadow beside it."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        super().__init__(settings, client)
        self.store = ShadowFollowing(client, self.keys)
        self.arrived: set[str] = set()

    def begin(self, text: str, **others: str) -> Follower:
        """Make a policy the shadow, as a door does, and give its follower."""
        files = {"policy.yml": text, **others}
        chosen = Revision(
            happened=Happened.PUBLISHED, revision=load(files).revision, at=self.clock.now, actor="lena", files=files
        )
        self.set(chosen)
        return self.follower()

    def set(self, chosen: Revision) -> None:
        """Make it the shadow."""

        async def begin() -> None:
            made = connect_async(self.settings.redis_url)
            await ShadowDoor(made, self.keys).begin(chosen, "lena", self.clock.now)
            await made.aclose()

        asyncio.run(begin())

    def follower(self) -> Follower:
        """Give a follower that begins, as after a restart."""
        begun = self.store.begun()
        assert begun is not None
        return Follower(self.store, begun, history=timedelta(days=30), clock=self.clock, share_of_time=inf)

    def seen(self) -> tuple[Standing, Details]:
        """What doors show."""

        async def look() -> tuple[Standing, Details] | None:
            made = connect_async(self.settings.redis_url)
            found = await ShadowDoor(made, self.keys).details()
            await made.aclose()
            return found

        found = asyncio.run(look())
        assert found is not None
        return found

    def sums(self) -> Sums:
        """The numbers that doors show."""
        sums = self.seen()[0].sums
        assert sums is not None
        return sums

    def fires(self, name: str, *, over: bool = False) -> None:
        """Let an alert fire, or end."""
        now = self.clock.now
        report = AlertReport.of(
            {"alertname": name, "severity": "critical"}, starts_at=now, ends_at=now if over else None
        )
        self.journal.append(encode(AlertsReceived(at=now, actor="t", key=f"{name}{now}", alerts=(report,))))
        self.active.turn()

    def silence(
        self, alertname: str, key: str, *, minutes: float, silence: str = "", since: datetime | None = None
    ) -> None:
        """Let somebody silence an alert, or change a silence."""
        now = self.clock.now
        event = SilenceSet(
            at=now,
            actor="lena",
            key=key,
            matchers=(SilenceMatcher("alertname", alertname),),
            starts_at=since or now,
            ends_at=now + timedelta(minutes=minutes),
            created_by="lena",
            silence=silence,
        )
        self.journal.append(encode(event))
        self.active.turn()

    def end_silence(self, key: str, silence: str) -> None:
        """Let somebody end a silence."""
        event = SilenceExpired(at=self.clock.now, actor="lena", key=key, silence=silence)
        self.journal.append(encode(event))
        self.active.turn()

    def settle(self) -> None:
        """Let everything that is owed arrive."""
        coming = [name for name in self.owed() if name not in self.arrived]
        for name in coming:
            row = row_of(cast(dict[bytes, bytes], self.client.hgetall(self.keys.delivery(name))))
            assert row is not None
            self.arrived.add(name)
            event = DeliverySettled(
                at=self.clock.now,
                actor="worker",
                key=f"{name}-settled",
                delivery=name,
                incident=row.delivery.incident,
                destination=row.delivery.destination,
                outcome=Outcome.SENT,
            )
            self.journal.append(encode(event))
        if coming:  # a turn without anything to do would wait for it
            self.active.turn()

    def activate(self, text: str, **others: str) -> None:
        """Put a policy in force."""
        files = {"policy.yml": text, **others}
        now = self.clock.now
        event = PolicyActivated(at=now, actor="omar", key=f"p{now}", revision=load(files).revision, files=files)
        self.journal.append(encode(event))
        self.active.turn()

    def pass_time(self, minutes: float) -> None:
        """Let the router live until so long after the start."""
        self.clock.set(minutes=minutes)
        self.active.turn()
        self.clock.set(minutes=minutes, seconds=6)
        self.active.turn()


@pytest.fixture
def watched(settings_for: SettingsFor, client: redis.Redis) -> Watched:
    """A router that has LIVE in force."""
    return Watched(settings_for(LIVE), client)


def test_what_the_shadow_would_have_paged_is_shown_and_nobody_is_told(watched: Watched) -> None:
    """The router owes what its own policy says; the page of the other one is counted, by team, hour and incident."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)

    assert follower.turn()

    standing, details = watched.seen()
    sums = watched.sums()
    assert (standing.shadow.actor, standing.shadow.since) == ("lena", START)
    assert (sums.pages, sums.messages, sums.changed, sums.paged) == ((0, 1), (1, 2), 1, 0)
    assert sums.until == at(minutes=5, seconds=6) - process.SETTLING
    assert (details.by_team, details.by_hour) == ({"ai": (0, 1)}, {10: (0, 1)})
    (changed,) = details.changed
    assert (changed.title, changed.at) == ("alertname=Down", at(seconds=10))
    assert [(one.at, one.receiver, one.page) for one in changed.shadow] == [
        (at(seconds=10), "chat", False),
        (at(minutes=2, seconds=10), "pager", True),
    ]
    assert [row.split(":")[1] for row in watched.owed() if "pager" in row] == []
    assert len(watched.owed()) == 1


def test_a_follower_that_begins_anew_finds_the_same(watched: Watched) -> None:
    """It keeps nothing: the history is lived again from the shadow's beginning, not from before."""
    watched.fires("Before")
    watched.pass_time(1)
    first = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    first.turn()
    before = watched.seen()

    second = watched.follower()
    second.turn()
    assert watched.seen() == before

    watched.pass_time(12)
    second.turn()
    assert watched.sums().pages == (1, 1)
    assert watched.sums().changed == 1
    assert watched.sums().paged == 2, "of the alert before, too, somebody was paged"


def test_an_acknowledgement_counts_for_the_shadow_too(watched: Watched) -> None:
    """Whoever took the incident then has taken the shadow's."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.clock.set(minutes=1)
    watched.journal.append(encode(Acknowledged(at=at(minutes=1), actor="omar", key="a", incident="INC-1")))
    watched.active.turn()
    watched.pass_time(5)
    follower.turn()

    assert watched.sums().pages == (0, 0)
    assert watched.sums().changed == 0


def test_both_live_what_the_router_lived(watched: Watched) -> None:
    """Where nothing is left out, the live side is what was told, and the same policy in the shadow tells the same.

    Also where somebody silences an alert before, ends that, silences one while it fires, changes that, and lets it end.
    """
    watched.silence("Slow9", "early", minutes=12)
    follower = watched.begin(LIVE + "# the same\n")
    watched.fires("Down")
    for minute in range(1, 40):
        watched.clock.set(minutes=minute)
        watched.active.turn()
        watched.settle()
        if minute % 9 == 0:
            watched.fires(f"Slow{minute}")
        if minute % 14 == 0:
            watched.fires("Slow9", over=True)
        if minute == 3:
            watched.silence("Down", "down", minutes=60)
        if minute == 5:
            watched.silence("Down", "changed", minutes=30, silence=id_of("down"), since=at(minutes=3))
        if minute == 17:
            watched.end_silence("changed-end", id_of("down"))
        if minute == 19:
            watched.silence("Slow18", "slow", minutes=7)
        if minute == 25:
            taken = Acknowledged(at=watched.clock.now, actor="omar", key="a", incident="INC-3")
            watched.journal.append(encode(taken))
        watched.settle()
        follower.turn()
    watched.pass_time(40)
    follower.turn()

    sums = watched.sums()
    told = [one for one in History(watched.client, watched.keys).read() if isinstance(one, Told)]
    assert sums.paged > 1
    assert sums.pages == (sums.paged, sums.paged)
    assert sums.messages == (len(told), len(told))
    assert sums.changed == 0
    recorded = with_those_before(list(History(watched.client, watched.keys).read()))
    replayed = live_again(recorded, load({"policy.yml": LIVE})).messages
    assert [(one.at, one.receiver, one.over) for one in replayed if one.at <= watched.clock.now] == [
        (one.at, one.receiver, one.over) for one in told
    ], "and so is a replay of what was recorded"


def test_what_is_silenced_pages_on_neither_side(watched: Watched) -> None:
    """Until that ends, by itself or by somebody; also after a restart, when the router has forgotten the silence."""
    watched.silence("Before", "early", minutes=30)
    follower = watched.begin(SOONER)
    for name in ("Before", "Down", "Slow"):
        watched.fires(name)
    watched.silence("Down", "down", minutes=60)
    watched.silence("Slow", "slow", minutes=60)
    watched.pass_time(5)
    follower.turn()
    assert watched.sums().pages == (0, 0)

    watched.end_silence("over", id_of("down"))
    watched.pass_time(12)
    follower.turn()
    before = watched.sums()
    assert before.pages == (0, 1), "what the silence stopped goes on with the time that it had left"

    watched.client.delete(watched.keys.silences)
    watched.follower().turn()
    assert watched.sums() == before


def test_time_goes_on_only_as_far_as_the_router_has_come(watched: Watched) -> None:
    """While it is down nothing is decided, here or there: an end that waits in the journal comes before the page."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(1)
    follower.turn()
    watched.clock.set(minutes=30)
    follower.turn()
    assert watched.sums().until == at(minutes=1, seconds=6) - process.SETTLING
    assert watched.sums().pages == (0, 0)


def test_another_policy_in_force_is_what_it_is_compared_with(watched: Watched) -> None:
    """From that moment; what is open goes on under the one that opened it."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.activate(LATER)
    watched.fires("Slow")
    watched.pass_time(20)

    assert follower.turn()

    sums, (_, details) = watched.sums(), watched.seen()
    assert sums.live == load({"policy.yml": LATER}).revision
    assert sums.pages == (1, 2)
    slow = next(one for one in details.changed if one.title == "alertname=Slow")
    assert [one.receiver for one in slow.live] == ["chat"]
    assert [one.receiver for one in slow.shadow] == ["chat", "pager"]


def test_a_shadow_ends_when_it_comes_into_force(watched: Watched) -> None:
    """However that came about; what was found until then can still be looked at."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.activate(SOONER)
    watched.fires("Slow")
    watched.pass_time(20)

    assert not follower.turn()

    sums = watched.sums()
    assert (sums.pages, sums.failed) == ((0, 1), False)
    assert sums.stopped.startswith("it is in force since 2026-03-02 10:05:06 UTC, by omar")
    assert watched.store.begun() is None


def test_a_shadow_that_can_not_go_on_says_why_and_the_router_goes_on(watched: Watched) -> None:
    """A record that can't be read stands for whatever may go wrong in that process."""
    watched.begin(SOONER)
    watched.client.xadd(watched.keys.records, {records.FIELD: b"\xc1"})
    watched.fires("Down")
    watched.pass_time(5)

    process.follow(watched.settings, "here", threading.Event(), watched.clock)

    assert watched.sums().failed
    assert watched.sums().stopped.startswith("it could not go on: DecodeError")
    watched.pass_time(12)
    assert len(watched.owed()) == 2
    process.follow(watched.settings, "here", threading.Event(), watched.clock)  # there is nothing to follow any more


def test_a_policy_that_this_version_can_not_load_stops_it(watched: Watched) -> None:
    """It was kept by another version."""
    files = {"policy.yml": "route: {receiver: nobody}\n"}
    watched.set(Revision(happened=Happened.PUBLISHED, revision="ab" * 6, at=START, actor="lena", files=files))

    process.follow(watched.settings, "here", threading.Event(), watched.clock)

    assert watched.sums().failed
    assert "policy.yml:1:" in watched.sums().stopped


def test_a_trimmed_history_is_said_to_be_so(watched: Watched) -> None:
    """After a restart the numbers begin where the history does."""
    watched.fires("Before")
    watched.begin(SOONER).turn()
    assert watched.sums().begins is None
    watched.fires("Down")
    watched.pass_time(5)
    watched.follower().turn()
    assert watched.sums().begins is None, "all of it is still there"

    newest = cast(list[tuple[bytes, object]], watched.client.xrevrange(watched.keys.records, count=1))[0][0]
    watched.client.xtrim(watched.keys.records, minid=newest, approximate=False)
    watched.follower().turn()

    ms = int(newest.partition(b"-")[0])
    assert watched.sums().begins == datetime.fromtimestamp(ms / 1000, UTC)


def test_of_a_trimmed_history_silences_that_stand_are_known(watched: Watched) -> None:
    """Although the record of their setting is gone, and so are the alerts that fired before."""
    watched.fires("Before")
    watched.begin(SOONER)
    watched.silence("Down", "down", minutes=60)
    watched.pass_time(1)
    watched.fires("Down")
    newest = cast(list[tuple[bytes, object]], watched.client.xrevrange(watched.keys.records, count=1))[0][0]
    watched.client.xtrim(watched.keys.records, minid=newest, approximate=False)
    watched.pass_time(12)
    watched.follower().turn()

    sums = watched.sums()
    assert (sums.pages, sums.messages, sums.events) == ((0, 0), (0, 0), 1)


def test_what_an_old_follower_finds_is_not_the_new_shadows(watched: Watched) -> None:
    """Another shadow was set, or it was taken away, while one was still followed."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.begin(LATER)
    follower.turn()
    assert watched.seen()[0].sums is None

    watched.client.delete(watched.keys.shadow)
    follower.turn()
    assert not watched.client.exists(watched.keys.shadow)


def test_the_shifts_of_calendars_are_those_that_the_router_has_read() -> None:
    """So a published policy, which has none yet, calls whom it would call if it were in force."""

    def policy(text: str, who: str) -> Policy:
        shift = Shift(person=who, since=START, until=START + timedelta(days=1))
        return load({"policy.yml": text, FILE: written({"rota": (shift,)})})

    text = LIVE.replace("oncall: pager", "oncall: rota") + ROTA
    beside = Beside(policy(text, "lena"), load({"policy.yml": text.replace("after: 10m", "after: 2m")}), START)
    beside.take(began("Down", 60))
    beside.wait(at(minutes=5))
    (changed,) = beside.sums()[1].changed
    assert [one.receiver for one in changed.shadow] == ["chat", "lena"]

    beside.follow(policy(text, "omar"), at(minutes=6))
    beside.take(began("Slow", 360))
    beside.wait(at(minutes=9))
    slow, _ = beside.sums()[1].changed
    assert [one.receiver for one in slow.shadow] == ["chat", "omar"]


def test_what_another_version_found_is_found_anew(watched: Watched) -> None:
    """And what another version has set is no shadow: a new one takes its place."""
    watched.begin(SOONER)
    watched.client.hset(watched.keys.shadow, mapping={"sums": b"\xc1", "details": b"\xc1", "silences": b"\xc1"})
    assert watched.seen()[0].sums is None
    watched.fires("Down")
    watched.pass_time(5)
    watched.follower().turn()
    assert watched.sums().pages == (0, 1)

    watched.client.hset(watched.keys.shadow, "set", b"\xc1")
    assert watched.store.shadow() is None
    watched.begin(LATER).turn()
    assert watched.sums().pages == (0, 0)


def test_of_two_followers_one_follows(watched: Watched) -> None:
    """Each web process may start one; the other leaves at once, and takes over when the first is gone."""
    watched.begin(SOONER)
    assert watched.store.hold("a")
    assert watched.store.hold("a")
    assert not watched.store.hold("b")
    process.follow(watched.settings, "here", threading.Event(), watched.clock)
    assert watched.seen()[0].sums is None
    watched.store.let_go("b")
    assert not watched.store.hold("b")
    watched.store.let_go("a")
    assert watched.store.hold("b")


INHIBITING = (
    LIVE
    + """
inhibit_rules:
  - {source_matchers: ['alertname="A"'], target_matchers: ['alertname="B"']}
flapping: {flips: 3, within: 30m, stable_for: 5m}
"""
)


SECONDS = st.integers(0, 720).map(lambda number: 10 * number)
"""As group_wait and all else here are multiples of ten seconds, much falls on the same moment."""


def began(name: str, second: float) -> Fired:
    """An alert that begins so long after the start."""
    labels = {"alertname": name, "severity": "critical"}
    moment = at(seconds=second)
    return Fired(at=moment, alert=fingerprint(labels), labels=labels, starts_at=moment, incidents=(f"INC-{name}",))


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Alerts that begin and end, some taken or silenced by somebody, within two hours."""
    moments = sorted(draw(st.lists(SECONDS, max_size=30)))
    found: list[Record] = []
    firing: set[str] = set()
    for second in moments:
        name = draw(st.sampled_from("ABCD"))
        labels = {"alertname": name, "severity": draw(st.sampled_from(["warning", "critical"]))}
        mark, moment = fingerprint(labels), at(seconds=second)
        if draw(st.integers(0, 4)) == 0:
            until = moment + timedelta(minutes=draw(st.sampled_from([0, 10, 60])))
            matchers = (SilenceMatcher("alertname", name),)
            found.append(Silenced(at=moment, silence=name, matchers=matchers, starts_at=moment, ends_at=until))
        elif mark in firing and draw(st.booleans()):
            found.append(Moved(at=moment, incident=f"INC-{name}", transition=Transition.ACK, by="omar"))
        elif mark in firing:
            firing.discard(mark)
            found.append(Ended(at=moment, alert=mark))
        else:
            firing.add(mark)
            found.append(Fired(at=moment, alert=mark, labels=labels, starts_at=moment, incidents=(f"INC-{name}",)))
    return found


@given(histories(), st.lists(SECONDS, max_size=3))
@example([began("B", 0), began("A", 10)], [10])  # what is due at the moment of a change comes after it
@hypothesis_settings(max_examples=60)
def test_the_same_policy_is_no_other_whenever_it_comes_into_force_again(
    history: list[Record], activations: list[int]
) -> None:
    """The live side begins a new engine each time; nothing of the old one may be lost, and no timer begin anew."""
    beside = Beside(load({"p.yml": INHIBITING}), load({"p.yml": f"{INHIBITING}# the shadow\n"}), START)
    waiting = sorted(activations)
    for record in history:
        while waiting and at(seconds=waiting[0]) <= record.at:
            second = waiting.pop(0)
            beside.follow(load({"p.yml": f"{INHIBITING}# {second}\n"}), at(seconds=second))
        beside.take(record)
    beside.wait(at(minutes=240))

    sums, details = beside.sums()
    assert sums.changed == 0, details.changed
    assert sums.messages[0] == sums.messages[1]

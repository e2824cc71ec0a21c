"""The router: what it makes of the journal, and what it survives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest
import redis

from alertrouter.alert import AlertReport
from alertrouter.errors import LeaseLost, PolicyError
from alertrouter.events import AlertsReceived, Heartbeat, encode
from alertrouter.incident import State
from alertrouter.router.active import MOST_OWED
from alertrouter.settings import Settings
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from tests.routing import OTHER_POLICY, POLICY, WRONG_POLICY, Routing, fires
from tests.times import START, at

SettingsFor = Callable[..., Settings]


@pytest.fixture
def routing(settings_for: SettingsFor, client: redis.Redis) -> Routing:
    """An active router with a policy that waits 10 s."""
    return Routing(settings_for(POLICY), client)


def test_an_alert_becomes_an_incident_and_in_time_a_delivery(routing: Routing) -> None:
    """The event is committed at once, the delivery with its kick when `group_wait` has passed, not earlier."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    assert [one.state for one in routing.incidents().values()] == [State.PENDING]
    assert routing.client.xlen(routing.keys.journal) == 0

    routing.clock.set(seconds=9.999)
    routing.active.turn()
    assert routing.owed() == []

    routing.clock.set(seconds=10)
    routing.active.turn()
    assert [one.state for one in routing.incidents().values()] == [State.TRIGGERED]
    assert routing.owed() == ["INC-1.1"]
    assert routing.client.llen(routing.keys.queue_list) >= 1


def test_a_router_that_dies_before_its_commit_loses_nothing(routing: Routing) -> None:
    """Events that were read and not committed are read again by the next one, once."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    routing.journal.append(fires("Slow", seconds=1))
    # As a kill between reading and committing leaves it: read, decided, and forgotten.
    assert routing.journal.read("0-0", count=9, wait_ms=0)

    routing.clock.set(seconds=30)
    routing.active = routing.take_over()
    routing.active.turn()
    routing.active.turn()

    assert sorted(one.group_labels["alertname"] for one in routing.incidents().values()) == ["Down", "Slow"]
    assert routing.owed() == ["INC-1.1", "INC-2.1"]


def test_a_router_that_was_taken_over_writes_nothing(routing: Routing) -> None:
    """It finds out at its next commit, and the new one decides what it had read."""
    old = routing.active
    routing.active = routing.take_over()
    routing.journal.append(fires("Down"))

    with pytest.raises(LeaseLost):
        old.turn()

    assert routing.incidents() == {}
    routing.active.turn()
    assert list(routing.incidents()) == ["INC-1"]


def test_poison_is_quarantined_and_the_rest_is_applied(routing: Routing) -> None:
    """An entry that is no event stops nobody; it is kept with its reason and counted."""
    routing.journal.append(fires("Before"))
    routing.journal.append(b"\x93 poison")
    routing.journal.append(msgspec.msgpack.encode({"type": "unheard-of"}))
    routing.journal.append(fires("After", seconds=1))

    routing.active.turn()

    assert sorted(one.group_labels["alertname"] for one in routing.incidents().values()) == ["After", "Before"]
    kept = [fields for _, fields in routing.client.xrange(routing.keys.quarantine) or []]
    assert [fields[b"e"] for fields in kept if fields] == [b"\x93 poison", b"\x81\xa4type\xaaunheard-of"]
    assert all(fields and fields[b"reason"] for fields in kept)
    assert routing.client.hget(routing.keys.counters, "quarantined") == b"2"


@pytest.mark.parametrize(
    "poison",
    [encode(Heartbeat(at=at(), actor="-", key="-", name="?")).replace(b"?", b"\xff"), b"\x81\xa1x" + b"\x91" * 5000],
    ids=["not UTF-8", "without a bottom"],
)
def test_poison_that_is_hard_to_read_is_quarantined_too(routing: Routing, poison: bytes) -> None:
    """However an entry is broken, a router that starts again and again over it would route nothing any more."""
    routing.journal.append(poison)
    routing.journal.append(fires("After", seconds=1))

    routing.active.turn()

    assert [one.group_labels["alertname"] for one in routing.incidents().values()] == ["After"]
    assert routing.client.xlen(routing.keys.quarantine) == 1


def test_behind_it_reads_before_it_fires(routing: Routing) -> None:
    """After a stand-still an alert that ended in time is told to nobody, though its timer is long due."""
    for number in range(40):
        routing.journal.append(fires(f"Other{number}"))
    routing.journal.append(fires("Blip"))
    over = AlertReport.of({"alertname": "Blip"}, starts_at=START, ends_at=at(seconds=5))
    routing.journal.append(encode(AlertsReceived(at=at(seconds=5), actor="test", key="over", alerts=(over,))))
    routing.clock.set(minutes=2)

    for _ in range(5):
        routing.active.turn()

    told = {one.group_labels["alertname"] for one in routing.incidents().values()}
    assert "Blip" not in told
    assert len(routing.owed()) == 40


def test_many_that_come_due_at_once_are_owed_a_part_at_a_time(routing: Routing) -> None:
    """Workers begin with the first while the router decides about the rest, without a wait in between."""
    for number in range(MOST_OWED + 20):
        routing.journal.append(fires(f"Down{number}"))
    while routing.client.xlen(routing.keys.journal):
        routing.active.turn()
    routing.clock.set(seconds=10)

    routing.active.turn()
    assert len(routing.owed()) == MOST_OWED

    routing.active.turn()
    assert len(routing.owed()) == MOST_OWED + 20


def test_one_commit_after_another_wakes_no_crowd(routing: Routing) -> None:
    """A worker that was kicked just now takes along what comes after that: it is nudged, for it may linger already."""
    for moment in (10, 10.05, 10.1):
        routing.clock.set(seconds=moment)
        routing.journal.append(fires(f"Down-{moment}", seconds=moment))
        routing.active.turn()

    assert len(routing.owed()) == 3
    assert routing.client.llen(routing.keys.queue_list) == 1
    assert routing.client.llen(routing.keys.nudges) == 3


def test_a_kick_never_goes_without_a_nudge(routing: Routing) -> None:
    """The worker that lingers may have begun since the last look, however long ago the kick was that it took."""
    for moment in (10, 15):
        routing.clock.set(seconds=moment)
        routing.journal.append(fires(f"Down-{moment}", seconds=moment))
        routing.client.delete(routing.keys.nudges)
        routing.active.turn()

    assert routing.client.llen(routing.keys.queue_list) == 2, "nobody took the first kick before the second"
    assert routing.client.llen(routing.keys.nudges) == 1


def test_a_lost_kick_is_made_up_for(routing: Routing) -> None:
    """What is due and has no kick waiting gets one, again and again, but never one on top of another."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    routing.clock.set(seconds=10)
    routing.active.turn()
    routing.client.delete(routing.keys.queue_list)

    routing.clock.set(seconds=11)
    routing.active.turn()
    assert routing.client.llen(routing.keys.queue_list) == 1

    routing.clock.set(seconds=12)
    routing.active.turn()
    assert routing.client.llen(routing.keys.queue_list) == 1


def test_re_sent_alerts_are_persisted_lazily(routing: Routing) -> None:
    """A repeat writes no alert at once; within 30 s it is written."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    ((name, first),) = cast(dict[bytes, bytes], routing.client.hgetall(routing.keys.alerts)).items()
    routing.clock.set(seconds=20)
    routing.journal.append(fires("Down", seconds=20))
    routing.active.turn()
    assert routing.client.hget(routing.keys.alerts, name) == first

    routing.clock.set(seconds=31)
    routing.active.turn()

    assert routing.client.hget(routing.keys.alerts, name) != first


def test_the_first_policy_is_in_force_before_the_first_event(settings_for: SettingsFor, client: redis.Redis) -> None:
    """Events that the door took in before any router ran are decided by it."""
    settings = settings_for(POLICY)
    Journal(client, Keys(settings.namespace)).append(fires("Early"))

    routing = Routing(settings, client)
    routing.active.turn()

    assert [one.group_labels["alertname"] for one in routing.incidents().values()] == ["Early"]
    assert client.get(routing.keys.active)


def test_a_changed_policy_is_published_as_an_event(routing: Routing, settings_for: SettingsFor) -> None:
    """A restart with other files puts them in force, in order with the other events; with the same files nothing."""
    before = routing.client.get(routing.keys.active)
    routing.take_over()
    assert routing.client.xlen(routing.keys.journal) == 0

    settings_for(OTHER_POLICY)
    routing.active = routing.take_over()
    assert routing.client.get(routing.keys.active) == before
    routing.active.turn()

    after = routing.client.get(routing.keys.active)
    assert after
    assert after != before


def test_a_wrong_policy_leaves_the_active_one_in_force(routing: Routing, settings_for: SettingsFor) -> None:
    """A broken edit stops no alert."""
    settings_for(WRONG_POLICY)

    routing.active = routing.take_over()
    routing.journal.append(fires("Down"))
    routing.active.turn()

    assert list(routing.incidents()) == ["INC-1"]


def test_without_any_policy_it_says_what_is_wrong(settings_for: SettingsFor, client: redis.Redis) -> None:
    """Nothing can be routed: the problems are told."""
    with pytest.raises(PolicyError, match="nobody"):
        Routing(settings_for(WRONG_POLICY), client)


def test_settings_are_taken_as_they_are(settings_for: SettingsFor) -> None:
    """A policy directory that is not there is a policy error, naming it."""
    missing = replace(settings_for(POLICY), policy=Path("/nowhere"))

    with pytest.raises(PolicyError, match="/nowhere"):
        Routing(missing, redis.Redis.from_url(missing.redis_url))


def test_repeats_share_a_commit_and_news_take_them_along(routing: Routing) -> None:
    """A repeat changes nothing but counters: it stays in the journal a moment, news are committed at once with it."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    for _ in range(2):
        routing.journal.append(fires("Down", seconds=1))
        routing.active.turn()
    assert routing.client.xlen(routing.keys.journal) == 2

    routing.clock.set(milliseconds=50)
    routing.active.turn()
    assert routing.client.xlen(routing.keys.journal) == 0
    assert routing.client.hget(routing.keys.counters, "alerts_deduplicated") == b"2"

    routing.journal.append(fires("Down", seconds=2))
    routing.active.turn()
    routing.journal.append(fires("Slow", seconds=3))
    routing.active.turn()
    assert routing.client.xlen(routing.keys.journal) == 0
    assert len(routing.incidents()) == 2


def test_repeats_that_wait_for_their_commit_are_read_again_after_a_death(routing: Routing) -> None:
    """What was held is in the journal still, and counts once."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    routing.journal.append(fires("Down", seconds=1))
    routing.active.turn()

    routing.active = routing.take_over()
    routing.active.turn()

    assert routing.client.xlen(routing.keys.journal) == 0
    assert routing.client.hget(routing.keys.counters, "alerts_deduplicated") == b"1"

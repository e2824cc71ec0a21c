"""The router: what it makes of the journal, and what it survives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest
import redis

from alertrouter import router
from alertrouter.alert import AlertReport
from alertrouter.errors import LeaseLost, PolicyError
from alertrouter.events import AlertsReceived, encode
from alertrouter.incident import Incident, State
from alertrouter.settings import Settings
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from tests.roles import role, stop
from tests.servers import RedisServer, eventually
from tests.times import START, HandClock, at

POLICY = """
receivers:
  ai: {inbox: {}}
route: {receiver: ai, group_by: [alertname], group_wait: 10s, group_interval: 5m, repeat_interval: 4h}
"""
OTHER_POLICY = POLICY.replace("10s", "20s")
WRONG_POLICY = "route: {receiver: nobody}\n"

SettingsFor = Callable[..., Settings]


def fires(*names: str, seconds: float = 0) -> bytes:
    """The event of these alerts firing."""
    reports = tuple(AlertReport.of({"alertname": name}, starts_at=START) for name in names)
    return encode(AlertsReceived(at=at(seconds=seconds), actor="test", key=f"{names}{seconds}", alerts=reports))


class Routing:
    """An active router that is turned by hand, and a look at what it wrote."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        self.settings = settings
        self.client = client
        self.keys = Keys(settings.namespace)
        self.clock = HandClock()
        self.journal = Journal(client, self.keys)
        self.lease = Lease(client, self.keys, "router-a")
        self.active = self.take_over()

    def take_over(self) -> router.ActiveRouter:
        """Begin a new epoch with what is in Redis."""
        epoch = self.lease.acquire()
        assert epoch is not None
        return router.take_over(self.settings, epoch, self.clock)

    def incidents(self) -> dict[str, Incident]:
        """What Redis holds."""
        packed = cast(dict[bytes, bytes], self.client.hgetall(self.keys.incidents))
        return {name.decode(): msgspec.msgpack.decode(value, type=Incident) for name, value in packed.items()}

    def owed(self) -> list[str]:
        """The ids of the deliveries in the ledger."""
        prefix = self.keys.delivery("")
        return sorted(
            cast(bytes, name).decode().removeprefix(prefix) for name in self.client.scan_iter(match=f"{prefix}*")
        )


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


def test_without_any_policy_the_process_exits_with_1(settings_for: SettingsFor, tmp_path: Path) -> None:
    """So that whoever started it finds out."""
    with role("router", settings_for(WRONG_POLICY), tmp_path / "log") as running:
        assert running.wait(20) == 1

    assert "nobody" in (tmp_path / "log").read_text()


def test_a_standby_takes_over_within_6_seconds(
    settings_for: SettingsFor, client: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    """The active router is killed; the other decides what comes in meanwhile, soon."""
    settings = settings_for(POLICY.replace("10s", "0s"))
    with role("router", settings, tmp_path / "a") as first:
        eventually(lambda: client.get(keys.active), "the first router is active")
        holder = client.get(keys.lease)
        with role("router", settings, tmp_path / "b") as second:
            eventually(lambda: "stands by" in (tmp_path / "b").read_text(), "the second stands by")

            first.kill()
            began = time.monotonic()
            Journal(client, keys).append(fires("Down"))
            eventually(lambda: client.hlen(keys.incidents), "the second has decided", deadline=6)

            assert client.get(keys.lease) != holder
            assert time.monotonic() - began < 6
            assert stop(second) == 0
    assert not client.exists(keys.lease)


def test_sigterm_ends_it_with_its_work_committed(
    settings_for: SettingsFor, client: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    """It commits, gives the lease up and exits with 0; the next one need not wait."""
    with role("router", settings_for(POLICY), tmp_path / "log") as running:
        eventually(lambda: client.get(keys.active), "the router is active")
        Journal(client, keys).append(fires("Down"))
        eventually(lambda: client.hlen(keys.incidents), "the event is committed")

        assert stop(running) == 0

    assert not client.exists(keys.lease)


def test_it_survives_a_redis_that_restarts(
    settings_for: SettingsFor, own_redis: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    """Killed and started again, Redis still holds what was committed, and the same router goes on."""
    settings = settings_for(POLICY, {"ALERTROUTER_REDIS_URL": own_redis.url})
    client = redis.Redis.from_url(own_redis.url)
    with role("router", settings, tmp_path / "log") as running:
        eventually(lambda: client.get(keys.active), "the router is active")
        Journal(client, keys).append(fires("Before"))
        eventually(lambda: client.hlen(keys.incidents) == 1, "the first is decided")

        own_redis.kill()
        own_redis.start()
        Journal(client, keys).append(fires("After"))
        eventually(lambda: client.hlen(keys.incidents) == 2, "the second is decided")

        assert running.poll() is None


def test_settings_are_taken_as_they_are(settings_for: SettingsFor) -> None:
    """A policy directory that is not there is a policy error, naming it."""
    missing = replace(settings_for(POLICY), policy=Path("/nowhere"))

    with pytest.raises(PolicyError, match="/nowhere"):
        Routing(missing, redis.Redis.from_url(missing.redis_url))

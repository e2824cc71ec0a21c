"""What the web door does with Redis."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import msgspec
import pytest
import redis

from alertrouter.delivery import LedgerState
from alertrouter.engine.changes import Changes
from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident
from alertrouter.notice import InboxMessage
from alertrouter.store.connection import connect
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.inbox import RedisInbox
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.metrics import Bucket, DeliveryCount
from alertrouter.store.statestore import StateStore
from tests.proxy import Proxy
from tests.servers import RedisServer
from tests.store.door import with_door
from tests.store.values import claim, commit_of, delivery, incident, line, settle
from tests.times import at


def test_what_is_appended_is_in_the_journal(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """In order, with its counts."""

    async def act(door: DoorStore) -> None:
        await door.append(b"one", {"requests": 1})
        await door.append(b"two", {"requests": 1})

    with_door(redis_url, keys, act)

    entries = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    assert [entry.packed for entry in entries] == [b"one", b"two"]
    assert client.hget(keys.counters, "requests") == b"2"


def test_what_counts_once_is_written_once(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """One known mark of several is enough to write nothing; marks are forgotten in time."""

    async def act(door: DoorStore) -> list[bool]:
        hour = timedelta(hours=1)
        clicks = await asyncio.gather(*(door.append_once(b"link", ["link 1"], hour) for _ in range(20)))
        hook = await door.append_once(b"hook", ["hook 1", "event 1"], hour)
        again = await door.append_once(b"hook", ["hook 2", "event 1"], hour)
        return [clicks.count(True) == 1, hook, again, await door.used("link 1"), await door.used("hook 2")]

    assert with_door(redis_url, keys, act) == [True, True, False, True, False]
    entries = Journal(client, keys).read("0-0", count=99, wait_ms=0)
    assert sorted(entry.packed for entry in entries) == [b"hook", b"link"]
    assert 3000 < int(str(client.ttl(keys.used("link 1")))) <= 3600


def test_a_single_incident_is_found_by_its_id(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """And None says that there is none."""
    client.hset(keys.incidents, "INC-1", msgspec.msgpack.encode(incident(1)))

    async def act(door: DoorStore) -> list[Incident | None]:
        return [await door.incident("INC-1"), await door.incident("INC-2")]

    assert with_door(redis_url, keys, act) == [incident(1), None]


def test_appends_at_the_same_time_share_round_trips(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Under load a door asks Redis far less often than it is asked."""
    sent: list[bytes] = []

    async def act(door: DoorStore) -> None:
        await asyncio.gather(*(door.append(b"%d" % number, {"requests": 1}) for number in range(300)))

    with Proxy(redis_url, sent.append) as proxy:
        with_door(proxy.url, keys, act)

    entries = Journal(client, keys).read("0-0", count=999, wait_ms=0)
    assert sorted(int(entry.packed) for entry in entries) == list(range(300))
    assert client.hget(keys.counters, "requests") == b"300"
    assert sum(b"XADD" in piece for piece in sent) <= 20


def test_a_caller_that_goes_away_takes_nobody_along(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """A request that is cancelled in the middle of a shared round trip harms no other."""

    async def act(door: DoorStore) -> None:
        first, second = door.append(b"one"), door.append(b"two")
        await asyncio.sleep(0)
        first.cancel()
        await second

    with_door(redis_url, keys, act)

    entries = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    assert b"two" in [entry.packed for entry in entries]


def test_a_full_backlog_refuses(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Over the limit the door says so, tells why it is not ready, and takes more when the router has caught up."""

    async def act(door: DoorStore) -> list[str]:
        for _ in range(3):
            await door.append(b"event")
        with pytest.raises(StoreUnavailable, match="3 journal entries wait"):
            await door.append(b"one too many")
        trouble = await door.trouble()
        client.xtrim(keys.journal, maxlen=0, approximate=False)
        await door.append(b"event")
        return trouble

    trouble = with_door(redis_url, keys, act, max_backlog=3)

    assert any("3 journal entries wait" in why for why in trouble)
    assert client.xlen(keys.journal) == 1


def test_a_door_that_just_started_knows_the_backlog(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """It looks before its first append."""
    for _ in range(3):
        Journal(client, keys).append(b"event")

    async def act(door: DoorStore) -> None:
        with pytest.raises(StoreUnavailable):
            await door.append(b"one too many")

    with_door(redis_url, keys, act, max_backlog=3)


def test_a_redis_that_is_gone_refuses(keys: Keys) -> None:
    """All that share the round trip are told, and readiness says why."""

    async def act(door: DoorStore) -> list[str]:
        answers = await asyncio.gather(*(door.append(b"event") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        return await door.trouble()

    assert "Redis does not answer" in with_door("redis://127.0.0.1:1/0", keys, act)[0]


def test_a_redis_that_is_full_refuses(own_redis: RedisServer, keys: Keys) -> None:
    """Its own words are passed on, nothing is written, and once there is room all goes on."""
    with connect(own_redis.url) as client:
        used = cast(dict[str, int], client.info("memory"))["used_memory"]

        async def act(door: DoorStore) -> None:
            await door.append(b"before")
            client.config_set("maxmemory", used // 2)
            with pytest.raises(StoreUnavailable, match=r"Redis refused to write: .*maxmemory"):
                await door.append(b"refused")
            client.config_set("maxmemory", 0)
            await door.append(b"after")

        with_door(own_redis.url, keys, act)
        entries = Journal(client, keys).read("0-0", count=9, wait_ms=0)

    assert [entry.packed for entry in entries] == [b"before", b"after"]


def test_readiness_names_what_is_missing(
    redis_url: str, client: redis.Redis, keys: Keys, state_store: StateStore
) -> None:
    """No router, no policy; with both there is no trouble."""

    async def act(door: DoorStore) -> list[str]:
        return await door.trouble()

    assert len(with_door(redis_url, keys, act)) == 2

    client.set(keys.lease, "router-a")
    client.set(keys.active, "r1")
    client.set(keys.format, "99 99.0")
    assert ["format 99, written by alertrouter 99.0" in why for why in with_door(redis_url, keys, act)] == [True]
    client.delete(keys.format)
    assert with_door(redis_url, keys, act) == []


def test_what_is_set_aside_is_kept_and_counted(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """With its reason, for whoever asks why an alert is missing."""

    async def act(door: DoorStore) -> None:
        await door.set_aside([("labels: expected object", b'{"labels": 1}'), ("no labels", b"{}")])

    with_door(redis_url, keys, act)

    kept = [fields for _, fields in client.xrange(keys.set_aside) or []]
    assert kept[0] == {b"reason": b"labels: expected object", b"raw": b'{"labels": 1}'}
    assert client.hget(keys.counters, "set_aside") == b"2"


def test_the_inbox_keeps_the_newest(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Bounded; a message with the id of an earlier one takes its place and its turn."""
    inbox = RedisInbox(client, keys, size=3)
    for number in range(5):
        inbox.keep(message(f"m{number}", number))
    inbox.keep(message("m3", 9, title="again"))

    async def act(door: DoorStore) -> list[InboxMessage]:
        return await door.inbox()

    shown = with_door(redis_url, keys, act)

    assert [(one.id, one.title) for one in shown] == [("m3", "again"), ("m4", "Down"), ("m2", "Down")]
    assert client.hlen(keys.inbox) == 3


def test_incidents_timelines_and_deliveries_are_shown(
    redis_url: str, keys: Keys, state_store: StateStore, epoch: int, ledger: Ledger
) -> None:
    """Newest incident first; of its story and its deliveries the newest part, in the order they happened."""
    changes = Changes(
        incidents={"INC-1": incident(1), "INC-2": incident(2)},
        timeline=[line("opened"), line("told"), line("told again"), line("other", "INC-2")],
        deliveries=[delivery("INC-1.1"), delivery("INC-1.2", channel="email")],
    )
    state_store.commit(epoch, commit_of(changes))
    claimed = claim(ledger, at())
    assert claimed is not None
    settle(ledger, claimed, LedgerState.RETRY, at(minutes=1), error="503")

    async def act(door: DoorStore) -> None:
        assert [one.id for one in await door.incidents()] == ["INC-2", "INC-1"]
        assert [one.text for one in await door.timeline("INC-1", 2)] == ["told", "told again"]
        assert await door.timeline("INC-9") == []
        fates = [(row.delivery.id, row.state, row.attempts, row.error) for row in await door.deliveries("INC-1")]
        assert fates == [("INC-1.1", "retry", 1, "503"), ("INC-1.2", "pending", 0, "")]

    with_door(redis_url, keys, act)


def test_metrics_are_numbers_of_now(
    redis_url: str, client: redis.Redis, keys: Keys, state_store: StateStore, epoch: int, ledger: Ledger
) -> None:
    """Counters, gauges, latency, backlog, what is late, and who is active."""
    changes = Changes(deliveries=[delivery("INC-1.1"), delivery("INC-1.2", channel="email")], counts={"alerts": 7})
    state_store.commit(epoch, commit_of(changes))
    claimed = claim(ledger, at())
    assert claimed is not None
    settle(ledger, claimed, LedgerState.SENT, at(milliseconds=300))

    numbers = with_door(redis_url, keys, lambda door: door.metrics())

    assert numbers.counters == {"alerts": 7}
    assert numbers.deliveries == (DeliveryCount("slack", "sent", 1),)
    assert numbers.incidents["triggered"] == 1
    assert (numbers.latency.count, numbers.latency.sum_seconds) == (1, 0.3)
    assert Bucket(0.25, 0) in numbers.latency.buckets
    assert Bucket(0.5, 1) in numbers.latency.buckets
    assert (numbers.backlog, numbers.lease_holder, numbers.epoch) == (1, "router-a", epoch)
    assert numbers.timer_lag(at(minutes=6)) == 60
    assert numbers.timer_lag(at()) == 0
    assert numbers.delivery_lag(at(seconds=5)) == 5


def test_metrics_of_an_empty_redis(redis_url: str, keys: Keys) -> None:
    """Nothing is there yet, and nothing is late."""
    numbers = with_door(redis_url, keys, lambda door: door.metrics())

    assert (numbers.backlog, numbers.lease_holder, numbers.latency.count) == (0, "", 0)
    assert numbers.delivery_lag(at()) == numbers.timer_lag(at()) == 0


def message(name: str, minute: int, title: str = "Down") -> InboxMessage:
    """A message of that minute."""
    return InboxMessage(
        id=name,
        incident="INC-1",
        receiver="ai",
        severity="warning",
        severity_rank=1,
        severity_count=3,
        status="firing",
        title=title,
        html="<p>Down</p>",
        at=at(minutes=minute),
    )

"""What can't be read leaves the state, once a backup holds it, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
import redis

from alertrouter.store.backup import take
from alertrouter.store.backup_reading import Reading, read
from alertrouter.store.backup_removing import remove
from alertrouter.store.keys import Keys

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NIL = b"\xc0"
DRAFT = msgspec.msgpack.encode({"policy.yml": ""})


@pytest.fixture
def damaged(client: redis.Redis, keys: Keys) -> redis.Redis:
    """A Redis with an entry that can't be read in a key of each type, and a sound one beside it."""
    client.set(keys.active, "r1")
    client.hset(keys.policies, mapping={"r1": DRAFT, "r0": NIL})
    client.xadd(keys.quarantine, {"entry": "1-0", "reason": "why", "e": b"x"})
    client.xadd(keys.quarantine, {"entry": "2-0"})
    client.rpush(keys.deliveries("INC-1"), "INC-1.1", b"\xff", "INC-1.2")
    client.sadd(keys.listed("am"), b"00ff", b"no mark")
    client.hset(keys.delivery("INC-1.1"), mapping={"state": "sent", "fence": "1"})
    return client


def found_in(client: redis.Redis, keys: Keys) -> Reading:
    """What a backup of now finds."""
    return read(take(client, keys, version="1", now=NOW))


def test_what_can_not_be_read_leaves_and_all_else_stays(damaged: redis.Redis, keys: Keys) -> None:
    """Whatever the type of its key is; the next backup finds each entry readable."""
    found = found_in(damaged, keys)
    assert found.unreadable == 5

    assert remove(damaged, keys, found.removable) == 5

    assert found_in(damaged, keys).complaints == []
    assert damaged.hgetall(keys.policies) == {b"r1": DRAFT}
    assert damaged.xlen(keys.quarantine) == 1
    assert damaged.lrange(keys.deliveries("INC-1"), 0, -1) == [b"INC-1.1", b"INC-1.2"]
    assert damaged.smembers(keys.listed("am")) == {b"00ff"}
    assert not damaged.exists(keys.delivery("INC-1.1"))


def test_what_was_written_anew_meanwhile_stays(damaged: redis.Redis, keys: Keys) -> None:
    """Only the bytes that the backup holds are removed: those of somebody else are in no file."""
    found = found_in(damaged, keys)
    damaged.hset(keys.policies, "r0", DRAFT)
    damaged.hset(keys.delivery("INC-1.1"), "fence", "2")

    assert remove(damaged, keys, found.removable) == 3

    assert damaged.hget(keys.policies, "r0") == DRAFT
    assert damaged.hget(keys.delivery("INC-1.1"), "fence") == b"2"


def test_what_the_state_can_not_do_without_stays(client: redis.Redis, keys: Keys) -> None:
    """The policy in force, a key of another version, single values; journal and what is owed, which others see to."""
    client.set(keys.active, "r1")
    client.hset(keys.policies, "r1", NIL)
    client.set(keys.last_number, "many")
    client.set(f"{keys.namespace}:of_tomorrow", "?")
    client.xadd(keys.journal, {"e": NIL})
    client.hset(keys.delivery("INC-1.1"), mapping={"state": "pending", "delivery": NIL})
    found = found_in(client, keys)

    assert (found.unreadable, found.removable) == (5, [])

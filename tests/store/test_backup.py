"""A backup gives back what was there, on whichever server, and spoils nothing that runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import redis
from msgspec.structs import replace

from alertrouter.store.backup import FORMAT, NoBackup, put_back, take, unpack
from alertrouter.store.connection import connect
from alertrouter.store.keys import Keys
from tests.journeys.programs import Programs, free_port, installed
from tests.waiting import eventually

NOW = datetime.now(UTC)


@pytest.fixture
def full(client: redis.Redis, keys: Keys) -> redis.Redis:
    """A namespace with something of each type in it, and a neighbour."""
    many = {f"f{n}": bytes([n % 256]) * 3 for n in range(1200)}
    client.hset(keys.alerts, mapping=many)  # type: ignore[arg-type]  # redis-py's mapping is invariant
    client.set(keys.active, "r1")
    client.set(keys.epoch, 7)
    client.rpush(keys.timeline("INC-1"), b"a", b"b\x00")
    client.expireat(keys.timeline("INC-1"), NOW + timedelta(days=3))
    client.zadd(keys.due("slack", 1), {"INC-1.1": 1772445600123, "INC-1.2": 0.5})
    first = client.xadd(keys.journal, {b"e": b"\x01", b"x": b"y"})
    client.xadd(keys.journal, {b"e": b"\x02"})
    client.set(keys.checkpoint, first)
    client.sadd(keys.listed("https://am.example"), "f1", "f2", "f3")
    client.set(keys.answer("gone"), b"x", px=1)
    client.set("neighbour:active", "other")
    eventually(lambda: not client.exists(keys.answer("gone")), "the answer has ended")
    return client


@pytest.fixture
def other(tmp_path: Path) -> Iterator[redis.Redis]:
    """An empty server of the other make: Redis, where all else runs on Valkey."""
    programs = Programs(tmp_path)
    port = free_port()
    programs.start("redis", [installed("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""])
    with connect(f"redis://127.0.0.1:{port}/0") as made:
        eventually(lambda: _answers(made), "Redis answers")
        yield made
    programs.stop()


def test_what_was_there_is_there_again(full: redis.Redis, keys: Keys, other: redis.Redis) -> None:
    """Every type, binary values, ends and stream ids; on a server of another make, under another namespace."""
    backup = unpack(take(full, keys, version="1", now=NOW).pack())
    elsewhere = Keys("elsewhere")

    put_back(other, elsewhere, backup, replace=False, now=NOW)

    again = take(other, elsewhere, version="1", now=NOW)
    before, after = ({r.name: r for r in one.records if r.name != "epoch"} for one in (backup, again))
    assert {name: replace(r, ends_at=None) for name, r in after.items()} == {
        name: replace(r, ends_at=None) for name, r in before.items()
    }
    # A server tells how long a key still lives, in whole milliseconds: its end is known to one or two of them.
    assert {name: r.ends_at for name, r in after.items()} == {
        name: pytest.approx(r.ends_at, abs=2) if r.ends_at else None for name, r in before.items()
    }
    assert backup.count("alerts") == 1200
    assert not other.exists("neighbour:active")


def test_a_router_of_before_writes_nothing_more(full: redis.Redis, keys: Keys) -> None:
    """The epoch is later than all that were, in the backup and on the server."""
    backup = take(full, keys, version="1", now=NOW)
    full.set(keys.epoch, 40)

    put_back(full, keys, backup, replace=True, now=NOW)

    assert full.get(keys.epoch) == b"41"


def test_what_came_since_is_dropped_only_when_told_to(full: redis.Redis, keys: Keys) -> None:
    """And then whole: a key that the backup does not know is gone too. The neighbour stays."""
    backup = take(full, keys, version="1", now=NOW)
    full.set(keys.last_number, 5)

    with pytest.raises(NoBackup, match=r"keys are there already .*--replace"):
        put_back(full, keys, backup, replace=False, now=NOW)
    put_back(full, keys, backup, replace=True, now=NOW)

    assert not full.exists(keys.last_number)
    assert full.get("neighbour:active") == b"other"


def test_nothing_is_restored_under_a_router_that_runs(full: redis.Redis, keys: Keys) -> None:
    """It would write what it has in memory over it. The lease itself is in no backup."""
    backup = take(full, keys, version="1", now=NOW)
    full.set(keys.lease, "somebody")

    with pytest.raises(NoBackup, match="a router is active"):
        put_back(full, keys, backup, replace=True, now=NOW)

    assert "lease" not in {record.name for record in take(full, keys, version="1", now=NOW).records}


def test_what_has_ended_since_stays_away(full: redis.Redis, keys: Keys) -> None:
    """A story is kept for so long and no longer, restored or not."""
    backup = take(full, keys, version="1", now=NOW)

    put_back(full, keys, backup, replace=True, now=NOW + timedelta(days=4))

    assert not full.exists(keys.timeline("INC-1"))


def test_a_damaged_file_is_refused(full: redis.Redis, keys: Keys) -> None:
    """One flipped byte, another file, a later format: nothing is touched."""
    backup = take(full, keys, version="1", now=NOW)
    packed = backup.pack()
    flipped = [
        packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :] for at in range(0, len(packed), len(packed) // 60)
    ]

    # Bytes 3 to 9 of gzip's head are flags and a time: some of their changes change nothing.
    for wrong in (*(one for one in flipped if one[3:10] == packed[3:10]), b"", b"hello", packed[:-20]):
        with pytest.raises(NoBackup, match=r"no backup of alertrouter's, or it is damaged"):
            unpack(wrong)
    with pytest.raises(NoBackup, match=f"format {FORMAT + 1}, expected {FORMAT}"):
        unpack(msgspec.structs.replace(backup, format=FORMAT + 1).pack())


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False

"""The router's commits."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
import redis
from msgspec.structs import replace

from alertrouter.engine.changes import Activation, Changes
from alertrouter.errors import LeaseLost, StoreUnavailable
from alertrouter.events import decode
from alertrouter.incident import State
from alertrouter.store.connection import connect
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from alertrouter.store.queue import Kicks, kicks_for
from alertrouter.store.statestore import Quarantined, StateStore
from tests.proxy import Proxy
from tests.store.values import alert, commit_of, delivery, incident, line, silence
from tests.times import at
from tests.waiting import eventually


def test_what_is_committed_is_loaded_again(state_store: StateStore, epoch: int) -> None:
    """A router that takes over knows all that the one before it had committed."""
    fires, opened = alert("Down"), incident()
    changes = Changes(
        alerts={fires.fingerprint: fires},
        incidents={opened.id: opened},
        policies={"r1": {"a.yml": "route: {}"}},
        silences={"s1": silence("s1")},
        activation=Activation(revision="r1", at=at(), actor="test", from_files=True),
    )

    state_store.commit(epoch, commit_of(changes, checkpoint="5-1", now=at(minutes=1)))
    loaded = state_store.load()

    assert loaded.state.alerts == {fires.fingerprint: fires}
    assert loaded.state.incidents == {opened.id: opened}
    assert loaded.state.silences == {"s1": silence("s1")}
    assert loaded.state.policies == {"r1": {"a.yml": "route: {}"}}
    assert (loaded.state.active, loaded.state.last_number, loaded.checkpoint) == ("r1", 1, "5-1")
    assert loaded.state.alive_at == at(minutes=1)


def test_alerts_that_are_loaded_share_what_they_have_in_common(state_store: StateStore, epoch: int) -> None:
    """Moments, address and incidents are one object for all: a restart must not make the router larger."""
    reported = [replace(alert(name), ends_at=at(minutes=5), generator_url="http://prometheus/graph") for name in "ab"]
    state_store.commit(epoch, commit_of(Changes(alerts={one.fingerprint: one for one in reported})))

    one, other = state_store.load().state.alerts.values()

    assert sorted([one, other], key=str) == sorted(reported, key=str)
    assert one.starts_at is other.starts_at
    assert one.ends_at is other.ends_at
    assert one.generator_url is other.generator_url
    assert one.incidents is other.incidents


def test_what_is_forgotten_is_gone(state_store: StateStore, epoch: int) -> None:
    """None in the changes takes the record out of Redis."""
    fires, opened = alert("Down"), incident()
    both = Changes(alerts={fires.fingerprint: fires}, incidents={opened.id: opened})
    state_store.commit(epoch, commit_of(both))

    neither = Changes(alerts={fires.fingerprint: None}, incidents={opened.id: None})
    state_store.commit(epoch, commit_of(neither))

    assert state_store.load().state.alerts == {}
    assert state_store.load().state.incidents == {}


def test_a_large_commit_is_written_whole(state_store: StateStore, epoch: int) -> None:
    """Thousands of records go in one commit."""
    many = {one.fingerprint: one for one in (alert(f"A{number}") for number in range(3000))}

    state_store.commit(epoch, commit_of(Changes(alerts=dict(many))))

    assert state_store.load().state.alerts == many


def test_a_commit_of_an_older_epoch_writes_nothing(state_store: StateStore, client: redis.Redis, keys: Keys) -> None:
    """A router that was taken over without noticing changes not one key."""
    first = Lease(client, keys, "router-a")
    old_epoch = first.acquire()
    first.release()
    new_epoch = Lease(client, keys, "router-b").acquire()
    assert old_epoch is not None
    assert new_epoch == old_epoch + 1
    before = _everything(client, keys)

    with pytest.raises(LeaseLost):
        state_store.commit(
            old_epoch, commit_of(Changes(deliveries=[delivery()], counts={"x": 1}), checkpoint="9-0", kicks=1)
        )

    assert _everything(client, keys) == before


def test_a_takeover_in_the_middle_of_a_commit_stops_it(
    redis_url: str, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """Another router begins an epoch after this one looked and before its EXEC: the commit writes nothing."""

    def take_over(sent: bytes) -> None:
        if b"MULTI" in sent:
            client.incr(keys.epoch)

    with Proxy(redis_url, take_over) as proxy, connect(proxy.url) as through:
        interrupted = StateStore(through, keys, Kicks(through, keys), history=timedelta(days=30))
        with pytest.raises(LeaseLost):
            interrupted.commit(epoch, commit_of(Changes(incidents={"INC-1": incident()}), checkpoint="9-0"))

    assert not client.exists(keys.incidents, keys.checkpoint, keys.alive_at)


def test_a_commit_whose_answer_is_lost_is_in_doubt(redis_url: str, client: redis.Redis, keys: Keys, epoch: int) -> None:
    """The router is told that it does not know, is not told twice, and finds on loading what was written once."""

    def lose(sent: bytes) -> None:
        if b"MULTI" in sent:
            proxy.lose_answers.set()

    with Proxy(redis_url, lose) as proxy, connect(proxy.url) as through:
        cut_off = StateStore(through, keys, Kicks(through, keys), history=timedelta(days=30))
        with pytest.raises(StoreUnavailable) as refused:
            cut_off.commit(epoch, commit_of(Changes(counts={"alerts": 1}), checkpoint="9-0"))
    assert refused.type is StoreUnavailable

    eventually(lambda: client.get(keys.checkpoint) == b"9-0", "the commit was carried out")
    assert client.hget(keys.counters, "alerts") == b"1"


def test_the_journal_is_trimmed_behind_the_checkpoint(
    state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """What is committed is not kept in the journal; what is not yet read stays, to the entry."""
    journal = Journal(client, keys)
    for number in range(5):
        journal.append(b"event %d" % number)
    third = journal.read("0-0", count=3, wait_ms=0)[-1]

    state_store.commit(epoch, commit_of(Changes(), checkpoint=third.id))

    assert client.xlen(keys.journal) == 2
    rest = journal.read(state_store.load().checkpoint, count=10, wait_ms=0)
    assert [entry.packed for entry in rest] == [b"event 3", b"event 4"]


def test_a_kick_is_enqueued_by_the_commit_that_owes(
    state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """Deliveries and the RQ job that wakes a worker come together; the job carries nothing."""
    state_store.commit(epoch, commit_of(Changes(deliveries=[delivery()]), kicks=2))

    first, second = cast(list[bytes], client.lrange(keys.queue_list, 0, -1))
    assert first != second
    job = client.hgetall(f"rq:job:{first.decode()}")
    assert job[b"description"] == b"deliver what is due"
    assert b"INC-1" not in repr(job).encode()


def test_kicks_are_few(namespace: str) -> None:
    """One kick wakes for up to 25 deliveries, a commit gives at most four, none when many wait unheard."""
    assert [kicks_for(deliveries, 0) for deliveries in (0, 1, 25, 26, 5000)] == [0, 1, 1, 2, 4]
    assert kicks_for(5000, waiting=16) == 0


def test_a_quarantined_event_is_kept_with_its_reason(
    state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """What could not be applied can be looked at later, and is counted."""
    poison = Quarantined(entry="3-0", reason="ValueError: no", packed=b"\x81")

    state_store.commit(epoch, commit_of(Changes(), checkpoint="3-0", quarantined=(poison,)))

    ((_, kept),) = client.xrange(keys.quarantine) or []
    assert kept == {b"entry": b"3-0", b"reason": b"ValueError: no", b"e": b"\x81"}
    assert client.hget(keys.counters, "quarantined") == b"1"


def test_the_story_is_kept_for_the_days_it_is_asked_for(
    state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """Timeline and history hold the lines; the timeline goes when nothing was added for the history's days."""
    state_store.commit(epoch, commit_of(Changes(timeline=[line("opened"), line("told")])))

    assert client.llen(keys.timeline("INC-1")) == 2
    assert 29 * 86400 < client.ttl(keys.timeline("INC-1")) <= 30 * 86400
    assert client.xlen(keys.history) == 1


@pytest.mark.parametrize("record", [b"\x93from another world", b"\x81\xa2id\xa1\xff"], ids=["of another", "broken"])
def test_a_record_of_another_version_is_named_and_left_alone(
    record: bytes, state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int
) -> None:
    """One record that can't be read keeps no router from starting, and is not thrown away."""
    state_store.commit(epoch, commit_of(Changes(incidents={"INC-1": incident()})))
    client.hset(keys.incidents, "INC-2", record)

    loaded = state_store.load()

    assert list(loaded.state.incidents) == ["INC-1"]
    assert len(loaded.unreadable) == 1
    assert "INC-2" in loaded.unreadable[0]
    assert client.hexists(keys.incidents, "INC-2")


def test_gauges_tell_every_state(state_store: StateStore, client: redis.Redis, keys: Keys, epoch: int) -> None:
    """A state without incidents is told as 0, so that a graph falls to 0 instead of ending."""
    state_store.commit(epoch, commit_of(Changes()))

    gauges = cast(dict[bytes, bytes], client.hgetall(keys.gauges))
    assert {name.decode() for name in gauges} == {f"incidents:{state}" for state in State} | {"next_due"}
    assert gauges[b"incidents:triggered"] == b"1"
    assert gauges[b"incidents:resolved"] == b"0"


def test_the_journal_gives_events_back_as_they_were(client: redis.Redis, keys: Keys) -> None:
    """Reading waits for no longer than it is told, and gives nothing when there is nothing."""
    journal = Journal(client, keys)

    assert journal.read("0-0", count=10, wait_ms=1) == []

    with pytest.raises(ValueError, match="truncated"):
        decode(b"")


def _everything(client: redis.Redis, keys: Keys) -> dict[bytes, object]:
    names = sorted(client.scan_iter(match=f"{keys.namespace}*")) + sorted(client.scan_iter(match=f"rq:*{keys.queue}*"))
    return {name: client.dump(name) for name in names if name != keys.lease.encode()}

"""Which router is the active one."""

from __future__ import annotations

import redis

from alertrouter.store.keys import Keys
from alertrouter.store.lease import LEASE_MS, Lease


def test_one_holds_it_at_a_time(client: redis.Redis, keys: Keys) -> None:
    """The second gets it only when the first has given it up, under a new epoch."""
    first, second = Lease(client, keys, "a"), Lease(client, keys, "b")

    epoch = first.acquire()
    assert epoch is not None
    assert second.acquire() is None

    first.release()
    assert second.acquire() == epoch + 1
    assert not first.renew()


def test_a_holder_that_is_silent_loses_it(client: redis.Redis, keys: Keys) -> None:
    """Nothing but renewing keeps it, and a takeover waits no longer than its term."""
    Lease(client, keys, "a").acquire()

    assert 0 < client.pttl(keys.lease) <= LEASE_MS
    client.pexpire(keys.lease, 1000)
    assert Lease(client, keys, "a").renew()
    assert client.pttl(keys.lease) > 1000


def test_a_router_that_starts_over_gets_its_own_lease_back(client: redis.Redis, keys: Keys) -> None:
    """After an answer was lost it need not wait for its own lease to end; what it began before can't be committed."""
    lease = Lease(client, keys, "a")
    first = lease.acquire()
    assert first is not None

    assert lease.acquire() == first + 1


def test_only_the_holder_gives_it_up(client: redis.Redis, keys: Keys) -> None:
    """A router that lost it long ago takes it from nobody."""
    Lease(client, keys, "a").acquire()

    Lease(client, keys, "b").release()

    assert client.get(keys.lease) == b"a"

"""The store's parts, each on the shared Redis and in the test's own namespace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from alertrouter.delivery import Delivery
from alertrouter.engine.changes import Changes
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from alertrouter.store.ledger import Ledger
from alertrouter.store.queue import Kicks
from alertrouter.store.statestore import StateStore
from tests.store.values import commit_of


@pytest.fixture
def state_store(client: redis.Redis, keys: Keys) -> StateStore:
    """The router's store."""
    return StateStore(client, keys, Kicks(client, keys), history=timedelta(days=30))


@pytest.fixture
def epoch(client: redis.Redis, keys: Keys) -> int:
    """The epoch of a router that holds the lease."""
    acquired = Lease(client, keys, "router-a").acquire()
    assert acquired is not None
    return acquired


@pytest.fixture
def owe(state_store: StateStore, epoch: int) -> Callable[..., None]:
    """Commits deliveries, as a router would."""

    def commit(*deliveries: Delivery) -> None:
        state_store.commit(epoch, commit_of(Changes(deliveries=list(deliveries))))

    return commit


@pytest.fixture
def ledger(client: redis.Redis, keys: Keys) -> Ledger:
    """One worker's ledger."""
    return Ledger(client, keys, "worker-a")


@pytest.fixture
def other_ledger(client: redis.Redis, keys: Keys) -> Ledger:
    """Another worker's ledger."""
    return Ledger(client, keys, "worker-b")

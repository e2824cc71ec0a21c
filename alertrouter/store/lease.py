"""The lease: which router is the active one, and the epoch that shuts out all earlier ones."""

from __future__ import annotations

from typing import Final

import redis

from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.scripts import Script
from alertrouter.store.stateformat import FORMAT, refuse_newer

LEASE_MS: Final = 4000
"""A router that has not renewed for so long has lost it. Renewed each second."""


class Lease:
    """Held by one router at a time. `holder` names the process: unique, and shown to people."""

    def __init__(self, client: redis.Redis, keys: Keys, holder: str) -> None:
        self.holder = holder
        self._keys = keys
        self._redis = client
        self._acquire = Script(client, "lease_acquire")
        self._renew = Script(client, "lease_renew")
        self._release = Script(client, "lease_release")

    def acquire(self) -> int | None:
        """Take it unless another has it; gives the new epoch: from now on no earlier one can commit.

        Raises `NewerState` when a later version has written the state in a format that this one doesn't know.
        """
        keys = [self._keys.lease, self._keys.epoch, self._keys.format]
        epoch = self._acquire(keys, [self.holder, LEASE_MS, FORMAT])
        if isinstance(epoch, bytes):
            refuse_newer(epoch)
        return epoch if isinstance(epoch, int) else None

    def renew(self) -> bool:
        """Hold it for another term; False when it is no longer ours."""
        return self._renew([self._keys.lease], [self.holder, LEASE_MS]) == 1

    def held_by(self) -> str:
        """Who has it; "" when it is free."""
        with border():
            holder = self._redis.get(self._keys.lease)
        return holder.decode() if isinstance(holder, bytes) else ""

    def release_of_the_dead(self, holder: str) -> None:
        """Give up the lease of a process that is no more, if it is still that one's. Its epoch ends with the next."""
        self._release([self._keys.lease], [holder])

    def release(self) -> None:
        """Give it up, so that a standby need not wait for its end."""
        self._release([self._keys.lease], [self.holder])

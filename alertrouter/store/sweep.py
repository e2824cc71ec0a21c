"""What is due in the ledger, asked by the router so that no delivery waits for a kick that was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import redis

from alertrouter.store.keys import RANKS, Keys
from alertrouter.store.ledger_row import Due
from alertrouter.store.moment import from_ms, to_ms
from alertrouter.store.scripts import Script


class Sweep:
    """Looks at the due sets of the channels."""

    def __init__(self, client: redis.Redis, keys: Keys, channels: Sequence[str]) -> None:
        self._keys = keys
        self._channels = channels
        self._due = Script(client, "ledger_due")

    def due(self, now: datetime) -> Due:
        """Tell how many deliveries are due at `now`, since when, and when the next one will be."""
        answer = self._due([self._keys.draining], [to_ms(now), RANKS, self._keys.due_prefix, *self._channels])
        count, earliest, later, draining = cast(tuple[int, int, int, int], answer)
        return Due(
            count=count,
            earliest=from_ms(earliest) if earliest >= 0 else None,
            later=from_ms(later) if later >= 0 else None,
            draining=draining,
        )

"""What is compared with Alertmanagers: alerts as they are known here, and which of them each source has listed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final, cast

import msgspec
import redis

from alertrouter.alert import Alert, Fingerprint
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.readable import readable

_AT_ONCE: Final = 500


class Reconciled:
    """Reads alerts, and keeps what was seen at each source: so a router that is restarted knows whose alerts are whose.

    Alerts are read as the router last wrote them. That one was repeated it writes within half a minute.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys
        self._decode = msgspec.msgpack.Decoder(Alert).decode

    def begin(self, sources: Iterable[str]) -> None:
        """Forget when sources were read that are asked no more; what they listed is kept, they may come back.

        One that was never read is there with a 0.
        """
        wanted = set(sources)
        with border():
            for name in wanted:
                self._redis.hsetnx(self._keys.reconciled, name, 0)
            names = cast(list[bytes], self._redis.hkeys(self._keys.reconciled))
            gone = [one for one in names if one.decode() not in wanted]
            if gone:
                self._redis.hdel(self._keys.reconciled, *gone)

    def known(self, marks: Iterable[Fingerprint]) -> dict[Fingerprint, Alert]:
        """Give those of these alerts that are known. One that can't be read, of another version, is not among them."""
        found: dict[Fingerprint, Alert] = {}
        rest = iter(marks)
        while some := list(islice(rest, _AT_ONCE)):
            with border():
                packed = cast(list[bytes | None], self._redis.hmget(self._keys.alerts, some))
            alerts = readable((one for one in packed if one is not None), self._decode)
            found.update((alert.fingerprint, alert) for alert in alerts)
        return found

    def seen(self, source: str) -> frozenset[Fingerprint]:
        """Give the alerts that fire here and that a source has listed."""
        with border():
            names = cast(set[bytes], self._redis.smembers(self._keys.listed(source)))
        return frozenset(Fingerprint(name.decode()) for name in names)

    def keep(self, source: str, *, more: Iterable[Fingerprint], less: Iterable[Fingerprint]) -> None:
        """Add to these alerts, and take away from them."""
        name = self._keys.listed(source)
        with border():
            for marks, command in ((iter(more), self._redis.sadd), (iter(less), self._redis.srem)):
                while some := list(islice(marks, _AT_ONCE)):
                    command(name, *some)

    def polled(self, source: str, outcome: str, at: datetime) -> None:
        """Count a poll; one that `agreed` is the source's newest."""
        with border():
            self._redis.hincrby(self._keys.counters, f"reconcile_polls:{outcome}", 1)
            if outcome == "agreed":
                self._redis.hset(self._keys.reconciled, source, int(at.timestamp()))

"""Which alerts have a label: an index that a door keeps in its own memory, for the labels that it is asked about.

It is made when a label is asked about for the first time, and kept up to date by the stream of alerts that began to
fire. It may name an alert that is gone, never miss one that is there: who asks looks at the alerts themselves. Redis
and the router do nothing for it but write that stream.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias, cast

import msgspec
import redis.asyncio

from alertrouter.alert import Alert, Fingerprint, Labels, alertmanager_fingerprint
from alertrouter.engine.suppression import Inhibition, Inhibitor
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.store.begun import BEGUN, field_of, number_of, unpack_marks
from alertrouter.store.connection import border
from alertrouter.store.journal import START
from alertrouter.store.keys import Keys
from alertrouter.store.readable import readable

MOST_NAMES: Final = 12
"""Label names that are indexed at a time; the one that was asked about least recently makes room."""

MOST_STALE: Final = 200_000
"""Alerts that may begin before all is indexed anew, so that what is gone does not pile up."""

_AT_A_TIME: Final = 2000
_READ: Final = msgspec.msgpack.Decoder(Alert).decode

Pair: TypeAlias = tuple[str, str]
_Stream: TypeAlias = list[tuple[bytes, dict[bytes, bytes]]]


class AlertIndex:
    """Finds alerts by a label, and the alerts that hold others back. For one event loop."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, *, most_names: int = MOST_NAMES) -> None:
        self._redis = client
        self._keys = keys
        self._most_names = most_names
        self._busy = asyncio.Lock()
        self._position = ""
        self._begun = 0
        self._by_name: dict[str, dict[str, array[int]]] = {}
        self._rules: tuple[InhibitRule, ...] = ()
        self._inhibitor: Inhibitor | None = None
        self._sources: dict[Fingerprint, Labels] = {}

    async def find(self, pairs: Sequence[Pair]) -> list[Alert]:
        """Give the alerts that have the rarest of these labels; there must be one. Those that are over are among them.

        The first pair whose name is indexed already counts as the rarest if none is known to be rarer.
        """
        async with self._busy:
            await self._catch_up()
            if not any(name in self._by_name for name, _ in pairs):
                await self._index(pairs[0][0])
            known = [
                (self._by_name[name].get(value, array("Q")), name) for name, value in pairs if name in self._by_name
            ]
            marks, name = min(known, key=lambda one: len(one[0]))
            self._by_name[name] = self._by_name.pop(name)
            wanted = sorted(set(marks))
        return await self._alerts(wanted)

    async def holding(
        self, alerts: Iterable[Alert], rules: tuple[InhibitRule, ...], now: datetime
    ) -> Mapping[Fingerprint, tuple[Inhibition, ...]]:
        """Tell by which firing alerts these are held back now; one that isn't is left out."""
        if not rules:
            return {}
        alerts = list(alerts)
        async with self._busy:
            await self._catch_up()
            inhibitor = await self._inhibitor_of(rules, now)
            while True:
                found = {
                    one.fingerprint: sources
                    for one in alerts
                    if (sources := inhibitor.sources(one.fingerprint, one.labels))
                }
                if not await self._drop_what_is_over(inhibitor, found, now):
                    return found

    async def _drop_what_is_over(
        self, inhibitor: Inhibitor, found: Mapping[Fingerprint, tuple[Inhibition, ...]], now: datetime
    ) -> bool:
        """Look at the sources that were found as they are now; tell whether one fires no longer."""
        named = sorted({one.source for sources in found.values() for one in sources})
        firing = {one.fingerprint for one in await self._alerts(map(number_of, named)) if one.firing(now)}
        over = [name for name in named if name not in firing]
        for name in over:
            inhibitor.remove(name, self._sources.pop(name, {}))
        return bool(over)

    async def _inhibitor_of(self, rules: tuple[InhibitRule, ...], now: datetime) -> Inhibitor:
        if self._inhibitor is None or self._rules != rules:
            self._sources.clear()
            self._rules, self._inhibitor = rules, Inhibitor(rules)
            async for alert in self.all():
                if alert.firing(now):
                    self._note_source(alert.fingerprint, alert.labels)
        return self._inhibitor

    def name_of(self, source: Fingerprint) -> str:
        """What Alertmanager calls an alert that `holding` has named."""
        return alertmanager_fingerprint(self._sources[source])

    def _note_source(self, mark: Fingerprint, labels: Labels) -> None:
        if self._inhibitor is not None and self._inhibitor.is_source(labels):
            self._inhibitor.add(mark, labels)
            self._sources[mark] = labels

    async def _index(self, name: str) -> None:
        if len(self._by_name) >= self._most_names:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[name] = {}
        async for alert in self.all():
            self._put(name, alert.fingerprint, alert.labels)

    def _put(self, name: str, mark: Fingerprint, labels: Labels) -> None:
        value = labels.get(name)
        if value is not None:
            self._by_name[name].setdefault(value, array("Q")).append(number_of(mark))

    async def _catch_up(self) -> None:
        """Take in the alerts that have begun since; when it can't be told which have, forget all."""
        stream = self._keys.begun
        with border():
            oldest = cast(_Stream, await self._redis.xrange(stream, count=1))
            if not self._follows(oldest) or self._begun > MOST_STALE:
                newest = cast(_Stream, await self._redis.xrevrange(stream, count=1))
                self._forget(newest[0][0].decode() if newest else START)
                return
            entries = cast(_Stream, await self._redis.xrange(stream, min=f"({self._position}"))
        if not entries:
            return
        marks = {mark for _, fields in entries for mark in unpack_marks(fields.get(BEGUN, b""))}
        for alert in await self._alerts(sorted(marks)):
            labels = alert.labels
            self._note_source(alert.fingerprint, labels)
            for name in self._by_name:
                self._put(name, alert.fingerprint, labels)
        self._begun += len(marks)
        self._position = entries[-1][0].decode()

    def _follows(self, oldest: _Stream) -> bool:
        """Tell whether all that began since the last look is in the stream still."""
        if not self._position:
            return False
        if self._position == START or not oldest:
            return self._position == START and not oldest
        return _order(oldest[0][0].decode()) <= _order(self._position)

    def _forget(self, position: str) -> None:
        self._position = position
        self._begun = 0
        self._by_name.clear()
        self._inhibitor = None
        self._sources.clear()

    async def all(self) -> AsyncIterator[Alert]:
        """Give all alerts that still matter, a part at a time: others are served meanwhile."""
        cursor = 0
        while True:
            with border():
                answer = await self._redis.hscan(self._keys.alerts, cursor, count=_AT_A_TIME)
            cursor, fields = cast(tuple[int, dict[bytes, bytes]], answer)
            for alert in readable(fields.values(), _READ):
                yield alert
            if not cursor:
                return

    async def _alerts(self, marks: Iterable[int]) -> list[Alert]:
        fields = list(map(field_of, marks))
        found: list[Alert] = []
        for start in range(0, len(fields), _AT_A_TIME):
            with border():
                packed = await self._redis.hmget(self._keys.alerts, fields[start : start + _AT_A_TIME])
            found += readable((one for one in packed if isinstance(one, bytes)), _READ)
        return found


def _order(entry: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry.partition("-")
    return int(milliseconds), int(sequence)

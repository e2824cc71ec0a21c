"""The end of the journal, at which doors put events: many at the same time, in as few round trips as may be."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import redis.asyncio

from alertrouter.errors import StoreUnavailable
from alertrouter.store.connection import border
from alertrouter.store.journal import FIELD
from alertrouter.store.keys import Keys
from alertrouter.store.together import Command

MOST_ENTRIES: Final = 64
MOST_BYTES: Final = 8 * 1024 * 1024

_APPEND: Final = Path(__file__).with_name("journal_append.lua").read_text(encoding="utf-8")


class _Waiting(msgspec.Struct, frozen=True):
    packed: bytes
    counts: Mapping[str, int]
    done: asyncio.Future[None]
    urgent: bool = False


class JournalEnd:
    """For one event loop. Calls of `append` that come in while one is under way share the next round trip."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, *, max_backlog: int) -> None:
        self._redis = client
        self._keys = keys
        self._max_backlog = max_backlog
        self._backlog = max_backlog
        self._waiting: deque[_Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None

    def append(
        self, packed: bytes, counts: Mapping[str, int] | None = None, *, urgent: bool = False
    ) -> asyncio.Future[None]:
        """Put an event into the journal, and add to counters.

        When the future is done, the journal has it. It raises `StoreUnavailable` when Redis does not answer or the
        unread tail is over its limit, which `urgent` events may pass; the event may then be in the journal all the
        same, if only the answer was lost.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append(_Waiting(packed, counts or {}, done, urgent))
        if self._flusher is None or self._flusher.done():
            self._flusher = loop.create_task(self._flush())
        return done

    def too_long(self, backlog: int) -> str:
        """Say that so many unread entries are too many; "" when they are not."""
        if backlog < self._max_backlog:
            return ""
        return f"{backlog} journal entries wait for the router, {self._max_backlog} are the limit"

    async def _flush(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._write(batch)
            except StoreUnavailable as error:
                for waiting in batch:
                    _refuse(waiting, error)
            finally:
                for waiting in batch:  # whatever went wrong, nobody may wait for ever
                    _refuse(waiting, StoreUnavailable("the journal could not be written"))

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < MOST_ENTRIES and size < MOST_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].packed)
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        with border():
            if self._backlog >= self._max_backlog:
                self._backlog = await self._redis.xlen(self._keys.journal)
            if too_long := self.too_long(self._backlog):
                for waiting in batch:
                    if not waiting.urgent:
                        _refuse(waiting, StoreUnavailable(too_long))
                batch = [waiting for waiting in batch if waiting.urgent]
                if not batch:
                    return
            command = self._command(batch)
            try:
                self._backlog = await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
            except redis.ResponseError as error:
                raise StoreUnavailable(f"Redis refused to write: {error}") from error
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(None)

    def _command(self, batch: list[_Waiting]) -> Command:
        """All of it as one command: the door spends far less on one answer than on one for each event."""
        counts: Counter[str] = Counter()
        for waiting in batch:
            counts.update(waiting.counts)
        events = [waiting.packed for waiting in batch]
        keys = (self._keys.journal, self._keys.counters)
        increments = [part for one in counts.items() for part in one]
        return ("EVAL", _APPEND, 2, *keys, FIELD, len(events), *events, *increments)


def _refuse(waiting: _Waiting, error: StoreUnavailable) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)

"""The end of the journal, at which doors put events: many at the same time, in as few round trips as may be."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import redis.asyncio

from alertrouter import log
from alertrouter.errors import StoreUnavailable
from alertrouter.store.connection import border
from alertrouter.store.journal import FIELD
from alertrouter.store.keys import Keys
from alertrouter.store.together import Command

MOST_ENTRIES: Final = 64
MOST_BYTES: Final = 8 * 1024 * 1024

Then: TypeAlias = Callable[[StoreUnavailable | None], None]

_APPEND: Final = Path(__file__).with_name("journal_append.lua").read_text(encoding="utf-8")

_log = log.get(__name__)


class _Waiting(msgspec.Struct, frozen=True):
    packed: bytes
    counts: Mapping[str, int]
    then: Then
    urgent: bool = False


class JournalEnd:
    """For one event loop. What is put while a round trip is under way shares the next one."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, *, max_backlog: int) -> None:
        self._redis = client
        self._keys = keys
        self._max_backlog = max_backlog
        self._backlog = max_backlog
        self._waiting: deque[_Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None

    def put(self, packed: bytes, counts: Mapping[str, int], then: Then, *, urgent: bool = False) -> None:
        """Put an event into the journal, and add to counters; `then` is called once, when that has ended.

        It is given None when the journal has the event. Else Redis does not answer, or the unread tail is over its
        limit, which `urgent` events may pass; the event may then be in the journal all the same, if only the answer
        was lost.
        """
        self._waiting.append(_Waiting(packed, counts, then, urgent))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    def append(
        self, packed: bytes, counts: Mapping[str, int] | None = None, *, urgent: bool = False
    ) -> asyncio.Future[None]:
        """Put an event into the journal, and wait for it; raises what `put` tells."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def then(error: StoreUnavailable | None) -> None:
            if done.done():
                return  # nobody waits any longer
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        self.put(packed, counts or {}, then, urgent=urgent)
        return done

    def too_long(self, backlog: int) -> str:
        """Say that so many unread entries are too many; "" when they are not."""
        if backlog < self._max_backlog:
            return ""
        return f"{backlog} journal entries wait for the router, {self._max_backlog} are the limit"

    async def _flush(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            outcome: StoreUnavailable | None = StoreUnavailable("the journal could not be written")
            try:
                batch = await self._admitted(batch)
                await self._write(batch)
                outcome = None
            except StoreUnavailable as error:
                outcome = error
            finally:
                # Whatever went wrong, nobody may wait for ever. Not at once: the next command leaves before answers do.
                asyncio.get_running_loop().call_soon(_tell, batch, outcome)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < MOST_ENTRIES and size < MOST_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].packed)
        return batch

    async def _admitted(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Turn those away for whom there is no room."""
        if self._backlog >= self._max_backlog:
            with border():
                self._backlog = await self._redis.xlen(self._keys.journal)
        if not (too_long := self.too_long(self._backlog)):
            return batch
        _tell([waiting for waiting in batch if not waiting.urgent], StoreUnavailable(too_long))
        return [waiting for waiting in batch if waiting.urgent]

    async def _write(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        command = self._command(batch)
        with border():
            try:
                self._backlog = await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
            except redis.ResponseError as error:
                raise StoreUnavailable(f"Redis refused to write: {error}") from error

    def _command(self, batch: list[_Waiting]) -> Command:
        """All of it as one command: the door spends far less on one answer than on one for each event."""
        counts: Counter[str] = Counter()
        for waiting in batch:
            counts.update(waiting.counts)
        events = [waiting.packed for waiting in batch]
        keys = (self._keys.journal, self._keys.counters)
        increments = [part for one in counts.items() for part in one]
        return ("EVAL", _APPEND, 2, *keys, FIELD, len(events), *events, *increments)


def _tell(batch: Iterable[_Waiting], outcome: StoreUnavailable | None) -> None:
    for waiting in batch:
        try:
            waiting.then(outcome)
        except Exception:  # noqa: BLE001  whoever waits next must hear of it all the same
            _log.exception("an answer failed")

"""What the web door needs of Redis: append to the journal, and look at what the others wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Final, cast

import msgspec
import redis.asyncio

from alertrouter.alert import Alert
from alertrouter.engine.changes import Answer
from alertrouter.errors import PolicyError, StoreUnavailable
from alertrouter.incident import Incident
from alertrouter.notice import InboxMessage
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Person
from alertrouter.policy.policy import Policy
from alertrouter.silence import Silence
from alertrouter.store import revisions, stateformat
from alertrouter.store.connection import border
from alertrouter.store.journal import FIELD
from alertrouter.store.journal_end import JournalEnd
from alertrouter.store.keys import Keys
from alertrouter.store.ledger_row import LedgerRow, row_of
from alertrouter.store.metrics import Metrics, read_metrics
from alertrouter.store.readable import readable
from alertrouter.store.revisions import Revision
from alertrouter.store.shadow import ShadowDoor
from alertrouter.store.together import Command, together
from alertrouter.transition import TimelineLine

SET_ASIDE_SIZE: Final = 1000
ANSWER_WITHIN: Final = 2.0
LOOK_EVERY: Final = 0.01
NEWEST_DELIVERIES: Final = 8
MOST_ALERTS: Final = 500
"""So many alerts of an incident are looked at for its page."""

_ALERT: Final = msgspec.msgpack.Decoder(Alert).decode
_ANSWER: Final = msgspec.msgpack.Decoder(Answer).decode
_FAULTS: Final = msgspec.msgpack.Decoder(list[str]).decode
_FILES: Final = msgspec.msgpack.Decoder(dict[str, str]).decode
_INCIDENT: Final = msgspec.msgpack.Decoder(Incident).decode
_LINE: Final = msgspec.msgpack.Decoder(TimelineLine).decode
_MESSAGE: Final = msgspec.msgpack.Decoder(InboxMessage).decode
_SILENCE: Final = msgspec.msgpack.Decoder(Silence).decode
_ONCE: Final = Path(__file__).with_name("journal_once.lua").read_text(encoding="utf-8")
_REVISED: Final = Path(__file__).with_name(f"{revisions.ADD}.lua").read_text(encoding="utf-8")


class DoorStore:
    """For one event loop."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, *, max_backlog: int) -> None:
        self._redis = client
        self._keys = keys
        self._end = JournalEnd(client, keys, max_backlog=max_backlog)
        self.put, self.append = self._end.put, self._end.append
        self._asked: dict[str, list[asyncio.Future[Answer]]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._policy: tuple[bytes, Policy | None] | None = None
        self.shadow: Final = ShadowDoor(client, keys)

    async def ask(self, packed: bytes, key: str, *, patience: float = ANSWER_WITHIN) -> Answer | None:
        """Put what a person asks for into the journal and wait for what comes of it; None: no router answered in time.

        The event is in the journal then all the same. A full backlog keeps out senders, never people.
        """
        await self.append(packed, urgent=True)
        return await self.answer(key, patience=patience)

    async def answer(self, key: str, *, patience: float = ANSWER_WITHIN) -> Answer | None:
        """Wait for what comes of an event that is in the journal; None: no router answered in time."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(answered)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            return await asyncio.wait_for(answered, patience)
        except TimeoutError:
            return None
        finally:
            others = [one for one in self._asked.pop(key, []) if one is not answered]
            if others:
                self._asked[key] = others

    async def _listen(self) -> None:
        """Look for the answers to all who wait, in one round trip, until nobody does."""
        while self._asked:
            keys = list(self._asked)
            try:
                with border():
                    found = await self._redis.mget([self._keys.answer(key) for key in keys])
            except StoreUnavailable as error:
                for waiting in self._asked.values():
                    _tell(waiting, error)
                return
            for key, packed in zip(keys, found, strict=True):
                for answer in readable([packed] if isinstance(packed, bytes) else [], _ANSWER):
                    _tell(self._asked.get(key, []), answer)
            await asyncio.sleep(LOOK_EVERY)

    async def append_once(self, packed: bytes, marks: Sequence[str], keep: timedelta) -> bool:
        """Put what a person asks for into the journal, unless one of its marks was seen within the last `keep`.

        Marking and writing are one step: what is marked is in the journal. False when nothing was written.
        """
        keys = [self._keys.journal, *(self._keys.used(mark) for mark in marks)]
        seconds = max(int(keep.total_seconds()), 1)
        with border():
            (written,) = await together(self._redis, [("EVAL", _ONCE, len(keys), *keys, FIELD, packed, seconds)])
        return bool(written)

    async def used(self, mark: str) -> bool:
        """Tell whether `append_once` has seen a mark."""
        with border():
            return bool(await self._redis.exists(self._keys.used(mark)))

    async def set_aside(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Keep alerts that could not be read, as (reason, what was sent)."""
        kept: list[Command] = [
            ("XADD", self._keys.set_aside, "MAXLEN", "~", SET_ASIDE_SIZE, "*", "reason", reason, "raw", raw)
            for reason, raw in items
        ]
        with border():
            await together(self._redis, [*kept, ("HINCRBY", self._keys.counters, "set_aside", len(items))])

    async def inbox(self, limit: int = 50) -> list[InboxMessage]:
        """Give the newest messages of the built-in inbox, newest first."""
        with border():
            names = cast(list[bytes], await self._redis.zrevrange(self._keys.inbox_order, 0, limit - 1))
            packed = await self._redis.hmget(self._keys.inbox, list(names)) if names else []
        return list(readable((p for p in packed if isinstance(p, bytes)), _MESSAGE))

    async def incidents(self) -> list[Incident]:
        """Give all incidents that still matter, newest first."""
        with border():
            packed = cast(list[bytes], await self._redis.hvals(self._keys.incidents))
        return sorted(readable(packed, _INCIDENT), key=lambda incident: incident.number, reverse=True)

    async def incident(self, name: str) -> Incident | None:
        """Give one incident, None when there is none, it is long over, or can't be read: the router has none either."""
        with border():
            packed = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.incidents, name))
        return next(readable([packed], _INCIDENT), None) if packed else None

    async def silences(self) -> list[Silence]:
        """Give all silences that are known, also those that ended lately."""
        with border():
            packed = cast(list[bytes], await self._redis.hvals(self._keys.silences))
        return list(readable(packed, _SILENCE))

    async def alerts(self) -> list[Alert]:
        """Give all alerts that still matter; there may be many, so they are read beside the event loop."""
        with border():
            packed = cast(list[bytes], await self._redis.hvals(self._keys.alerts))
        return await asyncio.to_thread(lambda: list(readable(packed, _ALERT)))

    async def alerts_of(self, incident: Incident) -> list[Alert]:
        """Give the alerts of an incident that are held back, or that somebody was told of lately.

        Found without a look at all alerts; one that can't be read is left out.
        """
        told = [name for one in incident.destinations for name in one.told]
        rows = [row.delivery for row in await self.deliveries(incident.id, NEWEST_DELIVERIES)]
        names = dict.fromkeys([*told, *incident.suppressed, *(n for one in rows for n in (*one.firing, *one.resolved))])
        if not names:
            return []
        with border():
            packed = await cast(
                Awaitable[list[bytes | None]], self._redis.hmget(self._keys.alerts, list(names)[:MOST_ALERTS])
            )
        found = readable((one for one in packed if one is not None), _ALERT)
        return [one for one in found if incident.id in one.incidents]

    async def timeline(self, incident: str, limit: int = 100) -> list[TimelineLine]:
        """Give the newest lines of an incident's story, oldest of them first."""
        with border():
            packed = cast(list[bytes], await self._redis.lrange(self._keys.timeline(incident), -limit, -1))
        return list(readable(packed, _LINE))

    async def deliveries(self, incident: str, limit: int = 100) -> list[LedgerRow]:
        """Give the fate of an incident's newest deliveries, oldest of them first."""
        with border():
            names = cast(list[bytes], await self._redis.lrange(self._keys.deliveries(incident), -limit, -1))
            rows = await together(self._redis, [("HGETALL", self._keys.delivery(name.decode())) for name in names])
        return [row for row in readable(rows, row_of) if row]

    async def policy(self) -> Policy | None:
        """Give the policy in force, read once for each revision; None when there is none, or it can't be read."""
        with border():
            revision = await self._redis.get(self._keys.active)
            if not isinstance(revision, bytes):
                return None
            if self._policy is not None and self._policy[0] == revision:
                return self._policy[1]
            packed = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.policies, revision))
        if not packed:
            return None
        policy = await asyncio.to_thread(_read_policy, packed)
        self._policy = revision, policy
        return policy

    async def revisions(self) -> tuple[str, list[Revision]]:
        """Give the revision in force ("": none), and what happened to policies, newest first."""
        with border():
            active, entries = await together(
                self._redis, [("GET", self._keys.active), ("XREVRANGE", self._keys.revisions, "+", "-")]
            )
        found = readable((fields for _, fields in entries), revisions.of_entry)
        return active.decode() if active else "", list(found)

    async def keep(self, revision: Revision) -> None:
        """Keep a policy that somebody published."""
        keys, arguments = revisions.adding(self._keys, revision)
        with border():
            await together(self._redis, [("EVAL", _REVISED, len(keys), *keys, *arguments)])

    async def refused(self) -> list[str]:
        """Give the faults for which the policy directory's files were refused; none: they are in force, or were."""
        with border():
            packed = await self._redis.get(self._keys.refused)
        faults = next(readable([packed], _FAULTS), None) if isinstance(packed, bytes) else []
        return ["what they are can't be read; the router's log says it"] if faults is None else faults

    async def people(self) -> tuple[Person, ...]:
        """Give the people of the policy in force."""
        policy = await self.policy()
        return tuple(policy.people.values()) if policy else ()

    async def timezone(self) -> tzinfo:
        """Give the time zone of the policy in force; UTC without one."""
        policy = await self.policy()
        return policy.timezone if policy else UTC

    async def expects(self, heartbeat: str) -> bool:
        """Tell whether the active policy expects a heartbeat; raises `StoreUnavailable` when no policy is active."""
        with border():
            commands: list[Command] = [("HEXISTS", self._keys.heartbeats, heartbeat), ("EXISTS", self._keys.active)]
            expected, active = await together(self._redis, commands)
        if not active:
            raise StoreUnavailable("no policy is active yet")
        return bool(expected)

    async def metrics(self) -> Metrics:
        """Give all numbers, as they are now."""
        with border():
            return await read_metrics(self._redis, self._keys)

    async def trouble(self) -> list[str]:
        """Tell why this alertrouter is not ready: nothing to tell means that it is."""
        try:
            with border():
                keys = self._keys
                questions: list[Command] = [("GET", name) for name in (keys.lease, keys.active, keys.format)]
                lease, active, stamp, backlog = await together(self._redis, [*questions, ("XLEN", keys.journal)])
        except StoreUnavailable as error:
            return [str(error)]
        found = [newer] if (newer := stateformat.newer(stamp)) else []
        if lease is None:
            found.append("no router is active: events are taken in and wait")
        if active is None:
            found.append("no policy is active yet")
        if too_long := self._end.too_long(backlog):
            found.append(too_long)
        return found


def _read_policy(packed: bytes) -> Policy | None:
    for files in readable([packed], _FILES):
        with suppress(PolicyError):
            return load(files)
    return None


def _tell(waiting: Iterable[asyncio.Future[Answer]], what: Answer | StoreUnavailable) -> None:
    """Give an answer, or the reason why there is none, to those who wait for it."""
    for one in waiting:
        if one.done():
            continue
        if isinstance(what, Answer):
            one.set_result(what)
        else:
            one.set_exception(what)

"""The shadow in Redis, for its follower: what it reads of what the router wrote, and where it writes what it found."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

import msgspec
import redis
from redis.typing import EncodableT, FieldT

from alertrouter.record import Record, Silenced, unpack
from alertrouter.shadow import Details, Shadow, Sums
from alertrouter.silence import Silence
from alertrouter.store import records, revisions
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.moment import from_ms
from alertrouter.store.revisions import Revision
from alertrouter.store.shadow import DETAILS, FILES, LIVE, SET, SILENCES, STOPPED, SUMS, Stream, found_of, shadow_of

HOLD_MS: Final = 15_000
"""A follower that has not written for so long is gone."""

AT_ONCE: Final = 100


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow with all that its follower begins with: the texts of both policies by file name.

    `looked` is how far an earlier follower came, None: there was none; `silences` are those that people
    had set when it began, and that were not over.
    """

    shadow: Shadow
    files: dict[str, str]
    live: dict[str, str]
    looked: datetime | None
    silences: tuple[Silence, ...]


class ShadowFollowing:
    """What its follower reads and writes."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def hold(self, holder: str) -> bool:
        """Be the one that follows, for the next 15 s; False when another one is. Two for a moment would do no harm."""
        key = self._keys.shadow_follower
        with border():
            if self._redis.set(key, holder, nx=True, px=HOLD_MS):
                return True
            held = self._redis.get(key) == holder.encode()
            return held and bool(self._redis.pexpire(key, HOLD_MS))

    def let_go(self, holder: str) -> None:
        """Follow no more."""
        with border():
            if self._redis.get(self._keys.shadow_follower) == holder.encode():
                self._redis.delete(self._keys.shadow_follower)

    def shadow(self) -> Shadow | None:
        """Give the shadow that is to be followed; None when there is none, or it has stopped."""
        with border():
            packed, stopped = cast(list[bytes | None], self._redis.hmget(self._keys.shadow, [SET, STOPPED]))
        return None if stopped else shadow_of(packed)

    def begun(self) -> Begun | None:
        """Give the shadow with both policies."""
        with border():
            packed, files, live, sums, silences, stopped = cast(
                list[bytes | None], self._redis.hmget(self._keys.shadow, [SET, FILES, LIVE, SUMS, SILENCES, STOPPED])
            )
        if packed is None or files is None or live is None or stopped:
            return None
        decode = msgspec.msgpack.decode
        return Begun(
            shadow=decode(packed, type=Shadow),
            files=decode(files, type=dict[str, str]),
            live=decode(live, type=dict[str, str]),
            looked=known.until if (known := found_of(sums, Sums)) else None,
            silences=found_of(silences, tuple[Silence, ...]) or (),
        )

    def settled(self) -> datetime | None:
        """Up to when all that has happened is written down, to a few seconds; None when no router ever wrote.

        That is when a router last wrote, or, when it is behind, when the first of what it has not read was sent.
        """
        with border():
            alive = self._redis.get(self._keys.alive_at)
            waiting = cast(Stream, self._redis.xrange(self._keys.journal, count=1))
        if not isinstance(alive, bytes):
            return None
        wrote = from_ms(int(alive))
        return min(wrote, *(_moment(name) for name, _ in waiting), wrote)

    def oldest(self) -> tuple[str, datetime] | None:
        """Give the first entry of the recorded history that is still kept."""
        with border():
            entries = cast(Stream, self._redis.xrange(self._keys.records, count=1))
        return (entries[0][0].decode(), _moment(entries[0][0])) if entries else None

    def records(self, after: str) -> tuple[list[Record], str]:
        """Give what was recorded after an entry, not all at once, and the last entry of it."""
        with border():
            entries = cast(Stream, self._redis.xrange(self._keys.records, min=f"({after}", count=AT_ONCE))
        field = records.FIELD.encode()
        found = [record for _, fields in entries for record in unpack(fields[field])]
        return found, entries[-1][0].decode() if entries else after

    def activations(self, after: str) -> tuple[list[Revision], str]:
        """Give the policies that came into force after an entry, and the last entry."""
        with border():
            entries = cast(Stream, self._redis.xrange(self._keys.revisions, min=f"({after}"))
        found = (revisions.of_entry(fields) for _, fields in entries)
        activated = [one for one in found if one.happened is revisions.Happened.ACTIVATED]
        return activated, entries[-1][0].decode() if entries else after

    def silences(self) -> list[Silenced]:
        """Give the silences that people had set when the recorded history begins, as far as that is known."""
        return records.History(self._redis, self._keys).silences()

    def note(self, shadow: Shadow, sums: Sums, details: Details | None = None) -> bool:
        """Write what was found, `details` None: as before. False when the shadow is another by now, gone or stopped."""
        fields: dict[FieldT, EncodableT] = {SUMS: msgspec.msgpack.encode(sums)}
        if details is not None:
            fields[DETAILS] = msgspec.msgpack.encode(details)
        if sums.stopped:
            fields[STOPPED] = "1"
        key = self._keys.shadow
        with border(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.watch(key)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            known, stopped = cast(list[bytes | None], pipeline.hmget(key, [SET, STOPPED]))
            if stopped or known != msgspec.msgpack.encode(shadow):
                return False
            pipeline.multi()
            pipeline.hset(key, mapping=fields)
            try:
                pipeline.execute()
            except redis.WatchError:
                return False
        return True


def _moment(name: bytes) -> datetime:
    return from_ms(int(name.partition(b"-")[0]))

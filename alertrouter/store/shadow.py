"""The shadow in Redis: one hash that doors set and take away, and that its follower writes what it found into."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Final, cast

import msgspec
import redis
import redis.asyncio
from msgspec.structs import replace
from redis.typing import EncodableT, FieldT

from alertrouter.errors import StoreUnavailable
from alertrouter.record import Record, unpack
from alertrouter.shadow import Details, Shadow, Standing, Sums
from alertrouter.store import records, revisions
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.moment import from_ms
from alertrouter.store.revisions import Revision
from alertrouter.store.together import together

SET: Final = "set"
SUMS: Final = "sums"
DETAILS: Final = "details"
FILES: Final = "files"
LIVE: Final = "live"
STOPPED: Final = "stopped"
"""There as soon as a shadow decides no more."""

HOLD_MS: Final = 15_000
"""A follower that has not written for so long is gone."""

AT_ONCE: Final = 100
_NOTHING: Final = "0-0"

_Stream = list[tuple[bytes, dict[bytes, bytes]]]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow with all that its follower begins with: the texts of both policies by file name.

    `looked` is how far an earlier follower came, None: there was none.
    """

    shadow: Shadow
    files: dict[str, str]
    live: dict[str, str]
    looked: datetime | None


class ShadowDoor:
    """What doors do with it."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    async def begin(self, chosen: Revision, actor: str, now: datetime) -> Shadow:
        """Make a policy the shadow, in place of another one. Raises `StoreUnavailable` when none is in force."""
        keys = self._keys
        with border():
            # Positions before what is in force: what comes into force between the two is followed once more, at worst.
            told, happened, active = await together(
                self._redis,
                [
                    ("XREVRANGE", keys.records, "+", "-", "COUNT", 1),
                    ("XREVRANGE", keys.revisions, "+", "-", "COUNT", 1),
                    ("GET", keys.active),
                ],
            )
            live = await cast(Awaitable[bytes | None], self._redis.hget(keys.policies, active)) if active else None
        if live is None:
            raise StoreUnavailable("no policy is in force yet")
        shadow = Shadow(
            revision=chosen.revision,
            against=active.decode(),
            since=now,
            actor=actor,
            records=_last(told),
            revisions=_last(happened),
        )
        fields = (SET, msgspec.msgpack.encode(shadow), FILES, msgspec.msgpack.encode(chosen.files), LIVE, live)
        with border():
            await together(self._redis, [("DEL", keys.shadow), ("HSET", keys.shadow, *fields)], whole=True)
        return shadow

    async def end(self) -> Standing | None:
        """Take the shadow away; gives how it stood, None when there is none."""
        standing = await self.standing()
        with border():
            await self._redis.delete(self._keys.shadow)
        return standing

    async def standing(self) -> Standing | None:
        """Tell how it stands; None when there is none."""
        with border():
            found = await cast(Awaitable[list[bytes | None]], self._redis.hmget(self._keys.shadow, [SET, SUMS]))
        return standing_of(found)

    async def details(self) -> tuple[Standing, Details] | None:
        """Tell all about it; None when there is none."""
        wanted = [SET, SUMS, DETAILS]
        with border():
            found = await cast(Awaitable[list[bytes | None]], self._redis.hmget(self._keys.shadow, wanted))
        standing = standing_of(found)
        details = msgspec.msgpack.decode(found[2], type=Details) if found[2] else Details()
        return (standing, details) if standing else None

    async def policy(self) -> Revision | None:
        """Give the policy in the shadow with its texts, as it was set."""
        with border():
            packed, files = await cast(
                Awaitable[list[bytes | None]], self._redis.hmget(self._keys.shadow, [SET, FILES])
            )
        shadow = _shadow_of(packed)
        if shadow is None or files is None:
            return None
        return Revision(
            happened=revisions.Happened.PUBLISHED,
            revision=shadow.revision,
            at=shadow.since,
            actor=shadow.actor,
            files=msgspec.msgpack.decode(files, type=dict[str, str]),
        )

    async def unfollowed(self) -> Shadow | None:
        """Give the shadow when nobody decides for it although it has not stopped."""
        with border():
            (packed, stopped), holder = await together(
                self._redis,
                [("HMGET", self._keys.shadow, SET, STOPPED), ("GET", self._keys.shadow_follower)],
            )
        return None if stopped or holder else _shadow_of(packed)

    async def let_go(self, holder: str) -> None:
        """Say of a follower that it is gone."""
        with border():
            if await self._redis.get(self._keys.shadow_follower) == holder.encode():
                await self._redis.delete(self._keys.shadow_follower)

    async def fail(self, shadow: Shadow, why: str) -> None:
        """Stop a shadow for whom nobody can decide; what was found stays."""
        standing = await self.standing()
        if standing is None or standing.shadow != shadow:
            return
        sums = standing.sums or Sums(until=shadow.since, live=shadow.against)
        fields = (SUMS, msgspec.msgpack.encode(replace(sums, stopped=why, failed=True)), STOPPED, "1")
        with border():
            await together(self._redis, [("HSET", self._keys.shadow, *fields)])


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
        return None if stopped else _shadow_of(packed)

    def begun(self) -> Begun | None:
        """Give the shadow with both policies."""
        with border():
            packed, files, live, sums, stopped = cast(
                list[bytes | None], self._redis.hmget(self._keys.shadow, [SET, FILES, LIVE, SUMS, STOPPED])
            )
        if packed is None or files is None or live is None or stopped:
            return None
        decode = msgspec.msgpack.decode
        return Begun(
            shadow=decode(packed, type=Shadow),
            files=decode(files, type=dict[str, str]),
            live=decode(live, type=dict[str, str]),
            looked=decode(sums, type=Sums).until if sums else None,
        )

    def settled(self) -> datetime | None:
        """Up to when all that has happened is written down, to a few seconds; None when no router ever wrote.

        That is when a router last wrote, or, when it is behind, when the first of what it has not read was sent.
        """
        with border():
            alive = self._redis.get(self._keys.alive_at)
            waiting = cast(_Stream, self._redis.xrange(self._keys.journal, count=1))
        if not isinstance(alive, bytes):
            return None
        wrote = from_ms(int(alive))
        return min(wrote, *(_moment(name) for name, _ in waiting), wrote)

    def oldest(self) -> tuple[str, datetime] | None:
        """Give the first entry of the recorded history that is still kept."""
        with border():
            entries = cast(_Stream, self._redis.xrange(self._keys.records, count=1))
        return (entries[0][0].decode(), _moment(entries[0][0])) if entries else None

    def records(self, after: str) -> tuple[list[Record], str]:
        """Give what was recorded after an entry, not all at once, and the last entry of it."""
        with border():
            entries = cast(_Stream, self._redis.xrange(self._keys.records, min=f"({after}", count=AT_ONCE))
        field = records.FIELD.encode()
        found = [record for _, fields in entries for record in unpack(fields[field])]
        return found, entries[-1][0].decode() if entries else after

    def activations(self, after: str) -> tuple[list[Revision], str]:
        """Give the policies that came into force after an entry, and the last entry."""
        with border():
            entries = cast(_Stream, self._redis.xrange(self._keys.revisions, min=f"({after}"))
        field = revisions.FIELD.encode()
        found = [revisions.unpack(fields[field]) for _, fields in entries]
        activated = [one for one in found if one.happened is revisions.Happened.ACTIVATED]
        return activated, entries[-1][0].decode() if entries else after

    def note(self, shadow: Shadow, sums: Sums, details: Details | None = None) -> bool:
        """Write what was found, `details` None: as before. False when the shadow is another by now, gone or stopped."""
        key = self._keys.shadow
        fields: dict[FieldT, EncodableT] = {SUMS: msgspec.msgpack.encode(sums)}
        if details is not None:
            fields[DETAILS] = msgspec.msgpack.encode(details)
        if sums.stopped:
            fields[STOPPED] = "1"
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


def standing_of(fields: list[bytes | None]) -> Standing | None:
    """Read the fields `set` and `sums`; None when there is no shadow."""
    packed, sums = fields[:2]
    shadow = _shadow_of(packed)
    if shadow is None:
        return None
    return Standing(shadow=shadow, sums=msgspec.msgpack.decode(sums, type=Sums) if sums else None)


def _shadow_of(packed: bytes | None) -> Shadow | None:
    """Read what was set; a record of another version is none, and another shadow can be set in its place."""
    try:
        return msgspec.msgpack.decode(packed, type=Shadow) if packed else None
    except msgspec.DecodeError:
        return None


def _last(entries: _Stream) -> str:
    return entries[0][0].decode() if entries else _NOTHING


def _moment(name: bytes) -> datetime:
    return from_ms(int(name.partition(b"-")[0]))

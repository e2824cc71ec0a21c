"""The shadow in Redis, for doors: one hash that they set and take away. Its follower writes what it found into it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import datetime
from typing import Final, TypeVar, cast

import msgspec
import redis
import redis.asyncio
from msgspec.structs import replace

from alertrouter.errors import StoreUnavailable
from alertrouter.shadow import Details, Shadow, Standing, Sums
from alertrouter.silence import Silence
from alertrouter.store import revisions
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.readable import readable
from alertrouter.store.revisions import Revision
from alertrouter.store.together import together

SET: Final = "set"
SUMS: Final = "sums"
DETAILS: Final = "details"
FILES: Final = "files"
LIVE: Final = "live"
SILENCES: Final = "silences"
STOPPED: Final = "stopped"
"""There as soon as a shadow decides no more."""

_T = TypeVar("_T")
_NOTHING: Final = "0-0"

Stream = list[tuple[bytes, dict[bytes, bytes]]]


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
            told, happened, active, silences = await together(
                self._redis,
                [
                    ("XREVRANGE", keys.records, "+", "-", "COUNT", 1),
                    ("XREVRANGE", keys.revisions, "+", "-", "COUNT", 1),
                    ("GET", keys.active),
                    ("HVALS", keys.silences),
                ],
                whole=True,
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
        encode = msgspec.msgpack.encode
        fields = (
            SET,
            encode(shadow),
            FILES,
            encode(chosen.files),
            LIVE,
            live,
            SILENCES,
            encode(_lasting(silences, now)),
        )
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
        return (standing, found_of(found[2], Details) or Details()) if standing else None

    async def policy(self) -> Revision | None:
        """Give the policy in the shadow with its texts, as it was set."""
        with border():
            packed, files = await cast(
                Awaitable[list[bytes | None]], self._redis.hmget(self._keys.shadow, [SET, FILES])
            )
        shadow = shadow_of(packed)
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
        return None if stopped or holder else shadow_of(packed)

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


def standing_of(fields: list[bytes | None]) -> Standing | None:
    """Read the fields `set` and `sums`; None when there is no shadow."""
    packed, sums = fields[:2]
    shadow = shadow_of(packed)
    if shadow is None:
        return None
    return Standing(shadow=shadow, sums=found_of(sums, Sums))


def found_of(packed: bytes | None, kind: type[_T]) -> _T | None:
    """Read what a follower found; what another version wrote is nothing, and found anew."""
    return next(readable([packed], msgspec.msgpack.Decoder(kind).decode), None) if packed else None


def shadow_of(packed: bytes | None) -> Shadow | None:
    """Read what was set; a record of another version is none, and another shadow can be set in its place."""
    return found_of(packed, Shadow)


def _lasting(packed: Iterable[bytes], now: datetime) -> list[Silence]:
    """The silences that people set and that are not over: what happens to them from now on is recorded."""
    silences = (found_of(one, Silence) for one in packed)
    return [one for one in silences if one and not one.maintenance and one.ends_at > now]


def _last(entries: Stream) -> str:
    return entries[0][0].decode() if entries else _NOTHING

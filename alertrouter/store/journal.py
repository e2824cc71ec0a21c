"""The journal: one Redis stream of packed events, read by the active router alone."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

import msgspec
import redis

from alertrouter.store.connection import border
from alertrouter.store.keys import Keys

START: Final = "0-0"
"""The checkpoint before anything was read."""

FIELD: Final = b"e"

_Streams: TypeAlias = list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]


class Entry(msgspec.Struct, frozen=True):
    """One journal entry, still packed."""

    id: str
    packed: bytes


class Journal:
    """Reads and appends entries. Give it a client without a socket timeout when `read` shall wait."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def append(self, packed: bytes) -> None:
        """Add an event at the end."""
        with border():
            self._redis.xadd(self._keys.journal, {FIELD: packed})

    def read(self, after: str, *, count: int, wait_ms: int) -> list[Entry]:
        """Give up to `count` entries after a checkpoint; when there are none, wait so long for one (0: don't)."""
        with border():
            answer = self._redis.xread({self._keys.journal: after}, count=count, block=wait_ms or None)
        streams = cast(_Streams, answer or [])
        return [Entry(name.decode(), fields.get(FIELD, b"")) for _, entries in streams for name, fields in entries]


def after(checkpoint: str) -> str:
    """Give the smallest id after a checkpoint: what lies before it can be trimmed."""
    milliseconds, _, sequence = checkpoint.partition("-")
    return f"{milliseconds}-{int(sequence) + 1}"

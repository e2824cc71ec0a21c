"""Which policies were published and which came into force: each with its texts, so that one may come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from alertrouter.store.keys import Keys
from alertrouter.store.scripts import Argument

FIELD: Final = "r"
"""Of an entry: the packed revision. The other fields are what the script that drops some asks of it."""
MOST: Final = 40
"""So many are kept."""
BY_ITSELF: Final = "router (calendars)"
"""Who activates a policy anew because its calendars say something else. Such ones make room first."""
ADD: Final = "revisions_add"
"""The script by which both the router and the doors keep one."""


class Happened(StrEnum):
    """What happened to a policy."""

    PUBLISHED = "published"
    ACTIVATED = "activated"


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A policy at the moment when somebody published it, or when it came into force. `files` are its texts by name."""

    happened: Happened
    revision: str
    at: datetime
    actor: str
    files: dict[str, str]


def pack(revision: Revision) -> bytes:
    """Make a record of it."""
    return msgspec.msgpack.encode(revision)


def unpack(packed: bytes) -> Revision:
    """Read a record; raises `msgspec.DecodeError` when it is none."""
    return msgspec.msgpack.decode(packed, type=Revision)


def of_entry(fields: Mapping[bytes, bytes]) -> Revision:
    """Read an entry of the stream; raises as `unpack`, and `KeyError` when it holds no record."""
    return unpack(fields[FIELD.encode()])


def adding(keys: Keys, revision: Revision) -> tuple[list[str], list[Argument]]:
    """Give the keys and arguments of the script that keeps it."""
    itself = int(revision.actor == BY_ITSELF)
    return [keys.revisions, keys.active], [pack(revision), revision.revision, revision.happened.value, itself, MOST]

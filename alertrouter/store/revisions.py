"""Which policies were published and which came into force: each with its texts, so that one may come back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

FIELD: Final = "r"
MOST: Final = 40
"""So many of the newest are kept."""


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

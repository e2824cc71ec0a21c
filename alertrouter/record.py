"""What the history keeps: alerts that began and ended, who was told, what happened to incidents.

As a file it is one JSON object a line. It is enough to live a month again under another policy, and to report on it.
A repeat of a firing alert is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from alertrouter.alert import Fingerprint
from alertrouter.errors import PayloadError
from alertrouter.transition import Transition


class Fired(msgspec.Struct, frozen=True, kw_only=True, tag="fired"):
    """An alert began to fire, and joined these incidents."""

    at: datetime
    alert: Fingerprint
    labels: dict[str, str]
    starts_at: datetime
    incidents: tuple[str, ...] = ()


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """An alert is over."""

    at: datetime
    alert: Fingerprint


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """A message to a receiver was owed; `over` says that it tells of the end."""

    at: datetime
    incident: str
    receiver: str
    channel: str
    severity: str
    over: bool = False


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """A transition of an incident: `by` is the person who did it, `until` the end of what they asked for."""

    at: datetime
    incident: str
    transition: Transition
    route: str = ""
    severity: str = ""
    by: str = ""
    until: datetime | None = None


Record: TypeAlias = Fired | Ended | Told | Moved

_PACK: Final = msgspec.msgpack.Encoder()
_UNPACK: Final = msgspec.msgpack.Decoder(list[Record])
_WRITE: Final = msgspec.json.Encoder()
_READ: Final = msgspec.json.Decoder(Record)


def pack(records: list[Record]) -> bytes:
    """Pack the records of one commit."""
    return _PACK.encode(records)


def unpack(packed: bytes) -> list[Record]:
    """Unpack them. Raises `msgspec.DecodeError`, `msgspec.ValidationError`."""
    return _UNPACK.decode(packed)


def lines(records: Iterable[Record]) -> Iterator[bytes]:
    """Write them as JSON, one a line."""
    for record in records:
        yield _WRITE.encode(record) + b"\n"


def read_lines(content: Iterable[bytes], name: str) -> Iterator[Record]:
    """Read them again; `name` says in errors where they stand. Raises `PayloadError`."""
    for number, line in enumerate(content, 1):
        if line.strip():
            try:
                yield _READ.decode(line)
            except msgspec.DecodeError as error:
                raise PayloadError(f"{name}:{number}: no line of a history: {error}") from None

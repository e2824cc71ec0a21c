"""What the history keeps: alerts that began and ended, who was told, what happened to incidents, what was silenced.

As a file it is one JSON object a line. It is enough to live a month again under another policy, and to report on it.
A repeat of a firing alert is not in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from alertrouter.alert import Fingerprint
from alertrouter.errors import PayloadError
from alertrouter.silence import Silence, SilenceMatcher
from alertrouter.transition import Transition


class Fired(msgspec.Struct, frozen=True, kw_only=True, tag="fired"):
    """An alert began to fire, and joined these incidents."""

    at: datetime
    alert: Fingerprint
    labels: dict[str, str]
    starts_at: datetime
    incidents: tuple[str, ...] = ()


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="fired"):
    """What `Fired` is, as a commit writes it: with the labels packed, as the router has them."""

    at: datetime
    alert: Fingerprint
    labels: msgspec.Raw
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


class Silenced(msgspec.Struct, frozen=True, kw_only=True, tag="silenced"):
    """A silence was set, changed or ended, and is so from now on. One that ends now has `ends_at` at `at`.

    `silence` is its id. `by` is who did it, "" when it ended with the last of its alerts. `maintenance` names the
    window of the policy whose silence people changed or ended. Windows that open and close, and a silence that begins
    or ends when it was meant to, are not recorded.
    """

    at: datetime
    silence: str
    matchers: tuple[SilenceMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    with_alerts: bool = False
    by: str = ""
    comment: str = ""
    maintenance: str = ""

    @property
    def over(self) -> bool:
        """Tell whether it was ended."""
        return self.ends_at <= self.at


def silenced(silence: Silence, at: datetime, by: str) -> Silenced:
    """The record of a silence as it stands at a moment."""
    return Silenced(
        at=at,
        silence=silence.id,
        matchers=silence.matchers,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        with_alerts=silence.with_alerts,
        by=by,
        comment=silence.comment,
        maintenance=silence.maintenance,
    )


Record: TypeAlias = Fired | Ended | Told | Moved | Silenced

_SMALL: Final = 1024
"""Fewer bytes are not worth compressing."""

_COMPRESSED: Final = b"\x78"
"""How zlib's form begins; in MessagePack it would be the number 120."""

_PACK: Final = msgspec.msgpack.Encoder()
_UNPACK: Final = msgspec.msgpack.Decoder(list[Record])
_WRITE: Final = msgspec.json.Encoder()
_READ: Final = msgspec.json.Decoder(Record)


def pack(records: Sequence[Record | Begun]) -> bytes:
    """Pack the records of one commit. Those of a storm resemble each other: compressed they take a tenth."""
    packed = _PACK.encode(records)
    return packed if len(packed) < _SMALL else zlib.compress(packed, level=1)


def unpack(packed: bytes) -> list[Record]:
    """Unpack them. Raises `msgspec.DecodeError`, `msgspec.ValidationError`."""
    if packed.startswith(_COMPRESSED):
        try:
            packed = zlib.decompress(packed)
        except zlib.error as error:
            raise msgspec.DecodeError(f"compressed records are damaged: {error}") from None
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

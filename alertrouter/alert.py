"""An alert: one label set, and what was last said about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final, NewType, TypeAlias

import msgspec

Labels: TypeAlias = Mapping[str, str]
"""Label names to values. A label that is not there equals the empty string."""

Fingerprint = NewType("Fingerprint", str)
"""Names a label set within alertrouter: 16 hex digits. Alertmanager's name for it is another one, see below."""

_PACK: Final = msgspec.msgpack.Encoder(order="deterministic").encode
_PACK_UNSORTED: Final = msgspec.msgpack.Encoder().encode
_UNPACK: Final = msgspec.msgpack.Decoder(dict[str, str]).decode

_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_MASK: Final = 0xFFFFFFFFFFFFFFFF
_LABELS_REMEMBERED: Final = 8192
_LANE: Final = 14
"""Bytes of a lane: a hash times the prime takes 105 bits."""
_MOST_LANES: Final = 256
_ASCII: Final = bytes(range(0x80))
_TO_FF: Final = _ASCII + b"\xff" * 0x80
_SHORT: Final = bytes(range(0x80, 0xC0))
_LENGTH: Final = re.compile(b"\xd9.|\xda..|\xdb....", re.DOTALL)
_LONG: Final = 4096
"""A text of more bytes is hashed by itself: 256 of them in lanes would take memory."""


def pack(labels: Labels) -> bytes:
    """Pack labels, sorted by name: equal ones give equal bytes."""
    return _PACK(labels)


def pack_annotations(annotations: Mapping[str, str]) -> bytes:
    """Pack annotations as they come: a sender always writes them in the same order."""
    return _PACK_UNSORTED(annotations)


NOTHING: Final = pack({})
"""The bytes of no labels, or of no annotations."""


def fingerprint_of(packed: bytes) -> Fingerprint:
    """Name a label set by its packed bytes, about 1 µs."""
    return Fingerprint(blake2b(packed, digest_size=8).hexdigest())


def fingerprint(labels: Labels) -> Fingerprint:
    """Name a label set within alertrouter."""
    return fingerprint_of(pack(labels))


def alertmanager_fingerprint(labels: Labels) -> str:
    """Name a label set as Alertmanager does: FNV-1a 64 over name, 0xff, value, 0xff, sorted by name.

    10 µs and more in Python, hence only for what is shown.
    Source: https://github.com/prometheus/common/blob/main/model/signature.go
    """
    value = _FNV_OFFSET
    for name, text in sorted(labels.items()):
        times, plus = _fnv_step(value & 0xFF, name, text)
        value = (value * times + plus) & _MASK
    return f"{value:016x}"


def alertmanager_fingerprints(packed: Iterable[bytes]) -> list[str]:
    """Name many label sets, as they are packed, as Alertmanager does: 4 to 5 µs each.

    New ones must be hashed byte by byte, and Python takes hardly longer for one byte of each than for one byte of one.
    """
    texts = list(map(_hashed_text, packed))
    order = sorted(range(len(texts)), key=[len(text) for text in texts].__getitem__)
    hashed = chain.from_iterable(map(_fnv_of_all, _alike([texts[at] for at in order])))
    names = dict(zip(order, hashed, strict=True))
    return [names[at] for at in range(len(texts))]


def _hashed_text(packed: bytes) -> bytes:
    """What the hash runs over: names and values, sorted by name, each followed by 0xff.

    That is nearly what MessagePack writes: a text of up to 31 bytes follows one byte, a longer one 0xd9, 0xda or 0xdb
    and its length; less than 16 labels follow one byte, too. When there are no other bytes above 0x7f, then all texts
    are ASCII.
    """
    high = packed.translate(None, _ASCII)
    if 1 < len(high) == 2 * (packed[0] - 0x80) + 1 < 2 * 16:
        short = _LENGTH.sub(b"\xff", packed) if high.strip(_SHORT) else packed
        return short.translate(_TO_FF)[2:] + b"\xff"
    parts = [text.encode() for pair in _UNPACK(packed).items() for text in pair]
    return b"\xff".join([*parts, b""])


def _alike(texts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Part texts, shortest first, into those of about one length: each takes as long as the longest beside it."""
    start = 0
    for at, text in enumerate(texts):
        if at > start and (at - start == _MOST_LANES or len(text) > min(_LONG, 2 * len(texts[start]))):
            yield texts[start:at]
            start = at
    if texts:
        yield texts[start:]


def _fnv_of_all(texts: Sequence[bytes]) -> Iterator[str]:
    """FNV-1a of texts, each in its lane of one long number; one that is shorter than others starts later.

    A lane that has not started is 0, and stays so. It starts with the hash of what all of them begin with.
    """
    if len(texts) == 1 or not texts[-1]:
        yield from (f"{_fnv(text, _FNV_OFFSET):016x}" for text in texts)
        return
    first, last = min(texts), max(texts)
    alike = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    alike = min(alike, len(texts[0]) - 1)
    begun = _fnv(first[:alike], _FNV_OFFSET)
    turn, longest = _LANE * len(texts), len(texts[-1])
    buffer = bytearray(turn * (longest - alike))
    for lane, text in enumerate(texts):
        start = turn * (longest - len(text)) + _LANE * lane
        buffer[start::turn] = text[alike:]
        buffer[start : start + 8] = (begun ^ text[alike]).to_bytes(8, "little")
    mask = int.from_bytes((b"\xff" * 8).ljust(_LANE, b"\0") * len(texts), "little")
    value = 0
    for at in range(0, len(buffer), turn):
        value = ((value ^ int.from_bytes(buffer[at : at + turn], "little")) * _FNV_PRIME) & mask
    hashes = value.to_bytes(turn, "little")
    for at in range(0, turn, _LANE):
        yield hashes[at : at + 8][::-1].hex()


def _fnv(written: bytes, value: int) -> int:
    """FNV-1a 64 of bytes, after what gave `value`."""
    four = iter(written)
    for a, b, c, d in zip(four, four, four, four, strict=False):  # in one turn: half the time of one by one
        value = ((((((((value ^ a) * _FNV_PRIME) ^ b) * _FNV_PRIME) ^ c) * _FNV_PRIME) ^ d) * _FNV_PRIME) & _MASK
    for byte in written[len(written) & ~3 :]:
        value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return value


@lru_cache(_LABELS_REMEMBERED)
def _fnv_step(low: int, name: str, text: str) -> tuple[int, int]:
    """What one label does to a hash that ends in the byte `low`: it becomes `hash * times + plus`.

    FNV-1a is linear but for the lowest byte, so the step over a label that many alerts share is worth remembering.
    """
    written = name.encode() + b"\xff" + text.encode() + b"\xff"
    value = _fnv(written, low)
    times = pow(_FNV_PRIME, len(written), _MASK + 1)
    return times, (value - low * times) & _MASK


class AlertReport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a sender said about one alert, once.

    `labels` and `annotations` are the bytes of `pack`, and stay so until the router has seen that it doesn't know
    them: a re-sent alert is then one dict look-up. `ends_at` is None while it fires with no end in sight; an alert
    whose `ends_at` is not after the event's time is resolved. `timeout` says that the sender gave no end: it lies as
    far ahead as such an alert fires unless it is sent again.
    """

    labels: msgspec.Raw
    annotations: msgspec.Raw
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""
    timeout: bool = False

    @classmethod
    def of(
        cls,
        labels: Labels,
        annotations: Mapping[str, str] | None = None,
        *,
        starts_at: datetime,
        ends_at: datetime | None = None,
        generator_url: str = "",
    ) -> AlertReport:
        """Make a report from plain values; labels with an empty value are dropped, as Alertmanager does."""
        packed = pack({name: value for name, value in labels.items() if value})
        return cls(
            msgspec.Raw(packed), msgspec.Raw(pack_annotations(annotations or {})), starts_at, ends_at, generator_url
        )

    def label_set(self) -> dict[str, str]:
        """Unpack the labels."""
        return _UNPACK(self.labels)

    def annotation_set(self) -> dict[str, str]:
        """Unpack the annotations."""
        return _UNPACK(self.annotations)


class Alert(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One label set with its newest report, as the router remembers it.

    Labels and annotations stay packed: as dicts they would take four times the memory. `incidents` are the ids of the
    incidents it belongs to, in route order. `updated_at` and a moved `ends_at` are persisted lazily, in bulk.
    `timeout`: nobody gave that end, see `AlertReport`.
    """

    fingerprint: Fingerprint
    packed_labels: bytes
    packed_annotations: bytes
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    generator_url: str = ""
    incidents: tuple[str, ...] = ()
    timeout: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """Unpack the labels, about 0.6 µs each time."""
        return _UNPACK(self.packed_labels)

    @property
    def annotations(self) -> dict[str, str]:
        """Unpack the annotations."""
        return _UNPACK(self.packed_annotations)

    def firing(self, now: datetime) -> bool:
        """Tell whether it fires at `now`."""
        return self.ends_at is None or self.ends_at > now

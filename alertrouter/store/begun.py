"""How it is written down which alerts began to fire: eight bytes each, for those who keep an index elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from alertrouter.alert import Fingerprint

BEGUN: Final = b"f"
BEGUN_FOR: Final = timedelta(hours=1)
"""Who has not read for so long reads all alerts anew."""


def pack_marks(marks: Iterable[Fingerprint]) -> bytes:
    """Pack fingerprints."""
    return b"".join(map(bytes.fromhex, marks))


def unpack_marks(packed: bytes) -> Iterable[int]:
    """Give the fingerprints as numbers."""
    return (int.from_bytes(packed[start : start + 8]) for start in range(0, len(packed) - 7, 8))


def number_of(mark: Fingerprint) -> int:
    """The number that a fingerprint is."""
    return int(mark, 16)


def field_of(number: int) -> str:
    """A fingerprint as Redis has it."""
    return f"{number:016x}"

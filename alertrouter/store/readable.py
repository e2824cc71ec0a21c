"""What can be read of many records: one that can't must not keep the others from whoever asks.

The router names those of its state in its log when it takes over, and `alertrouter backup` names all, each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

_Packed = TypeVar("_Packed")
_T = TypeVar("_T")

UNREADABLE: Final = (ValueError, KeyError, RecursionError)
"""What reading a record raises that is of another version, or broken: `msgspec.DecodeError` is a `ValueError`."""


def readable(packed: Iterable[_Packed], read: Callable[[_Packed], _T]) -> Iterator[_T]:
    """Unpack records, and leave out those of another version or broken."""
    for one in packed:
        try:
            yield read(one)
        except UNREADABLE:
            continue

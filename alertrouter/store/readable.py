"""What can be read of many records: one that can't must not keep the others from whoever asks.

The router names it in its log when it takes over, and `alertrouter backup` does each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def readable(packed: Iterable[bytes], decoder: msgspec.msgpack.Decoder[_T]) -> Iterator[_T]:
    """Unpack records, and leave out those of another version or broken."""
    for one in packed:
        try:
            yield decoder.decode(one)
        except msgspec.DecodeError:
            continue

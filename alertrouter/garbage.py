"""Python's search for garbage in cycles, set for processes that keep much and make few cycles."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NEW_OBJECTS: Final = 20_000
"""So many new containers start a search. Python's own 700 costs the router a quarter of its time in a storm."""


_settled_in: int = 0


def settle() -> None:
    """What is there now will stay: look through it once, and from now on only through what is new.

    What a fork has from its parent is not looked through: that would copy the memory that they share.
    """
    global _settled_in  # noqa: PLW0603  the interpreter's garbage is one thing, too
    if _settled_in == os.getpid():
        gc.unfreeze()
    _settled_in = os.getpid()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 50)


@contextmanager
def paused() -> Iterator[None]:
    """Make many things that stay, and don't look through them meanwhile again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def share() -> None:
    """What is there now will be shared with forks: it is never looked through again."""
    gc.collect()
    gc.freeze()

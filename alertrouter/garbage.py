"""Python's search for garbage in cycles, set for processes that keep much and make few cycles."""

from __future__ import annotations

import gc
from typing import Final

NEW_OBJECTS: Final = 20_000
"""So many new containers start a search. Python's own 700 costs the router a quarter of its time in a storm."""


def settle() -> None:
    """What is there now will stay: look through it once, and from now on only through what is new."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 50)

"""Waiting for what other processes and threads do: by asking, with a deadline, never by sleeping long enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_T = TypeVar("_T")

PATIENCE: Final = 3
"""Deadlines are for what never comes: each is this many times what the test says, for machines that stall."""


def eventually(
    check: Callable[[], _T], what: str | Callable[[], str], within: float = 10, *, every: float = 0.02
) -> _T:
    """Ask `check` until it says something true, give that; fails when it never does, naming what was wanted."""
    ends = time.monotonic() + within * PATIENCE
    while not (found := check()):
        if time.monotonic() > ends:
            raise AssertionError(f"not within {within:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(every)
    return found

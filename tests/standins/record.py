"""What a stand-in has received: a list that other threads can wait on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tests.waiting import PATIENCE

T = TypeVar("T")


class Record(Generic[T]):
    """A growing list. Every look at it is a copy, so it can be read while more comes in."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._changed = threading.Condition()

    def add(self, item: T) -> None:
        """Append, and wake whoever waits."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def items(self) -> list[T]:
        """Everything so far, in order of arrival."""
        with self._changed:
            return list(self._items)

    def clear(self) -> None:
        """Forget everything so far."""
        with self._changed:
            self._items.clear()

    def wait_for(self, predicate: Callable[[list[T]], object], deadline: float) -> list[T]:
        """Everything so far, as soon as the predicate holds for it; fails long after `deadline` seconds."""
        until = time.monotonic() + deadline * PATIENCE
        with self._changed:
            while not predicate(list(self._items)):
                if not self._changed.wait(max(until - time.monotonic(), 0)):
                    raise AssertionError(f"not within {deadline:g} s; received {len(self._items)}: {self._items[-5:]}")
            return list(self._items)

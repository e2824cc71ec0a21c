"""Moments of a test's story, counted from one Monday morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def at(*, minutes: float = 0, seconds: float = 0, milliseconds: float = 0) -> datetime:
    """The moment so long after the start."""
    return START + timedelta(minutes=minutes, seconds=seconds, milliseconds=milliseconds)


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def set(self, *, minutes: float = 0, seconds: float = 0, milliseconds: float = 0) -> datetime:
        """Move it to so long after the start."""
        self.now = at(minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        return self.now

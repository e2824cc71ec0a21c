"""Moments as Redis keeps them: whole milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Give a moment in milliseconds, rounded up, so that nothing is due early."""
    return -((_START - moment) // _MILLISECOND)


def from_ms(milliseconds: float) -> datetime:
    """Give the moment of so many milliseconds."""
    return _START + timedelta(milliseconds=milliseconds)

"""Moments by the clocks of Berlin."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

clock = datetime.fromisoformat
"""A time on a wall, in whatever zone the wall is."""

BERLIN = ZoneInfo("Europe/Berlin")


def berlin(text: str) -> datetime:
    """A moment by the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)

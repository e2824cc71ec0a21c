"""Summaries: what one destination is told of many incidents in one message, in a storm or as a digest."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

_NAMES_REMEMBERED: Final = 4096


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What one destination, under one policy, waits to be told of together.

    `recent` are the last times at which it was told something by itself: so many, so close together, are a storm.
    `waiting` are the incidents that it will be told of at `due`, `flights` those of each summary that is on its way.
    """

    id: str
    destination: str
    revision: str
    recent: tuple[datetime, ...] = ()
    waiting: tuple[str, ...] = ()
    due: datetime | None = None
    last_at: datetime | None = None
    flights: dict[str, tuple[str, ...]] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in a summary, as it stands when that leaves."""

    incident: str
    labels: dict[str, str]
    fires: bool
    since: datetime
    ended_at: datetime | None = None


@lru_cache(_NAMES_REMEMBERED)
def summary_id(destination: str, revision: str) -> str:
    """Name the summaries of a destination under a policy."""
    return f"SUM-{sha256(f'{revision} {destination}'.encode()).hexdigest()[:12]}"

"""Flapping: what ends and fires again, over and over, is one problem that goes on, told once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingRule:
    """An incident that fires again `flips` times `within` so long flaps, until nothing changes for `stable_for`."""

    flips: int = 5
    within: timedelta = timedelta(minutes=30)
    stable_for: timedelta = timedelta(minutes=15)

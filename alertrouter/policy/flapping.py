"""Noise: what ends and fires again, over and over, is one problem; and a storm of messages is told in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingRule:
    """An incident that fires again `flips` times `within` so long flaps, until nothing changes for `stable_for`."""

    flips: int = 5
    within: timedelta = timedelta(minutes=30)
    stable_for: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """More than so many messages to one destination `within` so long are a storm: the others are told together."""

    incidents: int
    within: timedelta = timedelta(minutes=1)

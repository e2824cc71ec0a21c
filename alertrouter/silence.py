"""A silence: for a time, alerts that meet its matchers are told to nobody. Who asked for it, why, and until when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class SilenceState(StrEnum):
    """How far a silence has come."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    """Over; kept for a few days, so that it can be looked at and set anew."""


class SilenceMatcher(msgspec.Struct, frozen=True):
    """One condition, in the four fields of Alertmanager's API."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        """Write it as people do: `team="db"`."""
        operator = ("=~" if self.is_equal else "!~") if self.is_regex else ("=" if self.is_equal else "!=")
        value = self.value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        return f'{self.name}{operator}"{value}"'


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """One silence, in force from `starts_at` up to, but not at, `ends_at`. All of its matchers must be met.

    `state` is how far its timers have come, `noticed` that people were told of its coming end. One that goes
    `with_alerts` ends by itself when none of them has fired for a while; `idle_since` is when the last one was over,
    None while one fires or before the first. `maintenance` names the window of the policy that it stands for,
    which closes at `window_until`; people may have ended it before that.
    """

    id: str
    matchers: tuple[SilenceMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    state: SilenceState = SilenceState.PENDING
    noticed: bool = False
    with_alerts: bool = False
    idle_since: datetime | None = None
    maintenance: str = ""
    window_until: datetime | None = None

    @property
    def short(self) -> str:
        """What people call it: the beginning of its id."""
        return short_id(self.id)

    @property
    def account(self) -> str:
        """Say who holds something back, why, and until when."""
        why = f": {self.comment}" if self.comment else ""
        return f"silenced by {self.short} until {self.ends_at:%Y-%m-%d %H:%M} UTC ({self.created_by}{why})"

    def in_force(self, now: datetime) -> bool:
        """Tell whether it holds alerts back at `now`."""
        return self.starts_at <= now < self.ends_at

    def state_at(self, now: datetime) -> SilenceState:
        """Tell how it stands at `now`, whatever its timers have seen of that."""
        if now < self.starts_at:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.ends_at else SilenceState.EXPIRED


def short_id(silence: str) -> str:
    """Name a silence in few signs: `S-1f2e3d4c`."""
    return f"S-{silence[:8]}"

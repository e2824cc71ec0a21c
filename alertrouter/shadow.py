"""A policy in the shadow: it decides beside the one in force and tells nobody; and what that has come to so far.

Pairs are (live, shadow). A page is a message that wakes somebody; ends are messages, but no pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy is the shadow, since when and by whom. `against` was in force when it began.

    `records` and `revisions` are the last entries of those streams before it: what comes after them is its own.
    """

    revision: str
    against: str
    since: datetime
    actor: str
    records: str
    revisions: str


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What has come of a shadow until a moment.

    `begins` is not None when the history was trimmed: what was before is not in the numbers. `live` is the revision in
    force. `paged` are the pages that really went out. `changed` counts incidents for which somebody would have been
    told something else, or at another time. `stopped` says why it decides no more, "" while it does; `failed`: it could
    not go on.
    """

    until: datetime
    live: str
    begins: datetime | None = None
    events: int = 0
    paged: int = 0
    pages: tuple[int, int] = (0, 0)
    messages: tuple[int, int] = (0, 0)
    changed: int = 0
    stopped: str = ""
    failed: bool = False


class ToldThen(msgspec.Struct, frozen=True):
    """One message that was, or would have been, sent."""

    at: datetime
    receiver: str
    page: bool
    over: bool


class ChangedThen(msgspec.Struct, frozen=True):
    """Incidents with the same alerts for which something else would have been told; the first messages of each side."""

    title: str
    at: datetime
    live: tuple[ToldThen, ...]
    shadow: tuple[ToldThen, ...]


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers by receiver (messages), by team and by hour of the day in `timezone` (pages); the newest changes."""

    timezone: str = "UTC"
    by_receiver: Mapping[str, tuple[int, int]] = {}
    by_team: Mapping[str, tuple[int, int]] = {}
    by_hour: Mapping[int, tuple[int, int]] = {}
    changed: tuple[ChangedThen, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow, and how it stands; None: nothing has been looked at yet."""

    shadow: Shadow
    sums: Sums | None = None

"""What two policies came to with the same records: numbers as pairs of (old, new), and what went otherwise.

`replay -o json` prints it so. A page is a message that wakes somebody; ends are messages, but no pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from alertrouter.shadow import ToldThen


class Changed(msgspec.Struct, frozen=True):
    """Incidents, by what their alerts have in common, for which other people are told, or at other times."""

    title: str
    at: datetime
    old: tuple[ToldThen, ...]
    new: tuple[ToldThen, ...]


class Replayed(msgspec.Struct, frozen=True):
    """The two runs side by side. Receivers count messages, teams and hours pages."""

    events: int
    since: datetime | None
    until: datetime | None
    pages: tuple[int, int]
    messages: tuple[int, int]
    by_receiver: Mapping[str, tuple[int, int]]
    by_team: Mapping[str, tuple[int, int]]
    by_hour: Mapping[int, tuple[int, int]]
    changed: tuple[Changed, ...]

    @property
    def more_pages(self) -> bool:
        """Tell whether the new policy pages more often."""
        return self.pages[1] > self.pages[0]

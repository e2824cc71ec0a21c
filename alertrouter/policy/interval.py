"""Time intervals in Alertmanager's grammar: minutes of days, weekdays, days of month, months, years, in a zone."""

from __future__ import annotations

from datetime import datetime


class TimeInterval:
    """One entry of a named interval; its fields are ANDed."""

    def contains(self, now: datetime) -> bool:
        """Tell whether the instant lies in it."""
        raise NotImplementedError

"""What `doctor` looks at of calendars: whether they come, can be read, and name people of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from alertrouter.calendars.feed import read_calendar, sources
from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.errors import CalendarError
from alertrouter.policy.policy import Policy
from alertrouter.settings import Settings

CHECK: Final = "calendar"


def calendars(policy: Policy, settings: Settings) -> Iterator[Finding]:
    """Fetch the calendar of each schedule that has one."""
    now = datetime.now(UTC)
    for source in sources(policy):
        name, fallback = source.schedule.name, source.schedule.fallback
        try:
            reading = read_calendar(source, settings, now)
        except CalendarError as error:
            yield wrong(CHECK, f"{name}: {error}", f"until then its last shifts count, and without any {fallback}")
            continue
        ahead = [shift for shift in reading.shifts if shift.until > now]
        if reading.unknown:
            titles = ", ".join(f"`{title}`" for title in reading.unknown[:3])
            mend = "put the address or the name of somebody under `people` into these events"
            yield warning(CHECK, f"{name}: {len(reading.unknown)} titles name nobody of the policy, as {titles}", mend)
        if not ahead:
            yield warning(CHECK, f"{name}: no shift from now on names anybody", f"its layers count, or {fallback}")
        else:
            until = ahead[-1].until.astimezone(source.schedule.zone)
            yield fine(CHECK, f"{name}: {len(ahead)} shifts until {until:%Y-%m-%d %H:%M %Z}")

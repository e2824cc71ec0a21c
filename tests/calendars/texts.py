"""Calendars as servers publish them."""

from __future__ import annotations

import itertools
from typing import Final

NUMBERS: Final = itertools.count(1)
BERLIN: Final = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""


def calendar(*events: str) -> str:
    """A calendar of these events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//rota//EN", BERLIN, *events, "END:VCALENDAR", ""]
    return "\r\n".join("\n".join(lines).splitlines()) + "\r\n"


def event(since: str, until: str, *lines: str, uid: str = "") -> str:
    """An event in the time of Berlin, or in UTC when the times end with Z; one without `uid` has its own."""
    zone = "" if since.endswith("Z") else ";TZID=Europe/Berlin"
    times = (f"DTSTART{zone}:{since}", f"DTEND{zone}:{until}")
    named = f"UID:{uid or f'{next(NUMBERS)}@example.com'}"
    return "\n".join(("BEGIN:VEVENT", named, "DTSTAMP:20260101T000000Z", *times, *lines, "END:VEVENT"))

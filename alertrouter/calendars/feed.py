"""Fetching calendars: each over HTTP, once, within seconds, and not too much of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alertrouter.calendars.shifts import Reading, read_shifts
from alertrouter.errors import CalendarError, SettingsError
from alertrouter.notifiers import http
from alertrouter.notifiers.notifier import Patience
from alertrouter.policy.oncall import Person, Schedule
from alertrouter.policy.policy import Policy
from alertrouter.settings import Settings

PATIENCE: Final = Patience(connect=5, read=10)
MOST_SECONDS: Final = 30.0
MOST_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A schedule whose shifts are in a calendar, and those who may be in there."""

    schedule: Schedule
    people: tuple[Person, ...]


def sources(policy: Policy) -> tuple[Source, ...]:
    """Give the schedules of a policy that have a calendar."""
    people = tuple(policy.people.values())
    return tuple(Source(schedule, people) for schedule in policy.schedules.values() if schedule.ical)


def read_calendar(source: Source, settings: Settings, now: datetime) -> Reading:
    """Fetch a schedule's calendar and read it. Raises `CalendarError`."""
    try:
        url = settings.resolve(source.schedule.ical).strip()
    except SettingsError as error:
        raise CalendarError(str(error)) from None
    if not url:
        raise CalendarError(f"{source.schedule.ical} is not set")
    text = _fetched(url.replace("webcal://", "https://", 1) if url.startswith("webcal://") else url)
    return read_shifts(text, source.people, source.schedule.zone, now)


def _fetched(url: str) -> str:
    try:
        with http.client(url, PATIENCE) as client, client.stream("GET", url) as response:
            body = b"".join(_limited(response.iter_bytes()))
            status = response.status_code
    except http.NO_ANSWER as error:
        raise CalendarError(str(http.failure_of(error, "the calendar"))) from None
    if status != 200:
        there = ": give the address that it redirects to" if 300 <= status < 400 else ""
        raise CalendarError(f"the calendar's server answered {status}{there}")
    return body.decode("utf-8", "replace")


def _limited(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Let parts through; raises `CalendarError` when they are too many, or come too slowly."""
    ends, size = time.monotonic() + MOST_SECONDS, 0
    for part in parts:
        size += len(part)
        if size > MOST_BYTES:
            raise CalendarError(f"the calendar is larger than {MOST_BYTES} bytes")
        if time.monotonic() > ends:
            raise CalendarError(f"the calendar did not arrive within {MOST_SECONDS:g} s")
        yield part

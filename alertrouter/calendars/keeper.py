"""Keeps the calendars of the policy in force read, beside the router's loop, which never waits for one.

What was read stands in a file of its own among the policy's (`FILE`), written by nobody else. A calendar that can't be
fetched or read leaves its shifts as they were: those of the last good reading, which came with the active policy.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from alertrouter import log
from alertrouter.calendars.feed import Source, read_calendar, sources
from alertrouter.errors import CalendarError, PolicyError
from alertrouter.policy.load import CALENDARS, load
from alertrouter.policy.oncall import Shift
from alertrouter.settings import Settings

FILE: Final = CALENDARS
"""Its name among the policy's files: none on disk is called so, for those end with .yml."""

_ICAL: Final = re.compile(r"\bical(_file)?\b")

_log = log.get(__name__)


class Calendars(threading.Thread):
    """Reads the calendars that `add_to` has come across every `settings.ical_every` seconds, new ones at once."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(name="calendars", daemon=True)
        self._settings = settings
        self._clock = clock
        self._wanted: tuple[Source, ...] = ()
        self._shifts: dict[str, tuple[Shift, ...]] = {}
        self._asked = threading.Event()
        self._stopped = False
        self._readings = 0
        self._looked_at: tuple[str, int] = "", 0

    def add_to(self, files: Mapping[str, str]) -> dict[str, str]:
        """Give a policy's files with what is known of its calendars. Raises `PolicyError`."""
        own = {name: text for name, text in files.items() if name != FILE}
        if not any(_ICAL.search(text) for text in own.values()):
            self._want(())
            return own
        policy = load(own)
        self._want(sources(policy))
        known = {one.schedule.name: self._known(one) for one in self._wanted}
        return {**own, FILE: written(known)} if any(known.values()) else own

    def take_over(self, revision: str, files: Mapping[str, str]) -> None:
        """Know the shifts that the active policy came with, of schedules of which nothing has been read yet."""
        self._looked_at = revision, -1
        with contextlib.suppress(PolicyError):  # of an earlier version; the engine has said so
            for schedule in load(files).schedules.values() if FILE in files else ():
                self._shifts.setdefault(schedule.name, schedule.shifts)

    def changed(self, revision: str) -> bool:
        """Tell, once, that a calendar was read anew, or that another policy is in force than before."""
        now = revision, self._readings
        before, self._looked_at = self._looked_at, now
        return now != before

    def refresh(self) -> None:
        """Read all calendars now."""
        for source in self._wanted:
            name = source.schedule.name
            try:
                reading = read_calendar(source, self._settings, self._clock())
            except CalendarError as error:
                kept = len(self._shifts.get(name, ()))
                _log.error("calendar not read, its last shifts stay", schedule=name, reason=str(error), shifts=kept)
                continue
            except Exception:  # noqa: BLE001  whatever a calendar does to its reader, the others are read
                _log.exception("calendar not read, its last shifts stay", schedule=name)
                continue
            if reading.unknown:
                _log.warning("calendar names nobody of the policy", schedule=name, titles=reading.unknown)
            if self._shifts.get(name) != reading.shifts:
                _log.info("calendar read", schedule=name, shifts=len(reading.shifts))
                self._shifts[name] = reading.shifts
                self._readings += 1

    def run(self) -> None:
        """Read again and again until told to stop."""
        while not self._stopped:
            self._asked.wait(self._settings.ical_every)
            self._asked.clear()
            if not self._stopped:
                self.refresh()

    def stop(self) -> None:
        """Read nothing from now on; a request under way is left alone."""
        self._stopped = True
        self._asked.set()

    def _want(self, wanted: tuple[Source, ...]) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._asked.set()

    def _known(self, source: Source) -> tuple[Shift, ...]:
        """The shifts last read, without those of people who have left the policy since."""
        people = {person.name for person in source.people}
        return tuple(shift for shift in self._shifts.get(source.schedule.name, ()) if shift.person in people)


def written(shifts: Mapping[str, tuple[Shift, ...]]) -> str:
    """Write shifts down as a policy file. JSON is YAML too."""
    entries = {
        name: [{"person": one.person, "from": one.since.isoformat(), "until": one.until.isoformat()} for one in found]
        for name, found in sorted(shifts.items())
    }
    return msgspec.json.format(msgspec.json.encode({"calendars": entries}), indent=1).decode()

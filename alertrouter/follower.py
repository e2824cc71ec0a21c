"""The follower: a process of its own that decides what the shadow would have, from what the router wrote down.

It reads the recorded history and writes nothing but what it found. So the router neither waits for it nor knows of it,
and whatever goes wrong here ends the shadow alone. It keeps nothing: started again, it lives the history again from
the shadow's beginning. A web process starts it while there is a shadow, wherever no other one runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from alertrouter import log
from alertrouter.errors import AlertrouterError, StoreUnavailable
from alertrouter.outage import Outage
from alertrouter.policy.load import load, own_revision
from alertrouter.record import Record, silenced
from alertrouter.settings import Settings, from_environment
from alertrouter.shadow import Shadow, Sums
from alertrouter.simulate.beside import Beside
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.keys import Keys
from alertrouter.store.revisions import Revision
from alertrouter.store.shadow_following import Begun, ShadowFollowing

LOOK_EVERY: Final = 1.0
SETTLING: Final = timedelta(seconds=3)
"""What happens is written down a little later, by clocks of several machines: so far behind them time goes on here."""

SHARE_OF_TIME: Final = 0.05
REST: Final = 3.0
"""After work it rests so many times as long: also where the quota of a container is shared, a door has its part."""

BATCH: Final = 200
"""It rests after so many records, or an hour of the past."""

MEMORY_FOR: Final = timedelta(days=1)
"""A shadow older than the history is begun anew so often: so memory keeps no more of it than the history does."""

_log = log.get("alertrouter.follower")  # it runs as __main__


class Follower:
    """Follows one shadow until it is over or another one is set."""

    def __init__(
        self,
        store: ShadowFollowing,
        begun: Begun,
        *,
        history: timedelta,
        clock: Callable[[], datetime],
        share_of_time: float = SHARE_OF_TIME,
    ) -> None:
        """Load both policies. Raises `PolicyError` when this version can't.

        Putting the two side by side takes no more than `share_of_time` of the time.
        """
        self.shadow = begun.shadow
        self._store = store
        self._history = history
        self._clock = clock
        self._started = clock()
        self._own = own_revision(begun.files)
        self._beside = Beside(load(begun.live), load(begun.files), self.shadow.since)
        self._records, self._revisions = self.shadow.records, self.shadow.revisions
        self._lived = 0
        self._coming: list[Revision] = []
        self._begins = self._trimmed()
        for silence in begun.silences:
            self._beside.take(silenced(silence, self.shadow.since, silence.created_by))
        for record in store.silences() if self._begins else ():
            self._beside.take(record)
        self._looked = begun.looked or self.shadow.since
        """An earlier follower has come so far: numbers from before that would be a step back."""
        self._share_of_time = share_of_time
        self._note_at = time.monotonic() + LOOK_EVERY
        self._noted: Sums | None = None
        self._marked = self._beside.mark

    def turn(self, rest: Callable[[], object] = lambda: None) -> bool:
        """Live what was recorded meanwhile; False: it is over. `rest` is called now and then.

        Raises `StoreUnavailable`, after which it can go on, and whatever stops the shadow.
        """
        settled = self._store.settled()
        while True:
            before = self._records
            records, self._records = self._store.records(before)
            # Read after the records: what came into force before one of them is known when that happens.
            activated, self._revisions = self._store.activations(self._revisions)
            self._coming += activated
            if self._live(records, rest):
                return False
            if self._records == before:
                break
            if time.monotonic() > self._note_at:
                self._note()
        if settled is not None and self._let_pass(settled - SETTLING, rest):
            return False
        self._note()
        return not self._outlived()

    def _live(self, records: Iterable[Record], rest: Callable[[], object]) -> bool:
        """Let the records happen, each under what was in force then; True: the shadow itself came into force."""
        for record in records:
            self._lived += 1
            if self._lived % BATCH == 0:
                rest()
            if self._follow(record.at):
                return True
            self._beside.take(record)
        return False

    def _let_pass(self, until: datetime, rest: Callable[[], object]) -> bool:
        if self._follow(until):
            return True
        while (come := self._beside.until) < until:
            self._beside.wait(min(until, come + timedelta(hours=1)))
            rest()
        return False

    def _follow(self, until: datetime) -> bool:
        """Let policies be as they were by then; True: the shadow itself came into force, and ends."""
        while self._coming and self._coming[0].at <= until:
            one = self._coming[0]
            at = max(one.at, self.shadow.since)
            if own_revision(one.files) == self._own:
                self._beside.wait(at)
                self.stop(f"it is in force since {at:%Y-%m-%d %H:%M:%S} UTC, by {one.actor}")
                return True
            self._beside.follow(load(one.files), at)
            del self._coming[0]
        return False

    def stop(self, why: str, *, failed: bool = False) -> None:
        """Decide no more; what was found stays to be looked at."""
        sums, details = self._beside.sums()
        sums = replace(sums, begins=self._begins, stopped=why, failed=failed)
        self._store.note(self.shadow, sums, details)

    def _note(self) -> None:
        """Write down how far it has come; what was found as well, when it has changed, and not too often."""
        now, mark, known = time.monotonic(), self._beside.mark, self._noted
        if self._beside.until < self._looked or (known and known.until == self._beside.until):
            return
        if known and mark == self._marked:
            self._noted = replace(known, until=self._beside.until)
            self._store.note(self.shadow, self._noted)
        elif now >= self._note_at or known is None:
            sums, details = self._beside.sums()
            self._noted = replace(sums, begins=self._begins)
            took = time.monotonic() - now
            self._note_at = now + took / self._share_of_time
            self._store.note(self.shadow, self._noted, details)
            self._marked = mark

    def _trimmed(self) -> datetime | None:
        """When the history begins by now, if that is after the shadow's beginning."""
        oldest = self._store.oldest()
        if oldest is None:
            return None
        name, at = oldest
        if self.shadow.records != "0-0":
            return at if _position(name) > _position(self.shadow.records) else None
        return at if self.shadow.since < self._clock() - self._history else None

    def _outlived(self) -> bool:
        return self._clock() - self._started > MEMORY_FOR and self._trimmed() is not None


def follow(settings: Settings, holder: str, stop: threading.Event, clock: Callable[[], datetime]) -> None:
    """Follow whatever shadow there is, until there is none, another process does, or told to stop."""
    store = ShadowFollowing(connect(redis_url(settings)), Keys(settings.namespace))
    follower: Follower | None = None
    outage = Outage(_log)
    worked = time.process_time()

    def rest() -> None:
        nonlocal worked
        until = time.monotonic() + REST * (time.process_time() - worked)
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(StoreUnavailable):  # the next look says so
                store.hold(holder)
            stop.wait(min(left, LOOK_EVERY))
        worked = time.process_time()

    while not stop.is_set():
        try:
            wanted = store.shadow()
            if wanted is None or not store.hold(holder):
                break
            outage.over()
            if follower is None or follower.shadow != wanted:
                follower = _begin(store, wanted, settings, clock)
            if follower is not None and not _turned(store, follower, rest):
                follower = None
            rest()
        except StoreUnavailable as error:
            outage.goes_on(error)
        stop.wait(LOOK_EVERY)
    with contextlib.suppress(StoreUnavailable):
        store.let_go(holder)


def _begin(
    store: ShadowFollowing, shadow: Shadow, settings: Settings, clock: Callable[[], datetime]
) -> Follower | None:
    _log.info("follows a shadow", revision=shadow.revision, since=shadow.since.isoformat())
    try:
        begun = store.begun()
        if begun is None:
            return None
        return Follower(store, begun, history=timedelta(days=settings.history_days), clock=clock)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  what another version wrote, or a defect: shown, and ends it alone
        _log.exception("the shadow has not begun", revision=shadow.revision)
        give_up(store, shadow, error)
        return None


def _turned(store: ShadowFollowing, follower: Follower, rest: Callable[[], object]) -> bool:
    try:
        return follower.turn(rest)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  whatever the shadow does to itself is shown, and ends it alone
        _log.exception("the shadow has stopped", revision=follower.shadow.revision)
        try:
            follower.stop(_said(error), failed=True)
        except StoreUnavailable:
            raise
        except Exception as another:  # noqa: BLE001  then what was found is lost, but why it stopped is not
            give_up(store, follower.shadow, another)
        return False


def give_up(store: ShadowFollowing, shadow: Shadow, error: Exception) -> None:
    """Stop a shadow of which nothing was found."""
    sums = Sums(until=shadow.since, live=shadow.against, stopped=_said(error), failed=True)
    store.note(shadow, sums)


def _said(error: Exception) -> str:
    text = str(error) if isinstance(error, AlertrouterError) else f"{type(error).__name__}: {error}"
    return f"it could not go on: {text}"


def _position(name: str) -> tuple[int, int]:
    moment, _, number = name.partition("-")
    return int(moment), int(number or 0)


def _step_back() -> None:
    """Leave processor and memory to those whom people wait for: under pressure this process is the first to go."""
    os.nice(19)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main(holder: str) -> None:
    """Run under this name until there is nothing to follow, SIGTERM or SIGINT."""
    settings = from_environment()
    log.configure(settings, process="shadow")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _step_back()
    follow(settings, holder, stop, lambda: datetime.now(UTC))


if __name__ == "__main__":
    main(sys.argv[1])

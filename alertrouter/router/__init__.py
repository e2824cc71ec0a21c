"""The router: one process at a time turns the journal into decisions; the others stand by.

The active one holds the lease and all state in memory. Whenever that memory may not be what Redis holds (the lease was
lost, a commit's answer did not come) it is dropped and loaded again, and reading goes on from the checkpoint.
"""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from typing import Final

from alertrouter import garbage, log, tracing
from alertrouter.calendars.keeper import Calendars
from alertrouter.deadman import Deadman
from alertrouter.errors import LeaseLost, StoreUnavailable
from alertrouter.holder import died_here, holder_name
from alertrouter.outage import Outage
from alertrouter.reconcile.keeper import Reconciler
from alertrouter.router.active import PATIENCE, Clock, take_over
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from alertrouter.store.lease_keeper import LeaseKeeper

STANDBY_LOOK: Final = 0.5

_log = log.get(__name__)


def run_router(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; raises `PolicyError` when there is no policy to run on."""
    log.configure(settings, process="router")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    router = Router(settings, clock=lambda: datetime.now(UTC), stop=stop)
    signal.signal(signal.SIGHUP, lambda *_: router.reload())
    router.run()


class Router:
    """Takes the lease when it is free, routes while it holds it, stands by otherwise."""

    def __init__(self, settings: Settings, *, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._reload = False
        self._url = redis_url(settings)
        self._keys = Keys(settings.namespace)
        self._traces = tracing.start(settings, "router")
        self._holder = holder_name(clock())
        self._client = connect(self._url, patience=PATIENCE)
        self._lease = Lease(self._client, self._keys, self._holder)
        self._outage = Outage(_log)

    def reload(self) -> None:
        """Have the policy directory read again, soon. One that stands by reads it when it takes over."""
        self._reload = True

    def run(self) -> None:
        """Stand by or route until told to stop."""
        standing_by = False
        while not self._stop.is_set():
            try:
                epoch = self._lease.acquire()
                if epoch is not None:
                    standing_by = False
                    self._reign(epoch)
                    continue
                holder = self._lease.held_by()
                self._outage.over()
                if died_here(holder):
                    _log.info("the active router died", holder=holder)
                    self._lease.release_of_the_dead(holder)
                    continue
                if not standing_by:
                    _log.info("stands by", holder=self._holder)
                    standing_by = True
            except LeaseLost as error:
                _log.warning("lease lost", reason=str(error))
            except StoreUnavailable as error:
                self._outage.goes_on(error)
            self._stop.wait(STANDBY_LOOK)
        if self._traces:
            self._traces.stop()
        _log.info("stopped")

    def _reign(self, epoch: int) -> None:
        keeper = LeaseKeeper(Lease(connect(self._url), self._keys, self._holder))
        deadman = Deadman(self._settings.deadman_url, self._settings.deadman_every)
        calendars = Calendars(self._settings, self._clock)
        reconciler = Reconciler(self._settings, self._clock)
        keeper.start()
        deadman.start()
        calendars.start()
        try:
            with garbage.paused():
                active = take_over(self._settings, epoch, self._clock, calendars, self._traces)
            self._outage.over()
            reconciler.start()
            garbage.settle()
            while not self._stop.is_set():
                keeper.turned()
                active.turn()
                if self._reload:
                    self._reload = False
                    active.reload("router (SIGHUP)")
                deadman.report(active.trouble())
            self._lease.release()
        finally:
            reconciler.stop()
            calendars.stop()
            deadman.stop()
            keeper.stop()

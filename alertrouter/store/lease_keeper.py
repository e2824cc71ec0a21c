"""Renews the lease beside the router's loop, for as long as that turns."""

from __future__ import annotations

import threading
import time
from typing import Final

from alertrouter import log
from alertrouter.errors import StoreUnavailable
from alertrouter.store.lease import Lease

RENEW_EVERY: Final = 1.0
STUCK_AFTER: Final = 30.0
"""A router whose loop did not turn for so many seconds lets its lease go."""

_log = log.get(__name__)


class LeaseKeeper(threading.Thread):
    """Renews the lease while the router's loop turns, also during a long load or batch.

    That the lease was lost needs no telling: the next commit finds out by the epoch.
    """

    def __init__(self, lease: Lease) -> None:
        super().__init__(name="lease", daemon=True)
        self._lease = lease
        self._stopped = threading.Event()
        self._turned = time.monotonic()

    def turned(self) -> None:
        """Hear that the loop turns."""
        self._turned = time.monotonic()

    def stop(self) -> None:
        """Renew no more."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        """Renew until told to stop, or until the loop is stuck."""
        while not self._stopped.wait(RENEW_EVERY) and time.monotonic() - self._turned < STUCK_AFTER:
            try:
                self._lease.renew()
            except StoreUnavailable as error:
                _log.warning("lease not renewed", reason=str(error))

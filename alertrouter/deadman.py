"""The dead man's switch elsewhere: hears of this alertrouter while all is well, and calls somebody when it doesn't.

It runs beside the active router's loop and goes by what that said last. A router that was killed, hangs, lost its lease
or can't write to Redis says nothing, and what it said before counts for seconds only: then nothing is sent.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from alertrouter import log
from alertrouter.notifiers.notifier import Patience

if TYPE_CHECKING:
    import httpx2

FRESH: Final = 15.0
"""Seconds for which what the router said counts. It says something after each turn of its loop: twice a second."""

LOOK_EVERY: Final = 0.25
PATIENCE: Final = Patience(connect=5.0, read=5.0)
LEAVE_WITHIN: Final = 1.0
"""Seconds that a request under way gets when the router stops."""

_log = log.get(__name__)


class Deadman(threading.Thread):
    """Asks for `url` every `every` seconds while it is told that there is no trouble. Without a URL it does nothing."""

    def __init__(self, url: str, every: float) -> None:
        super().__init__(name="deadman", daemon=True)
        self._url = url
        self._every = every
        self._stopped = threading.Event()
        self._trouble = ""
        self._told_at = self._next = float("-inf")
        self._said = ""

    def report(self, trouble: str) -> None:
        """Hear from the router how it is: "" means that all is well."""
        self._trouble = trouble
        self._told_at = time.monotonic()

    def stop(self) -> None:
        """Send nothing from now on."""
        self._stopped.set()
        self.join(LEAVE_WITHIN)

    def run(self) -> None:
        """Send until told to stop."""
        if not self._url:
            return
        from alertrouter.notifiers import http

        with http.client(self._url, PATIENCE) as client:
            while not self._stopped.wait(LOOK_EVERY):
                if self.due(time.monotonic()):
                    self._send(client)

    def due(self, now: float) -> bool:
        """Tell whether a request has to be sent at `now`, a moment of the monotonic clock."""
        if now < self._next or self._told_at == float("-inf"):
            return False
        trouble = self._trouble if now - self._told_at < FRESH else "the router's loop hangs"
        if trouble and trouble != self._said:
            _log.error("dead man's switch not held", reason=trouble)
        elif self._said and not trouble:
            _log.info("dead man's switch held again")
        self._said = trouble
        if not trouble:
            self._next = now + self._every
        return not trouble

    def _send(self, client: httpx2.Client) -> None:
        from alertrouter.notifiers import http

        try:
            with client.stream("GET", self._url) as response:
                if not response.is_success:
                    _log.warning("dead man's switch answered", status=response.status_code)
        except http.NO_ANSWER as error:
            _log.warning("dead man's switch not reached", reason=str(http.failure_of(error, "ALERTROUTER_DEADMAN_URL")))

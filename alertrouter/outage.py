"""An outage in the log: said at once, then once a minute for as long as it lasts, and once that it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from alertrouter.errors import StoreUnavailable

SAY_EVERY: Final = 60.0
"""Seconds. A loop tries twice a second: a line for each try would bury what else the log says."""


class Outage:
    """What one loop of a process says of a store that is away. `clock` gives seconds that only grow."""

    def __init__(self, log: FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._began: float | None = None
        self._said = 0.0

    def goes_on(self, error: StoreUnavailable) -> None:
        """Say that the store is away, unless that was said less than a minute ago."""
        now = self._clock()
        if self._began is None:
            self._began = now
        elif now - self._said < SAY_EVERY:
            return
        self._said = now
        self._log.warning("store unavailable", reason=str(error), seconds=round(now - self._began))

    def over(self) -> None:
        """Say that the store is back, if it was away."""
        if self._began is not None:
            self._log.info("store available again", seconds=round(self._clock() - self._began))
            self._began = None

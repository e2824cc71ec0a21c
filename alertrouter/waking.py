"""When the router wakes workers: by an RQ kick when none works, by a nudge when one does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from alertrouter.store.queue import Kicks, kicks_for
from alertrouter.store.sweep import Sweep

SWEEP_EVERY: Final = timedelta(milliseconds=500)
KICK_AGAIN: Final = timedelta(milliseconds=200)


class Waking:
    """What the active router knows of the workers, as of its last look; the next is due at `look_at`."""

    def __init__(self, kicks: Kicks, sweep: Sweep, now: datetime) -> None:
        self.look_at = now
        self.oldest_due: datetime | None = None
        self._kicks = kicks
        self._sweep = sweep
        self._waiting = 0
        self._draining = 0
        self._kicked_at = now - KICK_AGAIN
        self._kicks_sent = 0

    def wakes(self, deliveries: int, now: datetime) -> tuple[int, int]:
        """How many kicks and how many nudges a commit sends that owes so many deliveries.

        A worker that drains, or lingers after it, takes a nudge and no kick; only when none does is RQ asked to start
        one. Which of them is the case may have changed since the last look, so a kick never goes without a nudge:
        one too many costs a look at the ledger, one too few the rest of somebody's lingering. Whoever was kicked just
        now drains what came after that too, so commits that follow kick only for what is beyond the first.
        """
        wanted = kicks_for(deliveries, 0)
        if self._draining:
            return 0, wanted
        kicks = kicks_for(deliveries, self._waiting)
        if now >= self._kicked_at + KICK_AGAIN:
            return kicks, wanted
        if wanted:
            self.look_at = min(self.look_at, self._kicked_at + KICK_AGAIN)
        return max(0, kicks - self._kicks_sent), wanted

    def kicked(self, kicks: int, now: datetime) -> None:
        """Note that a commit sent so many kicks."""
        if now >= self._kicked_at + KICK_AGAIN:
            self._kicked_at = now
            self._kicks_sent = 0
        self._kicks_sent += kicks

    def look(self, now: datetime) -> None:
        """Wake a worker when something is due and no kick is on its way: the earlier one may be lost."""
        due = self._sweep.due(now)
        self._draining = due.draining
        self.oldest_due = due.earliest
        self._waiting = self._kicks.waiting()
        self.look_at = min(now + SWEEP_EVERY, due.later or now + SWEEP_EVERY)
        if not due.count or self._waiting:
            return
        if now < self._kicked_at + KICK_AGAIN:
            self.look_at = self._kicked_at + KICK_AGAIN
            return
        self._kicks.kick()
        self.kicked(1, now)

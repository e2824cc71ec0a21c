"""The courier: claims what is due on all channels and sends it, each channel with its own bound on concurrency.

So a slow Slack holds up no page. While messages are on their way their claims are extended, and what comes due
meanwhile is taken too.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Final

from alertrouter import log
from alertrouter.errors import AlertrouterError, StoreUnavailable
from alertrouter.policy.receiver import Channel
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.inbox import RedisInbox
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import Claimed
from alertrouter.store.queue import Kicks
from alertrouter.worker.address_book import AddressBook, Way
from alertrouter.worker.sending import Sender

AT_ONCE: Final[Mapping[str, int]] = {
    Channel.SLACK: 4,
    Channel.PAGERDUTY: 4,
    Channel.EMAIL: 2,
    Channel.WEBHOOK: 8,
    Channel.INBOX: 1,
}
"""How many messages of a channel one worker sends at the same time."""

DRAIN_SECONDS: Final = 20.0
"""A drain that takes longer ends itself and asks for the next: RQ kills a job after a minute."""

LINGER_SECONDS: Final = 3.0
"""How long a worker that RQ started waits for more after it has sent all."""

NUDGE_WITHIN: Final = 0.5
DRAINS_AT_MOST: Final = timedelta(seconds=DRAIN_SECONDS + LINGER_SECONDS)
LOOK_EVERY: Final = 0.1
EXTEND_EVERY: Final = 2.0

_log = log.get(__name__)


class Courier:
    """Drains the ledger, for one process. `stopping` is set by whoever wants it to come to an end."""

    def __init__(self, settings: Settings) -> None:
        keys = Keys(settings.namespace)
        client = self._client = connect(redis_url(settings))
        self.stopping = threading.Event()
        self._ledger = Ledger(client, keys, f"{socket.gethostname()}:{os.getpid()}")
        self._kicks = Kicks(client, keys)
        self._book = AddressBook(settings, self._ledger, RedisInbox(client, keys, settings.inbox_size))
        self._sender = Sender(self._ledger, settings.external_url, _clock)
        self._threads = ThreadPoolExecutor(max_workers=sum(AT_ONCE.values()), thread_name_prefix="send")
        self._under_way: dict[Future[None], Claimed] = {}
        self._extend_at: dict[Future[None], float] = {}

    def drain(self, *, linger: float = 0.0) -> None:
        """Send until nothing is due, or for about 20 s; then ask for another drain.

        With `linger` it waits so many seconds for more before it leaves.
        """
        ends = time.monotonic() + DRAIN_SECONDS
        try:
            self._ledger.drains_until(_clock() + DRAINS_AT_MOST)
            self._send_all(ends)
            while linger and self._nudged(min(time.monotonic() + linger, ends)):
                self._send_all(ends)
            self._ledger.drains_no_more()
            self._send_all(ends)  # what came between the last look and that word found nobody to nudge
            if time.monotonic() >= ends and not self.stopping.is_set():
                self._kicks.kick()
        except StoreUnavailable as error:
            _log.warning("drain broken off", reason=str(error), under_way=len(self._under_way))
        self._book.tidy()

    def _send_all(self, ends: float) -> None:
        while True:
            started = self._start_one(ends)
            if not started and not self._under_way:
                return
            if not started:
                wait(self._under_way, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
            self._look_after()

    def _nudged(self, leaves: float) -> bool:
        """Wait for the next nudge, which is quicker than the next job; False when it is time to leave.

        An RQ job costs some 65 commands, each of which the server may have to bring to disk; a nudge costs two.
        """
        while time.monotonic() < leaves and not self.stopping.is_set():
            if self._ledger.nudged(NUDGE_WITHIN):
                return True
        return False

    def close(self) -> None:
        """Wait for what is under way, then let go of connections."""
        self._threads.shutdown()
        self._book.close()
        self._client.close()

    def _start_one(self, ends: float) -> bool:
        """Claim and start one delivery; False when there is none, or no room, or no time."""
        busy = Counter(claimed.delivery.channel for claimed in self._under_way.values())
        free = [channel for channel, most in AT_ONCE.items() if busy[channel] < most]
        if not free or self.stopping.is_set() or time.monotonic() >= ends:
            return False
        claimed = self._ledger.claim(_clock(), free)
        if claimed is None:
            return False
        way = self._way(claimed)
        if way and self._admitted(claimed, way):
            future = self._threads.submit(self._sender.deliver, claimed, way)
            self._under_way[future] = claimed
            self._extend_at[future] = time.monotonic() + EXTEND_EVERY
        return True

    def _way(self, claimed: Claimed) -> Way | None:
        try:
            return self._book.way(claimed.delivery)
        except StoreUnavailable:
            raise
        except AlertrouterError as error:
            self._sender.no_way(claimed, str(error))
        except Exception as bug:  # noqa: BLE001  one delivery that can't be addressed must not stop the drain of all
            _log.exception("no way to the destination", delivery=claimed.delivery.id)
            self._sender.no_way(claimed, f"{type(bug).__name__}: the worker's log says more")
        return None

    def _admitted(self, claimed: Claimed, way: Way) -> bool:
        """Tell whether its lane lets it pass now; most often the claim has seen to that."""
        if (claimed.lane, claimed.pace) == (way.lane, way.pace):
            return True
        return self._ledger.enter_lane(claimed, way.lane, way.pace, _clock())

    def _look_after(self) -> None:
        """Strike off what has ended, and hold the claims on what has not."""
        for future in [future for future in self._under_way if future.done()]:
            claimed = self._under_way.pop(future)
            del self._extend_at[future]
            if (bug := future.exception()) is not None:
                _log.error("delivery not settled", delivery=claimed.delivery.id, exc_info=bug)
        now = time.monotonic()
        for future in [future for future, at in self._extend_at.items() if at <= now]:
            claimed = self._under_way[future]
            self._extend_at[future] = now + EXTEND_EVERY
            if not self._ledger.extend(claimed, _clock()) and not future.done():
                _log.warning("claim lost", delivery=claimed.delivery.id, incident=claimed.delivery.incident)


def _clock() -> datetime:
    return datetime.now(UTC)

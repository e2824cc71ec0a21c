"""The courier: claims what is due on all channels and sends it, each channel with its own bound on concurrency.

So a slow Slack holds up no page. It claims as many at once as there is room for, looks at them together just before
they leave, and settles together those that end together: each of that costs a round trip, and most a write to disk.
While messages are on their way their claims are extended, and what comes due meanwhile is taken too.
"""

from __future__ import annotations

import itertools
import os
import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from alertrouter import log, tracing
from alertrouter.delivery import LedgerState
from alertrouter.errors import AlertrouterError, StoreUnavailable
from alertrouter.notifiers.exchange import over
from alertrouter.policy.receiver import Channel
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.inbox import RedisInbox
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import Claimed, Ending
from alertrouter.store.queue import Kicks
from alertrouter.worker.address_book import AddressBook, Way
from alertrouter.worker.sending import Parcel, Sender

AT_ONCE: Final[Mapping[str, int]] = {
    Channel.SLACK: 8,
    Channel.PAGERDUTY: 8,
    Channel.EMAIL: 4,
    Channel.WEBHOOK: 32,
    Channel.INBOX: 4,
}
"""How many messages of a channel one worker sends at the same time."""

DRAIN_SECONDS: Final = 20.0
"""A drain that takes longer ends itself and asks for the next: RQ kills a job after a minute."""

LINGER_SECONDS: Final = 3.0
"""How long a worker that RQ started waits for more after it has sent all."""

GATHER_SECONDS: Final = 0.004
"""How long the place of what has ended waits for other places, to be given away with them."""

SETTLE_WITHIN: Final = 0.04
"""How long what has ended waits for others to be settled with it; only while others are under way."""

NUDGE_WITHIN: Final = 0.5
DRAINS_AT_MOST: Final = timedelta(seconds=DRAIN_SECONDS + LINGER_SECONDS)
LOOK_EVERY: Final = 0.1
EXTEND_EVERY: Final = 2.0

_Ticketed: TypeAlias = tuple[int, Parcel]

_log = log.get(__name__)


@dataclass(slots=True)
class _UnderWay:
    claimed: Claimed
    extend_at: float


class Courier:
    """Drains the ledger, for one process. `stopping` is set by whoever wants it to come to an end."""

    def __init__(self, settings: Settings) -> None:
        keys = Keys(settings.namespace)
        client = self._client = connect(redis_url(settings))
        self.stopping = threading.Event()
        self._ledger = Ledger(client, keys, f"{socket.gethostname()}:{os.getpid()}")
        self._kicks = Kicks(client, keys)
        self._book = AddressBook(settings, self._ledger, RedisInbox(client, keys, settings.inbox_size))
        self._traces = tracing.start(settings, "worker")
        self._sender = Sender(self._ledger, settings.external_url, _clock, self._traces)
        self._threads: list[threading.Thread] = []
        self._leaving: queue.SimpleQueue[list[_Ticketed] | None] = queue.SimpleQueue()
        self._tickets = itertools.count()
        self._under_way: dict[int, _UnderWay] = {}
        self._ended: queue.SimpleQueue[list[tuple[int, Ending]]] = queue.SimpleQueue()
        self._unsettled: list[Ending] = []
        self._settle_at = 0.0

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
        finally:
            self._finish()
        self._book.tidy()

    def close(self) -> None:
        """Wait for what is under way, settle it, then let go of connections."""
        self._finish()
        for _ in self._threads:
            self._leaving.put(None)
        for thread in self._threads:
            thread.join()
        self._book.close()
        if self._traces:
            self._traces.stop()
        self._client.close()

    def _send_all(self, ends: float) -> None:
        while True:
            started = self._start(ends)
            if not started and not self._under_way:
                return
            self._settle_some(self._endings(LOOK_EVERY))
            self._hold()

    def _finish(self) -> None:
        """Settle what is under way as it ends, when nothing more is to be started."""
        while self._under_way or self._unsettled:
            with suppress(StoreUnavailable):  # said already
                self._settle_some(self._endings(LOOK_EVERY))
                self._hold()

    def _settle_some(self, endings: list[Ending]) -> None:
        """Settle what was sent together with what is sent soon after; what was not, at once: it may hold its lane."""
        now = time.monotonic()
        if endings and not self._unsettled:
            self._settle_at = now + SETTLE_WITHIN
        if any(ending.state is not LedgerState.SENT for ending in endings):
            self._settle_at = now
        self._unsettled += endings
        if self._unsettled and (now >= self._settle_at or not self._under_way):
            settled, self._unsettled = self._unsettled, []
            self._sender.settle(settled)

    def _nudged(self, leaves: float) -> bool:
        """Wait for the next nudge, which is quicker than the next job; False when it is time to leave.

        An RQ job costs some 65 commands, each of which the server may have to bring to disk; a nudge costs two.
        """
        while time.monotonic() < leaves and not self.stopping.is_set():
            if self._ledger.nudged(NUDGE_WITHIN):
                return True
        return False

    def _start(self, ends: float) -> bool:
        """Claim and start as many deliveries as there is room for; False when there is none, or no room, or no time."""
        busy = Counter(one.claimed.delivery.channel for one in self._under_way.values())
        room = {channel: most - busy[channel] for channel, most in AT_ONCE.items() if busy[channel] < most}
        if not room or self.stopping.is_set() or time.monotonic() >= ends:
            return False
        claims = self._ledger.claim(_clock(), room)
        if not claims:
            return False
        ways, endings = self._ways(claims)
        parcels, more = self._sender.look([(claimed, way) for claimed, way in ways if self._admitted(claimed, way)])
        for together in _together(parcels):
            self._send_off(together)
        self._sender.settle([*endings, *more])
        return True

    def _send_off(self, parcels: list[Parcel]) -> None:
        """Give them to a thread. There are as many as messages were ever under way at once."""
        extend_at = time.monotonic() + EXTEND_EVERY
        ticketed = [(next(self._tickets), parcel) for parcel in parcels]
        self._under_way.update({ticket: _UnderWay(parcel.claimed, extend_at) for ticket, parcel in ticketed})
        while len(self._threads) < len(self._under_way):
            self._threads.append(threading.Thread(target=self._carry, name="send", daemon=True))
            self._threads[-1].start()
        self._leaving.put(ticketed)

    def _carry(self) -> None:
        """Send in a thread, what comes together together."""
        while leaving := self._leaving.get():
            if len(leaving) > 1:
                self._carry_together(leaving)
            else:
                self._ended.put([(ticket, self._sender.send(parcel)) for ticket, parcel in leaving])

    def _carry_together(self, ticketed: list[_Ticketed]) -> None:
        """Send over the connections that are there; for the others, each needs a thread that waits for a new one."""
        left = self._sender.leave(ticketed[0][1].way, [parcel for _, parcel in ticketed])
        waiting = {}
        for one, departing in zip(ticketed, left, strict=True):
            if departing is None:
                self._leaving.put([one])
            else:
                waiting[departing.departed.exchange] = one[0], departing
        try:
            for ended in over(waiting):
                self._ended.put([(ticket, self._sender.finish(leaving)) for ticket, leaving in map(waiting.pop, ended)])
        except Exception:  # noqa: BLE001  the outermost line of a thread; those that are left may have arrived
            _log.exception("not waited for answers any longer", messages=len(waiting))
            for exchange, (ticket, leaving) in waiting.items():
                exchange.give_up()
                self._ended.put([(ticket, self._sender.finish(leaving))])

    def _ways(self, claims: list[Claimed]) -> tuple[list[tuple[Claimed, Way]], list[Ending]]:
        """Find the way of each; those that have none have failed."""
        ways, endings = [], []
        for claimed in claims:
            try:
                ways.append((claimed, self._book.way(claimed.delivery)))
            except StoreUnavailable:
                raise
            except AlertrouterError as error:
                endings.append(self._sender.failed(claimed, str(error)))
            except Exception as bug:  # noqa: BLE001  one delivery without an address must not stop the drain of all
                _log.exception("no way to the destination", delivery=claimed.delivery.id)
                text = f"{type(bug).__name__}: the worker's log says more"
                endings.append(self._sender.failed(claimed, text))
        return ways, endings

    def _admitted(self, claimed: Claimed, way: Way) -> bool:
        """Tell whether its lane lets it pass now; most often the claim has seen to that."""
        if (claimed.lane, claimed.pace) == (way.lane, way.pace):
            return True
        return self._ledger.enter_lane(claimed, way.lane, way.pace, _clock())

    def _endings(self, patience: float) -> list[Ending]:
        """Wait until something that is under way has ended, and a moment for more; empty when nothing has."""
        endings: list[Ending] = []
        leaves = time.monotonic() + patience
        if self._unsettled:
            leaves = min(leaves, self._settle_at)
        while self._under_way:
            try:
                ended = self._ended.get(timeout=max(0.0, leaves - time.monotonic()))
            except queue.Empty:
                break
            if not endings:
                leaves = time.monotonic() + GATHER_SECONDS
            for ticket, ending in ended:
                del self._under_way[ticket]
                endings.append(ending)
        return endings

    def _hold(self) -> None:
        """Hold the claims on what is under way."""
        now = time.monotonic()
        due = [one for one in self._under_way.values() if one.extend_at <= now]
        if not due:
            return
        for one in due:
            one.extend_at = now + EXTEND_EVERY
        for one, held in zip(due, self._ledger.extend([one.claimed for one in due], _clock()), strict=True):
            if not held:
                delivery = one.claimed.delivery
                _log.warning("claim lost", delivery=delivery.id, incident=delivery.incident)


def _together(parcels: Iterable[Parcel]) -> list[list[Parcel]]:
    """Put those together that can leave together; the order stays that of the first of each."""
    found: dict[int, list[Parcel]] = {}
    for parcel in parcels:
        found.setdefault(id(parcel.way if parcel.way.together else parcel), []).append(parcel)
    return list(found.values())


def _clock() -> datetime:
    return datetime.now(UTC)

"""Sending one claimed delivery, and writing down in the ledger how that ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from alertrouter import log
from alertrouter.delivery import LedgerState
from alertrouter.errors import PermanentFailure, StoreUnavailable, TemporaryFailure, UnknownOutcome
from alertrouter.notice import Notice
from alertrouter.store.ledger import CLAIM_MS, Ledger
from alertrouter.store.ledger_row import Claimed
from alertrouter.worker.address_book import Way

MOST_ATTEMPTS: Final = 20
GIVE_UP_AFTER: Final = timedelta(minutes=15)
LONGEST_PAUSE: Final = timedelta(minutes=1)
SETTLE_AGAIN: Final = 0.2
DOUBTFUL: Final = "an earlier try may have arrived too"

Clock: TypeAlias = Callable[[], datetime]

_log = log.get(__name__)


class Sender:
    """Sends; threads share it."""

    def __init__(self, ledger: Ledger, external_url: str, clock: Clock) -> None:
        self._ledger = ledger
        self._external_url = external_url
        self._clock = clock

    def deliver(self, claimed: Claimed, way: Way) -> None:
        """Send it once and settle it: sent, to be tried again, or failed. Raises `StoreUnavailable` only."""
        if self._given_up(claimed):
            self._fail(claimed, way.notifier.channel, f"given up after {claimed.attempts - 1} tries: {claimed.error}")
            return
        if self._recalled(claimed, way):
            return
        try:
            sent = way.notifier.send(self._notice(claimed, way))
        except TemporaryFailure as error:
            self._again(claimed, way, LedgerState.RETRY, str(error), error.retry_after)
        except UnknownOutcome as error:
            self._again(claimed, way, LedgerState.UNKNOWN, str(error), None)
        except PermanentFailure as error:
            self._fail(claimed, way.notifier.channel, str(error))
        except StoreUnavailable as error:
            # The inbox, or the alerts themselves: nothing has left.
            self._again(claimed, way, LedgerState.RETRY, str(error), None)
        except Exception as bug:  # noqa: BLE001  the outermost line of a thread; logged, shown and tried again
            _log.exception("message could not be made or sent", delivery=claimed.delivery.id)
            # Only its kind: the text of an unforeseen error may hold anything, also a secret.
            self._again(claimed, way, LedgerState.RETRY, f"{type(bug).__name__}: the worker's log says more", None)
        else:
            doubtful = claimed.doubtful and not sent.proven
            note = "; ".join(part for part in (sent.note, DOUBTFUL if doubtful else "") if part)
            channel = way.notifier.channel.value
            self._settle(
                claimed,
                lambda: self._ledger.settle_sent(
                    claimed,
                    self._clock(),
                    channel=channel,
                    reference=sent.reference,
                    note=note,
                    proven=sent.proven,
                ),
            )
            self._tell(claimed, channel, "sent", note)

    def _recalled(self, claimed: Claimed, way: Way) -> bool:
        """Look once more whether it is wanted: somebody may have taken the incident since it was claimed."""
        channel = way.notifier.channel.value
        why = self._ledger.recalled(claimed)
        if why is None:
            _log.warning("claim lost before it left", delivery=claimed.delivery.id)
        elif why and claimed.doubtful:
            # It may be there already: whoever may have heard of the fire must hear of its end.
            note = f"{DOUBTFUL}; not tried again: {why}"
            self._settle(claimed, lambda: self._ledger.settle_sent(claimed, self._clock(), channel=channel, note=note))
            self._tell(claimed, channel, "sent", note)
        elif why:
            cancel = self._ledger.settle_cancelled
            self._settle(claimed, lambda: cancel(claimed, self._clock(), channel=channel, why=why))
            self._tell(claimed, channel, "cancelled", why)
        return why is None or bool(why)

    def no_way(self, claimed: Claimed, error: str) -> None:
        """Settle a delivery whose destination can't be found: for good."""
        self._fail(claimed, claimed.delivery.channel, error)

    def _notice(self, claimed: Claimed, way: Way) -> Notice:
        delivery = claimed.delivery
        return Notice.of(
            delivery,
            self._ledger.alerts((*delivery.firing, *delivery.resolved)),
            severity_count=way.severity_count,
            external_url=self._external_url,
            now=self._clock(),
            doubtful_since=claimed.first_at if claimed.doubtful else None,
        )

    def _given_up(self, claimed: Claimed) -> bool:
        tried = claimed.attempts - 1
        return tried >= MOST_ATTEMPTS or (tried > 0 and self._clock() - claimed.first_at >= GIVE_UP_AFTER)

    def _again(self, claimed: Claimed, way: Way, state: LedgerState, error: str, retry_after: float | None) -> None:
        channel, now = way.notifier.channel.value, self._clock()
        pause = min(timedelta(seconds=2.0 ** min(claimed.attempts - 1, 10)), LONGEST_PAUSE)
        if retry_after is not None:
            pause = min(timedelta(seconds=retry_after), GIVE_UP_AFTER)
        due = now + pause

        def settle() -> bool:
            if state is LedgerState.UNKNOWN:
                return self._ledger.settle_unknown(claimed, channel=channel, error=error, due=due)
            hold = way.lane if retry_after is not None else ""
            return self._ledger.settle_retry(claimed, channel=channel, error=error, due=due, hold_lane=hold)

        self._settle(claimed, settle)
        self._tell(claimed, channel, state.value, error, again_in=pause.total_seconds())

    def _fail(self, claimed: Claimed, channel: str, error: str) -> None:
        self._settle(claimed, lambda: self._ledger.settle_failed(claimed, self._clock(), channel=channel, error=error))
        self._tell(claimed, channel, "failed", error)

    def _settle(self, claimed: Claimed, settle: Callable[[], bool]) -> None:
        """Write it down, as long as the claim may hold: a Redis that restarts meanwhile must not cost a second message.

        Settling twice changes nothing, so an answer that was lost does no harm.
        """
        ends = time.monotonic() + CLAIM_MS / 1000
        tries = 1
        while True:
            try:
                if not settle() and tries == 1:
                    _log.warning("settled too late: the claim is another's", delivery=claimed.delivery.id)
                return
            except StoreUnavailable:
                if time.monotonic() >= ends:
                    raise
            tries += 1
            time.sleep(SETTLE_AGAIN)

    def _tell(self, claimed: Claimed, channel: str, outcome: str, text: str, again_in: float | None = None) -> None:
        delivery = claimed.delivery
        tell = _log.info if outcome == "sent" else _log.warning
        tell(
            "delivery settled",
            cause=delivery.cause,
            delivery=delivery.id,
            incident=delivery.incident,
            destination=delivery.destination,
            channel=channel,
            outcome=outcome,
            attempts=claimed.attempts,
            text=text,
            again_in=again_in,
        )

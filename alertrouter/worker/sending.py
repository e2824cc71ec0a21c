"""Sending claimed deliveries, and writing down in the ledger how that ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from alertrouter import log
from alertrouter.alert import Alert, Fingerprint, alertmanager_fingerprints
from alertrouter.delivery import LedgerState
from alertrouter.errors import PermanentFailure, StoreUnavailable, TemporaryFailure, UnknownOutcome
from alertrouter.notice import Notice
from alertrouter.notifiers.notifier import Departed, Leave, Sent
from alertrouter.policy.receiver import Channel
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import Claimed, Ending
from alertrouter.store.readable import UNREADABLE
from alertrouter.tracing import Tracing
from alertrouter.worker.address_book import Way

MOST_ATTEMPTS: Final = 20
GIVE_UP_AFTER: Final = timedelta(minutes=15)
LONGEST_PAUSE: Final = timedelta(minutes=1)
SETTLE_AGAIN: Final = 0.2
SETTLE_FOR: Final = 30.0
"""Seconds that a settlement is tried while Redis is away. With a drain before it that is within RQ's minute for a job;
RQ ends what would take longer, as when others ended meanwhile, and those are sent again."""
DOUBTFUL: Final = "an earlier try may have arrived too"

Clock: TypeAlias = Callable[[], datetime]

_ALERT: Final = msgspec.msgpack.Decoder(Alert)
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery that leaves now. Those it tells of are among `alerts`; `names` are Alertmanager's for them."""

    claimed: Claimed
    way: Way
    alerts: Mapping[Fingerprint, Alert] = field(repr=False)
    names: Mapping[Fingerprint, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A parcel that has left together with others, and waits for its answer."""

    parcel: Parcel
    departed: Departed
    began: datetime


class Sender:
    """Looks once more, sends, and settles; threads may share it."""

    def __init__(self, ledger: Ledger, external_url: str, clock: Clock, tracing: Tracing | None = None) -> None:
        self._ledger = ledger
        self._external_url = external_url
        self._clock = clock
        self._tracing = tracing

    def look(self, claims: Sequence[tuple[Claimed, Way]]) -> tuple[list[Parcel], list[Ending]]:
        """Look at claimed deliveries just before they leave: which are to be sent, and how the others ended.

        Somebody may have taken an incident since its delivery was claimed. Raises `StoreUnavailable`.
        """
        tries, endings = [], []
        for claimed, way in claims:
            if self._tried_enough(claimed):
                endings.append(self._given_up(claimed, way))
            else:
                tries.append((claimed, way))
        if not tries:
            return [], endings
        marks = dict.fromkeys(mark for claimed, _ in tries for mark in _told(claimed))
        packed, whys = self._ledger.look([claimed for claimed, _ in tries], marks)
        alerts = _unpacked(packed)
        names = _names(tries, alerts)
        parcels = []
        for (claimed, way), why in zip(tries, whys, strict=True):
            if why == "":
                parcels.append(Parcel(claimed, way, alerts, names))
            elif why is None:
                _log.warning("claim lost before it left", delivery=claimed.delivery.id)
            else:
                endings.append(self._recalled(claimed, way, why))
        return parcels, endings

    def send(self, parcel: Parcel) -> Ending:
        """Send it once, and say how that ended: sent, to be tried again, or failed."""
        began = self._clock()
        return self._traced(self._ending(parcel, lambda: parcel.way.notifier.send(self._notice(parcel))), began)

    def leave(self, way: Way, parcels: Sequence[Parcel]) -> list[Leaving | None]:
        """Let those of one way leave together; None for each that `send` has to send: it has not left."""
        left: list[Leaving | None] = []
        leave: Leave | None = None
        with suppress(Exception):  # `send` finds the same, and says what it means
            leave = way.together.together() if way.together else None
        for parcel in parcels:
            began, departed = self._clock(), None
            with suppress(Exception):  # as above
                departed = leave(self._notice(parcel)) if leave else None
            left.append(Leaving(parcel, departed, began) if departed else None)
        return left

    def finish(self, leaving: Leaving) -> Ending:
        """Say how it ended; its exchange is over."""
        return self._traced(self._ending(leaving.parcel, leaving.departed.sent), leaving.began)

    def _traced(self, ending: Ending, began: datetime) -> Ending:
        if self._tracing:
            try:
                trace_delivery(self._tracing, ending, began, self._clock())
            except Exception:  # noqa: BLE001  what was sent has to be settled, traced or not
                _log.exception("not traced", delivery=ending.claimed.delivery.id)
        return ending

    def _ending(self, parcel: Parcel, send: Callable[[], Sent]) -> Ending:
        claimed, way = parcel.claimed, parcel.way
        try:
            sent = send()
        except TemporaryFailure as error:
            return self._again(claimed, way, LedgerState.RETRY, str(error), error.retry_after)
        except UnknownOutcome as error:
            return self._again(claimed, way, LedgerState.UNKNOWN, str(error), None)
        except PermanentFailure as error:
            return self.failed(claimed, str(error), way.notifier.channel)
        except StoreUnavailable as error:
            # The inbox: nothing has left.
            return self._again(claimed, way, LedgerState.RETRY, str(error), None)
        except Exception as bug:  # noqa: BLE001  the outermost line of a thread; logged, shown and tried again
            _log.exception("message could not be made or sent", delivery=claimed.delivery.id)
            # Only its kind: the text of an unforeseen error may hold anything, also a secret.
            text = f"{type(bug).__name__}: the worker's log says more"
            return self._again(claimed, way, LedgerState.RETRY, text, None)
        doubtful = claimed.doubtful and not sent.proven
        return Ending(
            claimed=claimed,
            state=LedgerState.SENT,
            moment=self._clock(),
            channel=way.notifier.channel,
            note="; ".join(part for part in (sent.note, DOUBTFUL if doubtful else "") if part),
            reference=sent.reference,
            proven=sent.proven,
        )

    def failed(self, claimed: Claimed, error: str, channel: str = "") -> Ending:
        """A delivery that failed for good; without `channel` it had no way to anywhere else than its own."""
        return Ending(
            claimed=claimed,
            state=LedgerState.FAILED,
            moment=self._clock(),
            channel=channel or claimed.delivery.channel,
            error=error,
        )

    def settle(self, endings: Sequence[Ending]) -> None:
        """Write it down, and go on trying while Redis is away: its restart must not cost second messages.

        Claims run out meanwhile, but while it is away nobody else can claim, and then whoever asks first is first.
        Settling twice changes nothing, so an answer that was lost does no harm. Raises `StoreUnavailable` in the end.
        """
        if not endings:
            return
        for ending, done in zip(endings, self._written(endings), strict=True):
            if not done:
                _log.warning("settled too late: the claim is another's", delivery=ending.claimed.delivery.id)
            self._tell(ending)
        if self._tracing:
            self._ledger.keep_exemplars(endings)

    def _written(self, endings: Sequence[Ending]) -> list[bool]:
        """Write it down; False for each whose claim is another's, as far as that can be told."""
        ends = time.monotonic() + SETTLE_FOR
        first = True
        while True:
            try:
                settled = self._ledger.settle(endings)
            except StoreUnavailable:
                if time.monotonic() >= ends:
                    _log.exception("not settled", deliveries=[ending.claimed.delivery.id for ending in endings])
                    raise
                first = False
                time.sleep(SETTLE_AGAIN)
            else:
                # After an answer that was lost nobody knows who has settled what.
                return settled if first else [True] * len(settled)

    def _tried_enough(self, claimed: Claimed) -> bool:
        tried = claimed.attempts - 1
        return tried >= MOST_ATTEMPTS or (tried > 0 and self._clock() - claimed.first_at >= GIVE_UP_AFTER)

    def _given_up(self, claimed: Claimed, way: Way) -> Ending:
        text = f"given up after {claimed.attempts - 1} tries: {claimed.error}"
        return self.failed(claimed, text, way.notifier.channel)

    def _recalled(self, claimed: Claimed, way: Way, why: str) -> Ending:
        """One that is not wanted any more. It may be there already: whoever heard of the fire must hear of its end."""
        channel, now = way.notifier.channel, self._clock()
        if claimed.doubtful:
            note = f"{DOUBTFUL}; not tried again: {why}"
            return Ending(claimed=claimed, state=LedgerState.SENT, moment=now, channel=channel, note=note)
        return Ending(claimed=claimed, state=LedgerState.CANCELLED, moment=now, channel=channel, error=why)

    def _notice(self, parcel: Parcel) -> Notice:
        delivery = parcel.claimed.delivery
        return Notice.of(
            delivery,
            parcel.alerts,
            severity_count=parcel.way.severity_count,
            external_url=self._external_url,
            now=self._clock(),
            doubtful_since=parcel.claimed.first_at if parcel.claimed.doubtful else None,
            names=parcel.names,
        )

    def _again(self, claimed: Claimed, way: Way, state: LedgerState, error: str, retry_after: float | None) -> Ending:
        pause = min(timedelta(seconds=2.0 ** min(claimed.attempts - 1, 10)), LONGEST_PAUSE)
        if retry_after is not None:
            pause = min(timedelta(seconds=retry_after), GIVE_UP_AFTER)
        return Ending(
            claimed=claimed,
            state=state,
            moment=self._clock() + pause,
            channel=way.notifier.channel,
            error=error,
            hold_lane=way.lane if retry_after is not None else "",
        )

    def _tell(self, ending: Ending) -> None:
        delivery, sent = ending.claimed.delivery, ending.state is LedgerState.SENT
        again = ending.state in (LedgerState.RETRY, LedgerState.UNKNOWN)
        tell = _log.info if sent else _log.warning
        tell(
            "delivery settled",
            cause=delivery.cause,
            delivery=delivery.id,
            incident=delivery.incident,
            destination=delivery.destination,
            channel=ending.channel,
            outcome=ending.state.value,
            attempts=ending.claimed.attempts,
            text=ending.note if sent else ending.error,
            again_in=round((ending.moment - self._clock()).total_seconds(), 1) if again else None,
        )


def trace_delivery(tracing: Tracing, ending: Ending, began: datetime, ended: datetime) -> None:
    """Show in the trace of what caused it that a message was sent, or that it was not."""
    delivery = ending.claimed.delivery
    attributes = {
        "alertrouter.delivery": delivery.id,
        "alertrouter.incident": delivery.incident,
        "alertrouter.destination": delivery.destination,
        "alertrouter.outcome": ending.state.value,
        "alertrouter.attempt": ending.claimed.attempts,
    }
    tracing.record(delivery.cause, f"deliver {ending.channel}", began, ended, attributes, error=ending.error)


def _told(claimed: Claimed) -> tuple[Fingerprint, ...]:
    return claimed.delivery.firing + claimed.delivery.resolved


def _unpacked(packed: Mapping[Fingerprint, bytes]) -> dict[Fingerprint, Alert]:
    """Unpack alerts; those that are records of another version are left out.

    A page that tells less is better than none.
    """
    found = {}
    for mark, record in packed.items():
        try:
            found[mark] = _ALERT.decode(record)
        except UNREADABLE as error:
            _log.error("alert can't be read and is left out of the message", alert=mark, reason=str(error))
    return found


def _names(tries: Iterable[tuple[Claimed, Way]], alerts: Mapping[Fingerprint, Alert]) -> dict[Fingerprint, str]:
    """Alertmanager's names for the alerts that go out as webhooks, whose bodies hold them; at once: they are dear."""
    posted = (mark for claimed, way in tries if way.notifier.channel is Channel.WEBHOOK for mark in _told(claimed))
    marks = [mark for mark in dict.fromkeys(posted) if mark in alerts]
    return dict(zip(marks, alertmanager_fingerprints(alerts[mark].packed_labels for mark in marks), strict=True))

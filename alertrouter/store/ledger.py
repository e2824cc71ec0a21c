"""The ledger: deliveries that are owed, claimed by one worker at a time, and settled exactly once.

A claim is a lease: the row's due time is pushed behind its end, so that a delivery whose worker died comes due again by
itself. Each claim raises the row's fence; a settle with an older fence changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Final, cast

import msgspec
import redis
from redis.typing import EncodableT, FieldT

from alertrouter.alert import Fingerprint
from alertrouter.correlation import trace_of
from alertrouter.delivery import Delivery, LedgerState, Outcome
from alertrouter.errors import StoreUnavailable
from alertrouter.events import DeliverySettled, encode
from alertrouter.store.connection import border
from alertrouter.store.keys import RANKS, Keys, due_set
from alertrouter.store.ledger_row import KEEP_SECONDS, Claimed, Ending, LedgerRow, row_of
from alertrouter.store.metrics import DELIVERIES, bucket_of
from alertrouter.store.moment import from_ms, to_ms
from alertrouter.store.readable import UNREADABLE
from alertrouter.store.scripts import Answer, Argument, Script

CLAIM_MS: Final = 8000
"""A worker that has neither settled nor extended for so long has lost its claim."""

_LOOKS: Final = 200
_FOR_GOOD: Final = frozenset({LedgerState.SENT, LedgerState.FAILED, LedgerState.CANCELLED})
_ALERTS_A_READ: Final = 1000


class Ledger:
    """Claims, extends and settles in the name of one worker."""

    def __init__(self, client: redis.Redis, keys: Keys, worker: str) -> None:
        self._redis = client
        self._keys = keys
        self._worker = worker
        self._claim = Script(client, "ledger_claim")
        self._extend = Script(client, "ledger_extend")
        self._lane = Script(client, "ledger_lane")
        self._settle = Script(client, "ledger_settle")
        self._wanted = Script(client, "ledger_wanted")

    def claim(self, now: datetime, room: Mapping[str, int]) -> list[Claimed]:
        """Claim what is most urgent, as many of each channel as it has room; lanes that are held or paced are left out.

        The most urgent comes first.
        """
        keys = self._keys
        arguments: list[Argument] = [to_ms(now), CLAIM_MS, self._worker, RANKS]
        arguments += [keys.due_prefix, keys.delivery(""), keys.lane_prefix]
        for channel, most in room.items():
            arguments += [channel, most]
        for _ in range(_LOOKS):
            more, *rows = cast(list[Answer], self._claim([keys.lanes], arguments))
            claimed = [one for row in rows if (one := self._claimed(cast(list[Answer], row), now))]
            if claimed or not (rows or more):
                return claimed
        return []

    def enter_lane(self, claimed: Claimed, lane: str, pace: int, now: datetime) -> bool:
        """Take a place in a lane that the claim did not know of, or not at this pace (ms between two messages).

        False: the lane is blocked and the delivery was put back, or the claim is lost; leave it.
        """
        delivery, keys = claimed.delivery, self._keys
        due = keys.due(delivery.channel, delivery.rank)
        names = [keys.delivery(delivery.id), due, keys.lanes, keys.lane_prefix + lane]
        return self._lane(names, (delivery.id, claimed.fence, to_ms(now), delivery.destination, lane, pace)) == 1

    def extend(self, claims: Iterable[Claimed], now: datetime) -> list[bool]:
        """Hold claims for another term; False for each that is no longer ours."""
        arguments: list[Argument] = [to_ms(now) + CLAIM_MS, self._keys.delivery(""), self._keys.due_prefix]
        for claimed in claims:
            arguments += [claimed.delivery.id, claimed.fence, _due_set(claimed)]
        return [held == 1 for held in cast(list[int], self._extend([], arguments))]

    def look(
        self, claims: Iterable[Claimed], fingerprints: Iterable[Fingerprint]
    ) -> tuple[dict[Fingerprint, bytes], list[str | None]]:
        """Look once more before they leave: the alerts as they are now, still packed; then, whether each is wanted.

        Alerts that are gone are left out. For each claim: why it was recalled, "" when it is wanted, None when it is
        not ours.
        """
        marks = list(fingerprints)
        arguments: list[Argument] = [self._keys.delivery("")]
        for claimed in claims:
            arguments += [claimed.delivery.id, claimed.fence]
        with border(), self._redis.pipeline(transaction=False) as pipeline:
            for start in range(0, len(marks), _ALERTS_A_READ):
                pipeline.hmget(self._keys.alerts, list(marks[start : start + _ALERTS_A_READ]))
            *parts, whys = cast(list[list[bytes | None]], self._wanted.last(pipeline, [], arguments))
        packed = zip(marks, chain.from_iterable(parts), strict=True)
        alerts = {mark: record for mark, record in packed if record is not None}
        return alerts, [None if why is None else why.decode() for why in whys]

    def settle(self, endings: Iterable[Ending]) -> list[bool]:
        """Write down how tries ended, each whole or not at all; what ended for good the journal is told of as well.

        False for each whose claim was lost meanwhile: another worker sends it again.
        """
        return self._write([self._settlement(ending) for ending in endings])

    def drains_until(self, moment: datetime) -> None:
        """Say that this worker looks at the ledger until then: a nudge is enough to make it look again."""
        with border():
            self._redis.zadd(self._keys.draining, {self._worker: to_ms(moment)})

    def drains_no_more(self) -> None:
        """Say that it takes an RQ job from now on."""
        with border():
            self._redis.zrem(self._keys.draining, self._worker)

    def nudged(self, seconds: float) -> bool:
        """Wait for a nudge; False: none came in time."""
        with border():
            return self._redis.blpop([self._keys.nudges], timeout=seconds) is not None

    def policy_files(self, revision: str) -> dict[str, str] | None:
        """Give the texts of a policy's revision, None when it is no longer kept."""
        with border():
            packed = self._redis.hget(self._keys.policies, revision)
        return msgspec.msgpack.decode(packed, type=dict[str, str]) if isinstance(packed, bytes) else None

    def active_revision(self) -> str:
        """Give the revision in force, "" when there is none."""
        with border():
            active = self._redis.get(self._keys.active)
        return active.decode() if isinstance(active, bytes) else ""

    def row(self, delivery: str) -> LedgerRow | None:
        """Give the fate of a delivery, None when it is not or no longer known."""
        with border():
            fields = cast(dict[bytes, bytes], self._redis.hgetall(self._keys.delivery(delivery)))
        return row_of(fields)

    def _claimed(self, answer: list[Answer], now: datetime) -> Claimed | None:
        name, fence, attempts, lane, pace, first_at, error, doubtful, packed = cast(
            tuple[bytes, int, int, bytes, int, bytes, bytes, bytes, bytes], tuple(answer)
        )
        try:
            delivery = msgspec.msgpack.decode(packed, type=Delivery)
        except (*UNREADABLE, TypeError) as fault:  # TypeError: the row has none
            self._give_up(name.decode(), fence, now, f"its row can't be read: {fault}")
            return None
        return Claimed(
            delivery=delivery,
            fence=fence,
            attempts=attempts,
            lane=lane.decode(),
            pace=pace,
            first_at=from_ms(int(first_at)),
            error=error.decode(),
            doubtful=doubtful == b"1",
        )

    def _give_up(self, name: str, fence: int, now: datetime, error: str) -> None:
        """Fail a delivery that can't be read, so that it holds up neither the others nor its destination."""
        with border():
            kept = self._redis.hmget(self._keys.delivery(name), "destination", "channel", "rank")
        destination, channel, rank = (value.decode() if isinstance(value, bytes) else "" for value in kept)
        due = due_set(channel, int(rank or 0))
        event = self._event(name, name.rpartition(".")[0], destination, Outcome.FAILED, now, error=error)
        counter = _counter(channel, Outcome.FAILED)
        self._write([[name, fence, due, "failed", to_ms(now), error, "", "", encode(event), counter, "", 0, "", 0]])

    def _settlement(self, ending: Ending) -> list[Argument]:
        """The arguments of one settlement, as the script wants them."""
        claimed, delivery = ending.claimed, ending.claimed.delivery
        event, bucket, milliseconds = b"", "", 0
        if ending.state in _FOR_GOOD:
            names = (delivery.id, delivery.incident, delivery.destination)
            outcome = Outcome(ending.state.value)
            event = encode(self._event(*names, outcome, ending.moment, ending.reference, ending.error))
        if ending.state is LedgerState.SENT:
            seconds = max(0.0, (ending.moment - delivery.received_at).total_seconds())
            bucket, milliseconds = bucket_of(seconds), round(seconds * 1000)
        return [
            delivery.id,
            claimed.fence,
            _due_set(claimed),
            ending.state.value,
            to_ms(ending.moment),
            ending.error,
            ending.note,
            ending.reference or "",
            event,
            _counter(ending.channel, ending.state),
            bucket,
            milliseconds,
            ending.hold_lane,
            int(ending.proven),
        ]

    def keep_exemplars(self, endings: Iterable[Ending]) -> None:
        """Remember, for each bucket of the latency, the newest traced delivery that fell into it: `/metrics` names it.

        Only a hint for people: when Redis does not answer it is left out.
        """
        newest: dict[FieldT, EncodableT] = {}
        for ending in endings:
            trace = trace_of(ending.claimed.delivery.cause)
            if trace and ending.state is LedgerState.SENT:
                seconds = max(0.0, (ending.moment - ending.claimed.delivery.received_at).total_seconds())
                newest[bucket_of(seconds)] = f"{trace.trace_id} {seconds:.3f} {ending.moment.timestamp():.3f}"
        if newest:
            with suppress(StoreUnavailable), border():
                self._redis.hset(self._keys.exemplars, mapping=newest)

    def _write(self, settlements: Iterable[Sequence[Argument]]) -> list[bool]:
        keys = self._keys
        arguments: list[Argument] = [KEEP_SECONDS, keys.delivery(""), keys.due_prefix, keys.lane_prefix]
        for settlement in settlements:
            arguments += settlement
        answers = self._settle([keys.journal, keys.counters, keys.latency], arguments)
        return [done == 1 for done in cast(list[int], answers)]

    def _event(
        self,
        delivery: str,
        incident: str,
        destination: str,
        outcome: Outcome,
        now: datetime,
        reference: str | None = None,
        error: str = "",
    ) -> DeliverySettled:
        return DeliverySettled(
            at=now,
            actor=f"worker:{self._worker}",
            key=f"settled:{delivery}",
            delivery=delivery,
            incident=incident,
            destination=destination,
            outcome=outcome,
            reference=reference,
            error=error,
        )


def _due_set(claimed: Claimed) -> str:
    return due_set(claimed.delivery.channel, claimed.delivery.rank)


def _counter(channel: str, outcome: str) -> str:
    return f"{DELIVERIES}{channel}:{outcome}"

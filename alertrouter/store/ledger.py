"""The ledger: deliveries that are owed, claimed by one worker at a time, and settled exactly once.

A claim is a lease: the row's due time is pushed behind its end, so that a delivery whose worker died comes due again by
itself. Each claim raises the row's fence; a settle with an older fence changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, cast

import msgspec
import redis

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery, LedgerState, Outcome
from alertrouter.events import DeliverySettled, encode
from alertrouter.store.connection import border
from alertrouter.store.keys import RANKS, Keys
from alertrouter.store.ledger_row import KEEP_SECONDS, Claimed, LedgerRow, row_of
from alertrouter.store.metrics import DELIVERIES, bucket_of
from alertrouter.store.moment import from_ms, to_ms
from alertrouter.store.scripts import Answer, Argument, Script

CLAIM_MS: Final = 8000
"""A worker that has neither settled nor extended for so long has lost its claim."""

"""How long a settled row can still be looked at."""

_LOOKS: Final = 200
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
        self._again = Script(client, "ledger_again")
        self._settle = Script(client, "ledger_settle")
        self._wanted = Script(client, "ledger_wanted")

    def claim(self, now: datetime, channels: Iterable[str]) -> Claimed | None:
        """Claim what is most urgent among these channels, leaving out lanes that are held or paced."""
        keys = self._keys
        arguments: list[Argument] = [to_ms(now), CLAIM_MS, self._worker, RANKS]
        arguments += [keys.due_prefix, keys.delivery(""), keys.lane_prefix, *channels]
        for _ in range(_LOOKS):
            answer = self._claim([keys.lanes], arguments)
            if answer is None:
                return None
            claimed = self._claimed(answer, now) if isinstance(answer, list) else None
            if claimed:
                return claimed
        return None

    def enter_lane(self, claimed: Claimed, lane: str, pace: int, now: datetime) -> bool:
        """Take a place in a lane that the claim did not know of, or not at this pace (ms between two messages).

        False: the lane is blocked and the delivery was put back, or the claim is lost; leave it.
        """
        delivery = claimed.delivery
        keys = [self._row(claimed), self._due(claimed), self._keys.lanes, self._keys.lane_prefix + lane]
        arguments = (delivery.id, claimed.fence, to_ms(now), delivery.destination, lane, pace)
        return self._lane(keys, arguments) == 1

    def extend(self, claimed: Claimed, now: datetime) -> bool:
        """Hold the claim for another term; False when it is no longer ours."""
        keys = [self._row(claimed), self._due(claimed)]
        return self._extend(keys, [claimed.delivery.id, claimed.fence, to_ms(now) + CLAIM_MS]) == 1

    def settle_sent(
        self,
        claimed: Claimed,
        now: datetime,
        *,
        channel: str,
        reference: str | None = None,
        note: str = "",
        proven: bool = False,
    ) -> bool:
        """Write down that it was sent, and once if that is `proven`.

        False when the claim was lost meanwhile: another worker sends it again.
        """
        return self._final(claimed, now, Outcome.SENT, channel, reference=reference, note=note, proven=proven)

    def settle_cancelled(self, claimed: Claimed, now: datetime, *, channel: str, why: str) -> bool:
        """Write down that it was recalled before it left."""
        return self._final(claimed, now, Outcome.CANCELLED, channel, error=why)

    def recalled(self, claimed: Claimed) -> str | None:
        """Look once more before it leaves: why it was recalled, "" when it is wanted, None when the claim is lost."""
        answer = self._wanted([self._row(claimed)], [claimed.fence])
        return answer.decode() if isinstance(answer, bytes) else None

    def settle_failed(self, claimed: Claimed, now: datetime, *, channel: str, error: str) -> bool:
        """Write down that it failed for good."""
        return self._final(claimed, now, Outcome.FAILED, channel, error=error)

    def settle_retry(self, claimed: Claimed, *, channel: str, error: str, due: datetime, hold_lane: str = "") -> bool:
        """Write down that it failed for now; `hold_lane` is held until then, as `Retry-After` asks."""
        return self._later(claimed, LedgerState.RETRY, channel, error, due, hold_lane)

    def settle_unknown(self, claimed: Claimed, *, channel: str, error: str, due: datetime) -> bool:
        """Write down that nobody knows whether it arrived; it is tried again and marked doubtful."""
        return self._later(claimed, LedgerState.UNKNOWN, channel, error, due, "")

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

    def alerts(self, fingerprints: Iterable[Fingerprint]) -> dict[Fingerprint, Alert]:
        """Give the alerts as they are now; those that are gone are left out."""
        names = list(fingerprints)
        found: dict[Fingerprint, Alert] = {}
        for start in range(0, len(names), _ALERTS_A_READ):
            part = names[start : start + _ALERTS_A_READ]
            with border():
                packed = self._redis.hmget(self._keys.alerts, list(part))
            found |= {
                name: msgspec.msgpack.decode(value, type=Alert)
                for name, value in zip(part, packed, strict=True)
                if isinstance(value, bytes)
            }
        return found

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
        except msgspec.DecodeError as fault:
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
        due = self._keys.due(channel, int(rank or 0))
        incident = name.rpartition(".")[0]
        event = self._event(name, incident, destination, Outcome.FAILED, now, error=error)
        self._write(name, fence, due, event, channel, "", now)

    def _final(
        self,
        claimed: Claimed,
        now: datetime,
        outcome: Outcome,
        channel: str,
        *,
        reference: str | None = None,
        error: str = "",
        note: str = "",
        proven: bool = False,
    ) -> bool:
        delivery = claimed.delivery
        event = self._event(
            delivery.id, delivery.incident, delivery.destination, outcome, now, reference=reference, error=error
        )
        took = now - delivery.received_at if outcome is Outcome.SENT else None
        return self._write(
            delivery.id, claimed.fence, self._due(claimed), event, channel, note, now, took, proven=proven
        )

    def _event(
        self,
        delivery: str,
        incident: str,
        destination: str,
        outcome: Outcome,
        now: datetime,
        *,
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

    def _write(
        self,
        name: str,
        fence: int,
        due: str,
        event: DeliverySettled,
        channel: str,
        note: str,
        now: datetime,
        took: timedelta | None = None,
        *,
        proven: bool = False,
    ) -> bool:
        keys = self._keys
        seconds = max(0.0, took.total_seconds()) if took is not None else 0.0
        arguments: list[Argument] = [name, fence, to_ms(now), event.outcome.value, encode(event), event.error, note]
        arguments += [event.reference or "", _counter(channel, event.outcome.value), KEEP_SECONDS]
        arguments += [bucket_of(seconds) if took is not None else "", round(seconds * 1000), int(proven)]
        return self._settle([keys.delivery(name), due, keys.journal, keys.counters, keys.latency], arguments) == 1

    def _later(
        self, claimed: Claimed, state: LedgerState, channel: str, error: str, due: datetime, held_lane: str
    ) -> bool:
        keys = [self._row(claimed), self._due(claimed), self._keys.lane_prefix + held_lane, self._keys.counters]
        until = to_ms(due)
        hold_until = until if held_lane else 0
        arguments: list[Argument] = [claimed.delivery.id, claimed.fence, state.value, until, error, hold_until]
        return self._again(keys, [*arguments, _counter(channel, state.value)]) == 1

    def _row(self, claimed: Claimed) -> str:
        return self._keys.delivery(claimed.delivery.id)

    def _due(self, claimed: Claimed) -> str:
        return self._keys.due(claimed.delivery.channel, claimed.delivery.rank)


def _counter(channel: str, outcome: str) -> str:
    return f"{DELIVERIES}{channel}:{outcome}"

"""What `/metrics` shows, as plain numbers read from Redis."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import Final

import msgspec
import redis.asyncio

from alertrouter.policy.receiver import Channel
from alertrouter.shadow import Standing
from alertrouter.store import shadow as shadows
from alertrouter.store.keys import RANKS, Keys
from alertrouter.store.moment import from_ms
from alertrouter.store.together import together

LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper edges of the latency histogram, in seconds; what takes longer counts only as `+Inf`."""

_BUCKETS: Final = (*(f"le:{edge:g}" for edge in LATENCY_BUCKETS), "le:inf")


DELIVERIES: Final = "deliveries:"
"""What the counters of deliveries by channel and outcome begin with."""


class Exemplar(msgspec.Struct, frozen=True):
    """One delivery that stands for its bucket: its trace, how long it took, when it was sent (s since 1970)."""

    trace_id: str
    seconds: float
    at: float


class Bucket(msgspec.Struct, frozen=True):
    """How many deliveries took at most `edge` seconds (cumulative, as Prometheus wants it)."""

    edge: float
    count: int
    exemplar: Exemplar | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the receipt of the report that caused a message until it was sent."""

    buckets: tuple[Bucket, ...]
    count: int
    sum_seconds: float


class DeliveryCount(msgspec.Struct, frozen=True):
    """How many tries on a channel ended so: `sent`, `failed`, `cancelled`, or for now `retry`, `unknown`."""

    channel: str
    outcome: str
    count: int


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers at one moment.

    `counters` are those of `engine.changes.Changes.counts` and of the doors, by name. `incidents` counts by state.
    `next_timer` is when the engine's next timer is due, `next_delivery` when the next delivery is; either in the
    past means: late by so much. `lease_holder` is "" when no router is active. `backups` are the times, in seconds
    since 1970, of the last backup of each part of the stack; `reconciled` those of the last poll of each Alertmanager
    that was believed. `shadow` is the policy in the shadow, None without one.
    """

    counters: dict[str, int]
    incidents: dict[str, int]
    deliveries: tuple[DeliveryCount, ...]
    latency: Latency
    backups: dict[str, int]
    reconciled: dict[str, int]
    backlog: int
    next_timer: datetime | None
    next_delivery: datetime | None
    lease_holder: str
    epoch: int
    inbox: int
    quarantined: int
    set_aside: int
    policy_faults: int
    shadow: Standing | None = None

    def timer_lag(self, now: datetime) -> float:
        """Seconds by which the engine's oldest due timer is late; 0 when none is."""
        return _lag(self.next_timer, now)

    def delivery_lag(self, now: datetime) -> float:
        """Seconds by which the oldest due delivery is late; 0 when none is."""
        return _lag(self.next_delivery, now)


def bucket_of(seconds: float) -> str:
    """Name the hash field that counts a latency."""
    return _BUCKETS[bisect_left(LATENCY_BUCKETS, seconds)]


async def read_metrics(client: redis.asyncio.Redis, keys: Keys) -> Metrics:
    """Read all numbers in one round trip: a line for each question, and one for each number."""
    due_sets = [keys.due(channel, rank) for channel in Channel for rank in range(RANKS)]
    counters, gauges, latency, backups, reconciled, exemplars, backlog, inbox, holder, epoch, *found = await together(
        client,
        [
            ("HGETALL", keys.counters),
            ("HGETALL", keys.gauges),
            ("HGETALL", keys.latency),
            ("HGETALL", keys.backups),
            ("HGETALL", keys.reconciled),
            ("HGETALL", keys.exemplars),
            ("XLEN", keys.journal),
            ("ZCARD", keys.inbox_order),
            ("GET", keys.lease),
            ("GET", keys.epoch),
            ("HMGET", keys.shadow, shadows.SET, shadows.SUMS),
            *(("ZRANGE", due_set, 0, 0, "WITHSCORES") for due_set in due_sets),
        ],
    )
    shadow, *dues = found
    named, levels = _numbers(counters), _numbers(gauges)
    next_timer = levels.pop("next_due", -1)
    policy_faults = levels.pop("policy_faults", 0)
    firsts = [float(due[1]) for due in dues if due]
    return Metrics(
        counters={name: by for name, by in named.items() if not name.startswith(DELIVERIES)},
        incidents={name.removeprefix("incidents:"): number for name, number in levels.items()},
        deliveries=_delivery_counts(named),
        latency=_latency(_numbers(latency), _exemplars(exemplars)),
        backups=_numbers(backups),
        reconciled=_numbers(reconciled),
        backlog=backlog,
        next_timer=from_ms(next_timer) if next_timer >= 0 else None,
        next_delivery=from_ms(min(firsts)) if firsts else None,
        lease_holder=holder.decode() if holder else "",
        epoch=int(epoch or 0),
        inbox=inbox,
        quarantined=named.get("quarantined", 0),
        set_aside=named.get("set_aside", 0),
        policy_faults=policy_faults,
        shadow=shadows.standing_of(shadow),
    )


def _numbers(fields: dict[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in sorted(fields.items())}


def _delivery_counts(counters: dict[str, int]) -> tuple[DeliveryCount, ...]:
    named = [(name.split(":"), by) for name, by in counters.items() if name.startswith(DELIVERIES)]
    return tuple(DeliveryCount(channel, outcome, by) for (_, channel, outcome), by in named)


def _exemplars(fields: dict[bytes, bytes]) -> dict[str, Exemplar]:
    found = {}
    for name, text in fields.items():
        trace_id, seconds, at = text.decode().split(" ")
        found[name.decode()] = Exemplar(trace_id, float(seconds), float(at))
    return found


def _latency(fields: dict[str, int], exemplars: dict[str, Exemplar]) -> Latency:
    total = 0
    buckets = []
    for edge in LATENCY_BUCKETS:
        total += fields.get(f"le:{edge:g}", 0)
        buckets.append(Bucket(edge, total, exemplars.get(f"le:{edge:g}")))
    total += fields.get("le:inf", 0)
    return Latency(buckets=tuple(buckets), count=total, sum_seconds=fields.get("sum_ms", 0) / 1000)


def _lag(due: datetime | None, now: datetime) -> float:
    return max(0.0, (now - due).total_seconds()) if due else 0.0

"""Label values that cannot grow without end, and counters that alerts see from their first event on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

OTHER: Final = "__other__"
"""Stands for every value beyond the bound."""
MOST_VALUES: Final = 200
"""Values of one label that are kept apart."""
LONGEST: Final = 120
"""Characters of a value; what is longer is cut."""
SETTLE: Final = 20.0
"""Seconds that a new series is shown as 0, from its first scrape: two Prometheus that scrape every 15 s see it."""


class Clock(Protocol):
    """Gives seconds that only grow."""

    def __call__(self) -> float:
        """The moment."""


class Bounds:
    """Lets through the values that a label may have; counts the others in `ai_exporter_series_dropped_total`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        most: int = MOST_VALUES,
        allowed: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`allowed` names labels that have these values and no others."""
        self._most = most
        self._seen: dict[str, set[str]] = {label: set(values) for label, values in (allowed or {}).items()}
        self._closed = frozenset(self._seen)
        self._lock = threading.Lock()
        self._dropped = Counter(
            "ai_exporter_series_dropped_total",
            "Values of labels that were counted as __other__, by label.",
            ["label"],
            registry=registry,
        )

    def __call__(self, label: str, value: str) -> str:
        """The value, or `__other__` when the label has too many already."""
        seen = self._seen.get(label)
        if seen is not None and value in seen:
            return value
        # What UTF-8 has no place for would cost all the others their scrape.
        return self._new(label, value[:LONGEST].encode(errors="replace").decode())

    def _new(self, label: str, value: str) -> str:
        with self._lock:
            seen = self._seen.setdefault(label, set())
            if value in seen:
                return value
            if label in self._closed or len(seen) >= self._most:
                self._dropped.labels(label).inc()
                return OTHER
            seen.add(value)
            return value


class RareCounter(Collector):
    """A counter whose series begin at 0 even when their first event is what brings them.

    `increase(x_total[5m]) > 0` does not see the first event of a series that was not there before. So a new one is
    shown as 0 at its first scrape, and for `SETTLE` seconds more; then as what it is.
    """

    def __init__(
        self, name: str, text: str, labels: tuple[str, ...], registry: CollectorRegistry, clock: Clock
    ) -> None:
        """`name` without `_total`."""
        self._family = (name, text, labels)
        self._clock = clock
        self._values: dict[tuple[str, ...], float] = {}
        self._shown: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def count(self, *values: str, by: float = 1) -> None:
        """Add to the series with these label values; `by=0` only brings it to be."""
        with self._lock:
            self._values[values] = self._values.get(values, 0) + by

    def describe(self) -> Iterator[Metric]:
        """The family without samples; asked for once, when it is registered."""
        name, text, labels = self._family
        yield CounterMetricFamily(name, text, labels=labels)

    def collect(self) -> Iterator[Metric]:
        """What a scrape gets."""
        name, text, labels = self._family
        family = CounterMetricFamily(name, text, labels=labels)
        now = self._clock()
        with self._lock:
            for values, value in sorted(self._values.items()):
                settled = now - self._shown.setdefault(values, now) > SETTLE
                family.add_metric(values, value if settled else 0)
        yield family

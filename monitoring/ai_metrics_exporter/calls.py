"""The series that calls of one kind count on, looked up once: that costs more than the counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import Counter, Histogram

from ai_metrics_exporter.bounded import OTHER

if TYPE_CHECKING:
    from ai_metrics_exporter.metrics import AiMetrics

MOST_REMEMBERED: Final = 1000
"""Kinds of call that are remembered; the series of others are looked up each time."""


Kind = tuple[str, str, str, str, str]
"""What tells calls apart, as it was reported: model, version, provider, operation, and the error, empty for success."""


class Series(NamedTuple):
    """What a call of that kind counts on."""

    latency: Histogram
    requests: Counter
    input: Counter
    output: Counter


class Calls:
    """Gives the series of a kind of call."""

    def __init__(self, metrics: AiMetrics) -> None:
        """None is remembered yet."""
        self._metrics = metrics
        self._remembered: dict[Kind, Series] = {}

    def __call__(self, kind: Kind) -> Series:
        """They are there from now on, at 0 when this is the first call."""
        return self._remembered.get(kind) or self._look_up(kind)

    def _look_up(self, kind: Kind) -> Series:
        metrics, bound = self._metrics, self._metrics.bound
        model, version, provider, operation, error = kind
        model, provider, error = bound("model_name", model), bound("provider", provider), bound("error_type", error)
        labels = (model, bound("model_version", version), provider, bound("operation", operation))
        series = Series(
            metrics.latency.labels(*labels),
            metrics.requests.labels(*labels, "error" if error else "success", error),
            metrics.tokens.labels(model, provider, "input"),
            metrics.tokens.labels(model, provider, "output"),
        )
        # Each value beyond a label's bound is told in ai_exporter_series_dropped_total.
        if OTHER not in (*labels, error) and len(self._remembered) < MOST_REMEMBERED:
            self._remembered[kind] = series
        return series

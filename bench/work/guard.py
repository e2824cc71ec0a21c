"""A glance at the rows within half a minute, one repetition each, with margins so wide that only a real loss shows."""

from __future__ import annotations

from typing import Final

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import BOTH, OURS, Bench, Measured, Row
from bench.shape import Shape
from bench.work import storm

STORM: Final = 5000


def _measure_ingest(bench: Bench, system: str) -> Measured:
    with bench.running(system, Shape()) as running:
        new = bench.load(running, Load(alerts=10_000))
        again = bench.load(running, Load(alerts=10_000, rounds=4, starts=new.pumped.starts))
    return {"new": new.rate, "re-sent": again.rate, "re-sent, CPU": again.cpu_per_thousand}


def _measure_latency(bench: Bench, system: str) -> Measured:
    load = Load(
        alerts=150, batch=1, connections=4, groups=150, pace_us=10_000, expect=150, skip=50, starts_ahead_ms=60_000
    )
    with bench.running(system, Shape(group_wait="0s"), warm=False) as running:
        return {"p50": bench.load(running, load).pumped.latency_ms.p50}


def _measure_storm(bench: Bench, system: str) -> Measured:
    return storm.figures_of(storm.measure_once(bench, system, bench.scaled(STORM)))


def guard_rows() -> list[Row]:
    """The rows of `--guard`."""
    return [
        Row(
            name="guard-ingest",
            about="batch 64, 10,000 alerts",
            figures=(
                Figure("new", "alerts/s", Target("≥", 0.5)),
                Figure("re-sent", "alerts/s", Target("≥", 1.0)),
                Figure("re-sent, CPU", "s per 1k", Target("≤", 0.7)),
            ),
            measure=_measure_ingest,
            systems=BOTH,
        ),
        Row(
            name="guard-storm",
            about="as `storm`, half of it",
            figures=(Figure("time", "s", Target("≤", 2.5)), Figure("CPU", "s", Target("≤", 3.0))),
            measure=_measure_storm,
            systems=BOTH,
        ),
        Row(
            name="guard-latency",
            about="POST to endpoint, group_wait 0",
            figures=(Figure("p50", "ms", Target("≤", 40, "nothing")),),
            measure=_measure_latency,
            systems=OURS,
        ),
    ]

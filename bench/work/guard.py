"""A minute's worth of the rows, one repetition each, with margins so wide that only a real loss shows."""

from __future__ import annotations

from functools import partial

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import BOTH, OURS, Bench, Measured, Row
from bench.shape import Shape
from bench.work import inhibition, storm


def _measure_ingest(bench: Bench, system: str) -> Measured:
    with bench.running(system, Shape()) as running:
        new = bench.load(running, Load(alerts=20_000))
        again = bench.load(running, Load(alerts=20_000, rounds=3, starts=new.pumped.starts))
    return {"new": new.rate, "re-sent": again.rate, "re-sent, CPU": again.cpu_per_thousand}


def _measure_latency(bench: Bench, system: str) -> Measured:
    load = Load(
        alerts=150, batch=1, connections=4, groups=150, pace_us=20_000, expect=150, skip=50, starts_ahead_ms=60_000
    )
    with bench.running(system, Shape(group_wait="0s"), warm=False) as running:
        return {"p50": bench.load(running, load).pumped.latency_ms.p50}


def _measure_routes(bench: Bench, system: str) -> Measured:
    rates = []
    for routes in (4, 1000):
        with bench.running(system, Shape(routes=routes)) as running:
            rates.append(bench.load(running, Load(alerts=10_000, services=routes, rounds=2)).rate)
    return {"1,000 equality ÷ 4": rates[1] / rates[0]}


def guard_rows() -> list[Row]:
    """The rows of `--guard`."""
    return [
        Row(
            name="guard-ingest",
            about="batch 64, 20,000 alerts",
            figures=(
                Figure("new", "alerts/s", Target("≥", 0.5)),
                Figure("re-sent", "alerts/s", Target("≥", 1.0)),
                Figure("re-sent, CPU", "s per 1k", Target("≤", 0.7)),
            ),
            measure=_measure_ingest,
            systems=BOTH,
        ),
        Row(
            name="guard-routes",
            about="1,000 equality routes beside 4",
            figures=(Figure("1,000 equality ÷ 4", "", Target("≥", 0.5, "nothing")),),
            measure=_measure_routes,
            systems=OURS,
        ),
        Row(
            name="guard-storm",
            about="as `storm`",
            figures=(Figure("time", "s", Target("≤", 2.5)), Figure("CPU", "s", Target("≤", 2.0))),
            measure=storm.measure,
            systems=BOTH,
        ),
        Row(
            name="guard-inhibit",
            about="100 rules, 100 sources",
            figures=(Figure("time", "s", Target("≤", 1.5)),),
            measure=partial(inhibition.measure, 100, 100),
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

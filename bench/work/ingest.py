"""Taking alerts in: new ones, and the same again, until they are applied. Nobody is notified meanwhile."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from statistics import mean
from typing import Final

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import ALL, BOTH, Bench, Measured, Row, share_figures
from bench.shape import Shape

ALERTS: Final = {1: 10_000, 10: 30_000, 64: 60_000, 500: 60_000}
AGAIN: Final = {1: 1, 10: 1, 64: 3, 500: 3}
"""How often all of them are sent again."""

STEADY_ALERTS: Final = 20_000
STEADY_EVERY_MS: Final = 15_000
STEADY_ROUNDS: Final = 4


def _measure(batch: int, connections: int, bench: Bench, system: str) -> Measured:
    alerts = bench.scaled(ALERTS[batch])
    with bench.running(system, Shape()) as running:
        new = bench.load(running, Load(alerts=alerts, batch=batch, connections=connections))
        load = Load(alerts=alerts, batch=batch, connections=connections, rounds=AGAIN[batch], starts=new.pumped.starts)
        again = bench.load(running, load)
        changed = Load(alerts=alerts, batch=batch, connections=connections, rounds=1, changing=1, starts=load.starts)
        news = bench.load(running, changed) if batch == 64 else again
    return {
        "new": new.rate,
        "new, CPU": new.cpu_per_thousand,
        "re-sent": again.rate,
        "re-sent, CPU": again.cpu_per_thousand,
        "re-sent, another annotation": news.rate,
        "response p50": again.pumped.response_ms.p50,
        "response p99": again.pumped.response_ms.p99,
        "response p99, new": new.pumped.response_ms.p99,
        **new.shares("new, "),
        **again.shares("re-sent, "),
    }


def _figures(batch: int, connections: int) -> tuple[Figure, ...]:
    at_64, single = batch == 64 and connections == 8, batch == 1 and connections == 32
    least = Target("≥", 1.2) if batch == 500 or at_64 else Target("≥", 0.7) if single else None
    again = Target("≥", 2.0) if at_64 else least
    figures = [
        Figure("new", "alerts/s", least),
        Figure("new, CPU", "s per 1k"),
        Figure("re-sent", "alerts/s", again),
        Figure("re-sent, CPU", "s per 1k", Target("≤", 0.35) if at_64 else None),
        Figure("response p50", "ms"),
        Figure("response p99", "ms", Target("≤", 0.5) if at_64 else None),
        Figure("response p99, new", "ms"),
    ]
    if at_64:
        figures += [Figure("re-sent, another annotation", "alerts/s")]
        figures += [*share_figures("new, "), *share_figures("re-sent, ")]
    return tuple(figures)


def _measure_routes(bench: Bench, system: str) -> Measured:
    """The same at 4 routes and at 1,000, there and back again, so that a machine that gets slower favours none."""
    shapes = {"4 routes": Shape(), "1,000 equality": Shape(routes=1000), "1,000 regex": Shape(routes=1000, regex=True)}
    taken: dict[str, list[float]] = {}
    for name in (*shapes, *reversed(shapes)):
        shape = shapes[name]
        with bench.running(system, shape) as running:
            load = Load(alerts=bench.scaled(30_000), services=shape.routes)
            new = bench.load(running, load)
            again = bench.load(running, replace(load, rounds=2, starts=new.pumped.starts))
        taken.setdefault(f"{name}, new", []).append(new.rate)
        taken.setdefault(f"{name}, re-sent", []).append(again.rate)
    rates = {name: mean(both) for name, both in taken.items()}
    for name in ("1,000 equality", "1,000 regex"):
        for kind in ("new", "re-sent"):
            rates[f"{name} ÷ 4 routes, {kind}"] = rates[f"{name}, {kind}"] / rates[f"4 routes, {kind}"]
    return rates


def _route_figures() -> tuple[Figure, ...]:
    own = Target("≥", 0.9, "nothing")
    rates = [
        Figure(f"{name}, {kind}", "alerts/s")
        for name in ("4 routes", "1,000 equality", "1,000 regex")
        for kind in ("new", "re-sent")
    ]
    growth = [
        Figure(f"{name} ÷ 4 routes, {kind}", "", own)
        for name in ("1,000 equality", "1,000 regex")
        for kind in ("new", "re-sent")
    ]
    return (*rates, *growth)


def _measure_steady(bench: Bench, system: str) -> Measured:
    """A minute at Prometheus's own pace: what is persisted lazily is written twice in it, and counts."""
    alerts = bench.scaled(STEADY_ALERTS)
    with bench.running(system, Shape()) as running:
        new = bench.load(running, Load(alerts=alerts))
        pace = STEADY_EVERY_MS * 1000 * 64 // alerts
        load = Load(alerts=alerts, rounds=STEADY_ROUNDS, pace_us=pace, starts=new.pumped.starts, timeout_ms=90_000)
        steady = bench.load(running, load)
    return {"CPU": steady.cpu_per_thousand, "response p99": steady.pumped.response_ms.p99}


def rows() -> list[Row]:
    """Batches by connections, many routes, and the steady state."""
    ingests = [
        Row(
            name=f"ingest-{batch}" + ("" if connections == 8 else f"-{connections}c"),
            about=f"POST of {batch} alerts a request over {connections} connections, until applied",
            figures=_figures(batch, connections),
            measure=partial(_measure, batch, connections),
            systems=ALL if connections == 8 else BOTH,
        )
        for batch in ALERTS
        for connections in (8, 32)
    ]
    routes = Row(
        name="routes",
        about="ingest at batch 64 with 4 and 1,000 routes",
        figures=_route_figures(),
        measure=_measure_routes,
    )
    steady = Row(
        name="steady",
        about=f"{STEADY_ALERTS} alerts, each re-sent every {STEADY_EVERY_MS // 1000} s, for a minute",
        figures=(Figure("CPU", "s per 1k"), Figure("response p99", "ms")),
        measure=_measure_steady,
        long=True,
    )
    return [*ingests, routes, steady]

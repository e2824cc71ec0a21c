"""One alert at a time: from its POST to the endpoint, with no `group_wait`, and the lateness of `group_wait` itself."""

from __future__ import annotations

from functools import partial
from typing import Final

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import ALL, BOTH, OURS, Bench, Measured, Row
from bench.shape import Shape
from bench.work.drain import SLACK_ANSWER

SKIP: Final = 100
"""The first ones find caches cold and connections closed; no percentile counts them."""

WAIT_MS: Final = 1000


def _measure(channel: str, bench: Bench, system: str) -> Measured:
    alerts = SKIP + bench.scaled(500)
    load = Load(
        alerts=alerts,
        batch=1,
        connections=4,
        groups=alerts,
        pace_us=10_000,
        expect=alerts,
        skip=SKIP,
        starts_ahead_ms=60_000,
        answer=SLACK_ANSWER if channel == "slack" else "ok",
    )
    with bench.running(system, Shape(group_wait="0s", channel=channel), warm=False) as running:
        sent = bench.load(running, load)
    latency = sent.pumped.latency_ms
    return {"p50": latency.p50, "p99": latency.p99, "most": latency.most, "CPU": sent.cpu_per_thousand}


def _measure_timers(bench: Bench, system: str) -> Measured:
    """A group every 100 ms, which leaves the machine idle between them."""
    load = Load(
        alerts=70, batch=1, connections=2, groups=70, pace_us=100_000, expect=70, skip=20, starts_ahead_ms=60_000
    )
    with bench.running(system, Shape(group_wait=f"{WAIT_MS}ms"), warm=False) as running:
        latency = bench.load(running, load).pumped.latency_ms
    return {"earliest": latency.least - WAIT_MS, "p50": latency.p50 - WAIT_MS, "latest": latency.most - WAIT_MS}


def rows() -> list[Row]:
    """Latency by channel, and the timers."""
    figures = (Figure("p50", "ms"), Figure("p99", "ms"), Figure("most", "ms"), Figure("CPU", "s per 1k"))
    bounded = (
        Figure("p50", "ms", Target("≤", 8, "nothing")),
        Figure("p99", "ms", Target("≤", 25, "nothing")),
        *figures[2:],
    )
    return [
        Row(
            name="latency",
            about="one alert every 10 ms, POST to endpoint, group_wait 0, webhook",
            figures=bounded,
            measure=partial(_measure, "webhook"),
            systems=ALL,
        ),
        Row(
            name="latency-slack",
            about="the same through the Slack notifier (its pace of one message a second taken off)",
            figures=bounded,
            measure=partial(_measure, "slack"),
            systems=OURS,
        ),
        Row(
            name="timers",
            about="group_wait 1 s: how long after it, from the POST, the endpoint hears",
            figures=(
                Figure("earliest", "ms late", Target("≥", 0, "nothing")),
                Figure("p50", "ms late"),
                Figure("latest", "ms late", Target("≤", 100, "nothing")),
            ),
            measure=_measure_timers,
            systems=BOTH,
        ),
    ]

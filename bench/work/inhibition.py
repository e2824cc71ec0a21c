"""Inhibition: 2,000 alerts in 200 groups that many rules and many firing sources might hold back, and don't."""

from __future__ import annotations

from functools import partial
from typing import Final

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import APART, Bench, Measured, Row
from bench.shape import Shape
from bench.work.storm import storm

CASES: Final = ((0, 0), (10, 1000), (10, 10_000), (100, 100), (100, 1000))
"""Rules, and alerts that fire as their sources."""

_SOURCES_FIRST: Final = 50_000_000


def measure(rules: int, sources: int, bench: Bench, system: str) -> Measured:
    """Let the sources fire, then the targets."""
    # Alertmanager gives a group up after its interval, and needs more than seconds for the largest case.
    with bench.running(system, Shape(rules=rules, group_wait="1s", group_interval="5m"), warm=False) as running:
        bench.load(running, storm(alerts=200, groups=20, from_=APART))
        if sources:
            bench.load(running, Load(alerts=sources, role="source", first=_SOURCES_FIRST))
        stormed = bench.load(running, storm(alerts=bench.scaled(2000), groups=bench.scaled(200), role="target"))
    return {"time": stormed.seconds, "CPU": stormed.cpu}


def rows() -> list[Row]:
    """A row for each case."""
    return [
        Row(
            name=f"inhibit-{rules}x{sources}",
            about=f"{rules} inhibition rules, {sources} sources firing, 2,000 targets that none of them holds back",
            figures=(
                Figure("time", "s", Target("≤", 0.15) if (rules, sources) == (100, 1000) else None),
                Figure("CPU", "s"),
            ),
            measure=partial(measure, rules, sources),
        )
        for rules, sources in CASES
    ]

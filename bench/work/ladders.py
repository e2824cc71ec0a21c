"""Timers at scale: very many open ladders, of which ten thousand have a level due within one second."""

from __future__ import annotations

from typing import Final

from bench.figures import Figure, Target
from bench.programs import BenchError, memory_mib
from bench.pump import Load
from bench.rows import APART, OURS, Bench, Measured, Row
from bench.shape import LEVEL_AFTER, SOON, Shape
from bench.work.storm import storm

OPEN: Final = 100_000
DUE: Final = 10_000
BATCH: Final = 20
SETTLE: Final = 3.0


def _measure(bench: Bench, system: str) -> Measured:
    """Open most ladders, whose level is an hour away; then those that are due, within a second of each other."""
    due = bench.scaled(DUE)
    others = bench.scaled(OPEN) - due
    soon = Load(
        alerts=due,
        batch=BATCH,
        groups=due,
        role=SOON,
        pace_us=1_000_000 * BATCH // due,
        expect=due,
        timeout_ms=120_000,
        starts_ahead_ms=60_000,
    )
    with bench.running(system, Shape(ladders=True), warm=False) as running:
        bench.load(running, storm(alerts=200, groups=200, from_=APART, role=SOON))  # both workers have sent something
        bench.load(running, Load(alerts=others, groups=others, first=due, group_from=due))
        bench.rest(SETTLE)
        loaded = bench.load(running, soon)
        memory = {process.name: memory_mib(process.pid)[1] for process in running.processes()}
        pss = sum(memory_mib(process.pid)[1] for process in running.processes())
    late = loaded.pumped.latency_ms
    after = LEVEL_AFTER * 1000
    if loaded.pumped.notifications != due:
        raise BenchError(f"{loaded.pumped.notifications} notifications of {due} levels")
    return {
        "earliest": late.least - after,
        "p50": late.p50 - after,
        "p99": late.p99 - after,
        "CPU": loaded.cpu,
        "memory, router": memory["router"],
        "memory, in all": pss,
    }


def rows() -> list[Row]:
    """One row; Alertmanager has no ladders, so there is nothing to compare with."""
    return [
        Row(
            name="ladders",
            about=f"{OPEN:,} open ladders, {DUE:,} with a level that comes due within one second: how long after it, "
            "from the POST, the endpoint has heard",
            figures=(
                Figure("earliest", "ms late", Target("≥", 0, "nothing")),
                Figure("p50", "ms late"),
                Figure("p99", "ms late"),
                Figure("CPU", "s"),
                Figure("memory, router", "MiB"),
                Figure("memory, in all", "MiB"),
            ),
            measure=_measure,
            systems=OURS,
        )
    ]

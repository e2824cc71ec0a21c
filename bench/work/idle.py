"""What it costs to do nothing."""

from __future__ import annotations

from typing import Final

from bench.figures import Figure
from bench.programs import cpu_seconds
from bench.rows import Bench, Measured, Row
from bench.shape import Shape

SETTLE: Final = 3.0
SECONDS: Final = 15.0


def _measure(bench: Bench, system: str) -> Measured:
    with bench.running(system, Shape(), warm=False) as running:
        bench.rest(SETTLE)
        before = running.processes()
        bench.rest(SECONDS)
        after = running.processes()
    names = {process.name for process in after}
    by_name = {
        name: cpu_seconds([one for one in after if one.name == name])
        - cpu_seconds([one for one in before if one.name == name])
        for name in names
    }
    share = {name: seconds / SECONDS * 100 for name, seconds in by_name.items()}
    return {**share, "in all": sum(share.values())}


def rows() -> list[Row]:
    """One row."""
    names = ("in all", "web", "router", "worker", "valkey", "up")
    return [
        Row(
            name="idle",
            about="CPU of a system that nobody speaks to",
            figures=tuple(Figure(name, "% of a core") for name in names),
            measure=_measure,
        )
    ]

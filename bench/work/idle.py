"""What it costs to do nothing."""

from __future__ import annotations

from typing import Final

from bench.figures import Figure
from bench.programs import cpu_by_name
from bench.rows import PROCESSES, Bench, Measured, Row
from bench.shape import Shape

SETTLE: Final = 2.0
SECONDS: Final = 10.0


def _measure(bench: Bench, system: str) -> Measured:
    with bench.running(system, Shape(), warm=False) as running:
        bench.rest(SETTLE)
        before = cpu_by_name(running.processes())
        bench.rest(SECONDS)
        after = cpu_by_name(running.processes())
    share = {name: (seconds - before.get(name, 0.0)) / SECONDS * 100 for name, seconds in after.items()}
    return {**share, "in all": sum(share.values())}


def rows() -> list[Row]:
    """One row."""
    names = ("in all", *PROCESSES)
    return [
        Row(
            name="idle",
            about="CPU of a system that nobody speaks to",
            figures=tuple(Figure(name, "% of a core") for name in names),
            measure=_measure,
        )
    ]

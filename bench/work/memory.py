"""Resident memory with 1,000, 10,000 and 100,000 active alerts, in all and of every process."""

from __future__ import annotations

from collections import Counter
from typing import Final

from bench.figures import Figure, Target
from bench.programs import memory_mib
from bench.pump import Load
from bench.rows import PROCESSES, Bench, Measured, Row
from bench.shape import Shape
from bench.systems import System

COUNTS: Final = (1000, 10_000, 100_000)
SETTLE: Final = 12.0
"""Seconds in which the allocators (Go's, jemalloc's) have given back what the burst took: theirs is the same time."""


def _measure(bench: Bench, system: str) -> Measured:
    measured: dict[str, float] = {}
    with bench.running(system, Shape(), warm=False) as running:
        before = 0
        for count in COUNTS:
            if count > bench.scaled(COUNTS[-1]):
                break
            bench.load(running, Load(alerts=count - before, first=before))
            before = count
            bench.rest(SETTLE)
            measured |= {f"{count:,} active, {name}": mib for name, mib in _memory(running).items()}
    return measured


def _memory(running: System) -> dict[str, float]:
    """PSS by what the processes are called, workers together, and in all; RSS in all."""
    pss: Counter[str] = Counter()
    rss = 0.0
    for process in running.processes():
        one_rss, one_pss = memory_mib(process.pid)
        rss += one_rss
        pss[process.name] += one_pss  # type: ignore[assignment]  # a Counter adds floats as well
    return {**pss, "in all": sum(pss.values()), "in all, as RSS": rss}


def rows() -> list[Row]:
    """One row."""
    names = ("in all", "in all, as RSS", *PROCESSES)
    return [
        Row(
            name="memory",
            about="PSS (shared pages once) of all processes; `worker` is both of them",
            figures=tuple(
                Figure(
                    f"{count:,} active, {name}",
                    "MiB",
                    Target("≤", 1.0) if (count, name) == (COUNTS[-1], "in all") else None,
                )
                for count in COUNTS
                for name in names
            ),
            measure=_measure,
        )
    ]

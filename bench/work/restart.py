"""Start and takeover with 100,000 active alerts: how long until a new alert is applied."""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import Final

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import OURS, Bench, Measured, Row
from bench.shape import Shape
from bench.systems import ALERTROUTER, Alertrouter, System

ACTIVE: Final = 100_000
_LATER: Final = 80_000_000


def _measure(bench: Bench, _: str) -> Measured:
    directory = bench.fresh_directory(ALERTROUTER)
    active = bench.scaled(ACTIVE)
    try:
        first = bench.start(ALERTROUTER, Shape(), directory)
        try:
            bench.load(first, Load(alerts=active))
        finally:
            first.stop()
        began = time.monotonic()
        second = bench.start(ALERTROUTER, Shape(), directory)
        try:
            _apply_one(bench, second, _LATER)
            started = time.monotonic() - began
            return {"start": started, "takeover": _take_over(bench, second)}
        finally:
            second.stop()
    finally:
        bench.pump.close()
        shutil.rmtree(directory, ignore_errors=True)


def _take_over(bench: Bench, system: System) -> float:
    """Kill the active router while another one stands by, and post."""
    if not isinstance(system, Alertrouter):
        raise TypeError(system)
    standby = system.start_another("router")
    try:
        bench.rest(2.0)
        router = next(process for process in system.processes() if process.name == "router")
        began = time.monotonic()
        os.kill(router.pid, signal.SIGKILL)
        _apply_one(bench, system, _LATER + 1)
        return time.monotonic() - began
    finally:
        standby.stop()


def _apply_one(bench: Bench, system: System, number: int) -> None:
    bench.load(system, Load(alerts=1, batch=1, connections=1, first=number))


def rows() -> list[Row]:
    """One row; Alertmanager keeps no alerts over a restart, so there is nothing to compare with."""
    return [
        Row(
            name="restart",
            about="100,000 active alerts: from `up`, or from `kill -9` of the active router beside a standby on this "
            "machine, until a new alert is applied",
            figures=(
                Figure("start", "s", Target("≤", 3.0, "nothing")),
                Figure("takeover", "s", Target("≤", 3.0, "nothing")),
            ),
            measure=_measure,
            systems=OURS,
        )
    ]

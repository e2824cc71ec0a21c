"""A storm: 10,000 new alerts in 1,000 groups, until the endpoint has heard of every one."""

from __future__ import annotations

from typing import Final

from bench.figures import Figure, Target
from bench.programs import BenchError
from bench.pump import Load
from bench.rows import ALL, APART, Applied, Bench, Measured, Row, share_figures
from bench.shape import Shape

A_GROUP: Final = 10
ALERTS: Final = 10_000
TRIES: Final = 3


def measure(bench: Bench, system: str) -> Measured:
    """Storm a fresh system; again when a machine too busy had groups told in two parts, which is another work."""
    for _ in range(TRIES):
        stormed = measure_once(bench, system, bench.scaled(ALERTS))
        if stormed.pumped.notifications == stormed.alerts // A_GROUP:
            return figures_of(stormed)
    raise BenchError(f"{TRIES} storms in which groups were told in two parts: the machine is too busy")


def measure_once(bench: Bench, system: str, alerts: int) -> Applied:
    """Storm a fresh system, whose workers have sent something before."""
    with bench.running(system, Shape(group_wait="1s", group_interval="10s"), warm=False) as running:
        bench.load(running, storm(alerts=400, groups=40, from_=APART))
        return bench.load(running, storm(alerts=alerts, groups=alerts // A_GROUP))


def figures_of(stormed: Applied) -> Measured:
    """What the table shows of a storm."""
    counts = {"time": stormed.seconds, "CPU": stormed.cpu, "notifications": stormed.pumped.notifications}
    return counts | stormed.shares("CPU, ")


def storm(*, alerts: int, groups: int, from_: int = 0, role: str = "plain") -> Load:
    """Alerts whose start lies ahead: Alertmanager flushes a group at once whose alert began before `group_wait`."""
    return Load(
        alerts=alerts,
        groups=groups,
        group_from=from_,
        first=from_,
        role=role,
        starts_ahead_ms=3000,
        expect=alerts,
        timeout_ms=120_000,
    )


def rows() -> list[Row]:
    """One row."""
    return [
        Row(
            name="storm",
            about="10,000 alerts in 1,000 groups, group_wait 1 s, until all are at the endpoint",
            figures=(
                Figure("time", "s", Target("≤", 1.15)),
                Figure("CPU", "s", Target("≤", 0.8)),
                Figure("notifications", ""),
                *share_figures("CPU, "),
            ),
            measure=measure,
            systems=ALL,
        )
    ]

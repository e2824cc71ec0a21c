"""A storm: 10,000 new alerts in 1,000 groups, until the endpoint has heard of every one."""

from __future__ import annotations

from bench.figures import Figure, Target
from bench.pump import Load
from bench.rows import ALL, APART, Bench, Measured, Row, share_figures
from bench.shape import Shape


def measure(bench: Bench, system: str) -> Measured:
    """Storm a fresh system once."""
    alerts = bench.scaled(10_000)
    with bench.running(system, Shape(group_wait="1s", group_interval="30s"), warm=False) as running:
        bench.load(running, storm(alerts=200, groups=20, from_=APART))
        stormed = bench.load(running, storm(alerts=alerts, groups=alerts // 10))
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

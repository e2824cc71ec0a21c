"""The pump posting to itself: what no system between them could exceed."""

from __future__ import annotations

from bench.figures import Figure
from bench.pump import Load
from bench.rows import OURS, Bench, Measured, Row


def _measure(bench: Bench, _: str) -> Measured:
    rates = {}
    for batch, connections in ((1, 32), (64, 8)):
        load = Load(alerts=bench.scaled(100_000 if batch > 1 else 20_000), batch=batch, connections=connections)
        pumped = bench.pump.run(load, port=bench.endpoint.port, endpoint=bench.endpoint)
        rates[f"batch {batch}"] = load.posted / (pumped.answered_ns - pumped.started_ns) * 1e9
    return rates


def rows() -> list[Row]:
    """One row; the column does not matter, for no system takes part."""
    return [
        Row(
            name="ceiling",
            about="load generator straight to its own endpoint, with no system between them",
            figures=(Figure("batch 1", "alerts/s"), Figure("batch 64", "alerts/s")),
            measure=_measure,
            systems=OURS,
        )
    ]

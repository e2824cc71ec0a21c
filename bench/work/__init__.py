"""The rows of the table, one file for each kind of work."""

from __future__ import annotations

from bench.rows import Row
from bench.work import (
    ceiling,
    drain,
    idle,
    ingest,
    inhibition,
    ladders,
    latency,
    memory,
    replay,
    restart,
    silences,
    storm,
)


def all_rows() -> list[Row]:
    """All rows, in the table's order."""
    modules = (ceiling, ingest, storm, silences, inhibition, latency, ladders, drain, memory, restart, replay, idle)
    return [row for module in modules for row in module.rows()]

"""The words that dashboards are written in: queries, panels, rows; `build` makes Grafana's JSON of these values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Source(StrEnum):
    """A data source, by its type in Grafana and by its uid in monitoring/grafana/provisioning: they are the same."""

    PROMETHEUS = "prometheus"
    LOKI = "loki"
    TEMPO = "tempo"


class Kind(StrEnum):
    """How a panel draws."""

    LINES = "timeseries"
    NUMBER = "stat"
    DIAL = "gauge"
    BARS = "bargauge"
    TABLE = "table"
    STATES = "state-timeline"
    HEAT = "heatmap"
    LOGS = "logs"
    TRACES = "traces"


@dataclass(frozen=True, slots=True)
class Query:
    """One query, and what its lines are called (`{{label}}`)."""

    expr: str
    legend: str = ""
    source: Source = Source.PROMETHEUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. With `alert` it draws that alert's thresholds and links to its runbook. `width` is of 24."""

    title: str
    queries: tuple[Query, ...]
    says: str
    kind: Kind = Kind.LINES
    unit: str = ""
    alert: str = ""
    width: int = 8
    top: float | None = None
    stacked: bool = False
    words: dict[str, str] = field(default_factory=dict)
    """What values mean: {"0": "down", "1": "up"}; the first is red, the last green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under a heading; those of a collapsed row ask nothing until somebody opens it."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard. `variable` is the label by which it narrows down, `of` the metric that has its values."""

    uid: str
    title: str
    says: str
    folder: str
    rows: tuple[Row, ...]
    variable: str = ""
    of: str = ""

    def panels(self) -> tuple[Panel, ...]:
        """All panels, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)


UP: Final = {"0": "down", "1": "up"}


def prom(expr: str, legend: str = "") -> Query:
    """A query for Prometheus."""
    return Query(expr, legend)


def rates(counter: str, *by: str) -> Query:
    """What a counter counts a second, a line for each value of these labels."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return prom(f"sum by ({', '.join(by)}) (rate({counter}[$__rate_interval]))", legend)


def logs(expr: str) -> Query:
    """A query for Loki."""
    return Query(expr, source=Source.LOKI)


def traces(expr: str) -> Query:
    """A query for Tempo."""
    return Query(expr, source=Source.TEMPO)

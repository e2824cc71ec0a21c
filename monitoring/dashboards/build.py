"""From boards to Grafana's JSON (classic schema), by grafana-foundation-sdk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    gauge,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    statetimeline,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.loki import LokiQueryType
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.tempo import TempoQueryType
from rulebook.source import Alert, Area, Links

from dashboards.panel import Board, Kind, Panel, Query, Row, Source

HEIGHT: Final = 8
MOST_LINES: Final = 100
MOST_POINTS: Final = 500
_COLOURS: Final = {"info": "blue", "warning": "orange", "critical": "red"}
AnyPanel: TypeAlias = (
    timeseries.Panel
    | stat.Panel
    | gauge.Panel
    | bargauge.Panel
    | table.Panel
    | statetimeline.Panel
    | heatmap.Panel
    | logs.Panel
)
_INSTANT: Final = frozenset({Kind.NUMBER, Kind.DIAL, Kind.BARS, Kind.TABLE})


def render(board: Board, areas: Mapping[str, Area], links: Links) -> str:
    """A dashboard's JSON; thresholds and runbooks are those of the alerts that the panels name."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.says)
        .tags(["alertrouter", board.folder.lower()])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
        .annotation(_firing())
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["alertrouter"])
            .as_dropdown(True)
            .keep_time(True)
        )
    )
    if board.variable:
        made = made.with_variable(_variable(board))
    alerts = {name: alert for area in areas.values() for name, alert in area.alerts.items()}
    for row in board.rows:
        panels = [_panel(panel, _thresholds(panel, alerts), links) for panel in row.panels]
        made = _with_row(made, row, panels)
    built = made.build()
    for number, panel in enumerate(_flat(built), start=1):
        panel.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _flat(built: model.Dashboard) -> list[model.Panel | model.RowPanel]:
    found: list[model.Panel | model.RowPanel] = []
    for panel in built.panels or []:
        found.append(panel)
        if isinstance(panel, model.RowPanel):
            found += panel.panels
    return found


def _with_row(made: dashboard.Dashboard, row: Row, panels: list[builder.Builder[model.Panel]]) -> dashboard.Dashboard:
    heading = dashboard.Row(row.title)
    if row.collapsed:
        heading = heading.collapsed(True)
        for panel in panels:
            heading = heading.with_panel(panel)
        return made.with_row(heading)
    made = made.with_row(heading)
    for panel in panels:
        made = made.with_panel(panel)
    return made


def _panel(panel: Panel, steps: list[model.Threshold], links: Links) -> builder.Builder[model.Panel]:
    made = _of_kind(panel)
    made = made.title(panel.title).description(panel.says).span(panel.width).height(HEIGHT)
    made = made.datasource(_source(panel.queries[0].source)).max_data_points(MOST_POINTS)
    for letter, query in zip("ABCDEF", panel.queries, strict=False):
        made = made.with_target(_target(query, letter, panel.kind))
    if panel.kind in (Kind.LOGS, Kind.TRACES):
        return made
    if panel.unit:
        made = made.unit(panel.unit)
    if panel.top is not None:
        made = made.min(0).max(panel.top)
    if panel.words:
        made = made.mappings([_words(panel.words)])
    made = made.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.alert:
        runbook = dashboard.DashboardLink(f"Runbook of {panel.alert}").type(model.DashboardLinkType.LINK)
        made = made.links([runbook.url(f"{links.runbooks}{panel.alert}").target_blank(True)])
    return made


def _of_kind(panel: Panel) -> AnyPanel:
    match panel.kind:
        case Kind.LINES:
            made = (
                timeseries.Panel()
                .fill_opacity(40 if panel.stacked else 8)
                .line_width(1)
                .show_points(common_model.VisibilityMode.NEVER)
            )
            made = made.legend(_legend()).thresholds_style(_drawn(panel))
            stacking = common.StackingConfig().mode(common_model.StackingMode.NORMAL)
            return made.stacking(stacking) if panel.stacked else made
        case Kind.NUMBER:
            return stat.Panel().reduce_options(_last()).color_mode(common_model.BigValueColorMode.VALUE)
        case Kind.DIAL:
            return gauge.Panel().reduce_options(_last())
        case Kind.BARS:
            return bargauge.Panel().reduce_options(_last()).orientation(common_model.VizOrientation.HORIZONTAL)
        case Kind.TABLE:
            return table.Panel()
        case Kind.STATES:
            return statetimeline.Panel().show_value(common_model.VisibilityMode.NEVER).row_height(0.8)
        case Kind.HEAT:
            return heatmap.Panel()
        case Kind.LOGS:
            return logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)
        case Kind.TRACES:
            return table.Panel()


def _target(query: Query, letter: str, kind: Kind) -> builder.Builder[variants.Dataquery]:
    match query.source:
        case Source.PROMETHEUS:
            made = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(_source(query.source))
            made = made.instant() if kind in _INSTANT else made.range()
            if kind is Kind.TABLE:
                made = made.format(PromQueryFormat.TABLE)
            if kind is Kind.HEAT:
                made = made.format(PromQueryFormat.HEATMAP)
            return made.legend_format(query.legend) if query.legend else made
        case Source.LOKI:
            return (
                loki.Dataquery()
                .expr(query.expr)
                .ref_id(letter)
                .query_type(LokiQueryType.RANGE)
                .max_lines(MOST_LINES)
                .datasource(_source(query.source))
            )
        case Source.TEMPO:
            return (
                tempo.Dataquery()
                .query(query.expr)
                .ref_id(letter)
                .query_type(TempoQueryType.TRACEQL)
                .limit(20)
                .datasource(_source(query.source))
            )


def _thresholds(panel: Panel, alerts: Mapping[str, Alert]) -> list[model.Threshold]:
    if panel.words:
        return [model.Threshold(None, "red"), model.Threshold(1, "green")]
    if not panel.alert:
        return [model.Threshold(None, "green")]
    alert = alerts[panel.alert]
    below = "< $threshold" in alert.expr
    found = sorted(
        (level.threshold, _COLOURS[severity])
        for severity, level in alert.by_severity().items()
        if level.threshold is not None
    )
    if not found:
        return [model.Threshold(None, "green")]
    if not below:
        return [model.Threshold(None, "green"), *(model.Threshold(value, colour) for value, colour in found)]
    # What is low is bad: the lowest band has the worst colour, and above the highest threshold all is well.
    colours = [colour for _, colour in found]
    values = [value for value, _ in found]
    edges = [None, *values]
    return [model.Threshold(edge, colour) for edge, colour in zip(edges, [*colours, "green"], strict=True)]


def _firing() -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(_source(Source.PROMETHEUS))
        .enable(False)
        .icon_color("red")
        .expr('ALERTS{alertstate="firing", severity="critical"}')
        .title_format("{{alertname}}")
        .text_format("{{instance}} {{model_name}}")
    )


def _variable(board: Board) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(board.variable)
        .datasource(_source(Source.PROMETHEUS))
        .query(f"label_values({board.of}, {board.variable})")
        .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        .multi(True)
        .include_all(True)
        # Not each value by name: a regex of fifty hosts is slow, this one costs nothing.
        .all_value(".*")
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _words(words: Mapping[str, str]) -> model.ValueMap:
    (worst, *_, best) = words
    results = {
        value: model.ValueMappingResult(
            text=text, color="green" if value == best else "red" if value == worst else None
        )
        for value, text in words.items()
    }
    return model.ValueMap(options=results)


def _source(source: Source) -> common_model.DataSourceRef:
    return common_model.DataSourceRef(type_val=source, uid=source)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_model.LegendDisplayMode.LIST)
        .placement(common_model.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _drawn(panel: Panel) -> common.GraphThresholdsStyleConfig:
    mode = common_model.GraphThresholdsStyleMode.DASHED if panel.alert else common_model.GraphThresholdsStyleMode.OFF
    return common.GraphThresholdsStyleConfig().mode(mode)

"""Rules, their unit tests and the facts in the runbooks, as texts by path; nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from rulebook.source import Alert, Area, Level, Links, Record, RecordTest, Sample, Test, number

MARK: Final = "# Written by `make rules` from monitoring/prometheus/source/ and overrides.yml; edit those.\n"

VARIABLES: Final[Mapping[str, str]] = {"ar-infrastructure": "instance", "ar-ai-models": "model_name"}
"""Dashboards that take one value from the link, by uid: the label and variable of that name."""

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

YamlValue = dict[str, object]  # what PyYAML takes: written here, read by nobody


@dataclass(frozen=True, slots=True)
class Rendered:
    """An alert of one severity, as Prometheus evaluates it."""

    name: str
    severity: str
    expr: str
    body: YamlValue


def rules(areas: Mapping[str, Area], links: Links) -> dict[str, str]:
    """The rule files by name: records first, alerts in a group of their own."""
    return {f"{name}.yml": MARK + dump({"groups": list(_groups(name, area, links))}) for name, area in areas.items()}


def alerts(name: str, alert: Alert, area: Area, links: Links) -> Iterator[Rendered]:
    """One alert, for each of its severities."""
    for severity, level in alert.by_severity().items():
        expr = alert.expression(level)
        body: YamlValue = {"alert": name, "expr": expr}
        if level.for_:
            body["for"] = level.for_
        if alert.keep_firing_for:
            body["keep_firing_for"] = alert.keep_firing_for
        body["labels"] = {"severity": severity, "component": area.component}
        body["annotations"] = {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{links.runbooks}{name}",
            "dashboard_url": dashboard_url(alert, area, links),
        }
        yield Rendered(name, severity, expr, body)


def dashboard_url(alert: Alert, area: Area, links: Links) -> str:
    """The dashboard's address; with the alert's own host or model chosen, if it always has one."""
    uid = area.dashboard_of(alert)
    variable = VARIABLES.get(uid)
    firing = [labels for sets in alert.test.expect.values() for labels in sets]
    if variable and all(variable in labels for labels in firing):
        return f"{links.dashboards}{uid}?var-{variable}={{{{ $labels.{variable} | urlquery }}}}"
    return f"{links.dashboards}{uid}"


def tests(areas: Mapping[str, Area]) -> dict[str, str]:
    """Promtool's test files by name: one for each area and each interval of its stories."""
    made = {}
    for name, area in areas.items():
        for interval in sorted({story.interval for story in _stories(area)}):
            file = f"{name}.yml" if interval == "1m" else f"{name}-{interval}.yml"
            made[file] = MARK + dump(_test_file(areas, name, area, interval))
    return made


def names_in(expr: str) -> set[str]:
    """All words of a query, metric names among them."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expr)))


def records_for(areas: Mapping[str, Area], exprs: Iterable[str]) -> list[tuple[str, Record]]:
    """The recording rules that queries build on, with their area, in the order in which they have to be evaluated."""
    every = [(name, record) for name, area in areas.items() for record in area.records]
    wanted: set[str] = set()
    words = set().union(*(names_in(expr) for expr in exprs))
    while more := {record.record for _, record in every if record.record in words} - wanted:
        wanted |= more
        words |= set().union(*(names_in(record.expr) for _, record in every if record.record in more))
    return [(name, record) for name, record in _layered(every) if record.record in wanted]


def record_body(record: Record) -> YamlValue:
    """A recording rule as Prometheus reads it."""
    body: YamlValue = {"record": record.record, "expr": record.expr.strip()}
    return {**body, "labels": record.labels} if record.labels else body


def story(name: str, alert: Alert, area: Area) -> YamlValue:
    """One alert's story as a test group of promtool: at each moment, all that fires under this name."""
    return {
        "name": name,
        "interval": alert.test.interval,
        "input_series": series(alert.test),
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{name}", alertstate="firing"}}',
                "eval_time": moment,
                "exp_samples": [_sample("ALERTS", 1, _firing(name, alert, area, labels)) for labels in firing],
            }
            for moment, firing in alert.test.expect.items()
        ],
    }


def record_stories(area: Area) -> list[YamlValue]:
    """The stories of an area's recording rules as test groups of promtool."""
    return [
        {
            "name": name,
            "interval": test.interval,
            "input_series": series(test),
            "promql_expr_test": [record_check(expr, test.at, samples) for expr, samples in test.expect.items()],
        }
        for name, test in area.record_tests.items()
    ]


def record_check(expr: str, moment: str, samples: Iterable[Sample]) -> YamlValue:
    """What a query gives at a moment, as promtool reads it."""
    name = expr if _NAME.fullmatch(expr) else ""
    found = [_sample(name, sample.value, sample.labels) for sample in samples]
    return {"expr": expr, "eval_time": moment, "exp_samples": found}


def series(test: Test | RecordTest) -> list[YamlValue]:
    """The samples of a story, as promtool reads them."""
    return [{"series": key, "values": values} for key, values in test.series.items()]


def dump(value: YamlValue) -> str:
    """As YAML: in the order given, long lines left whole."""
    return yaml.safe_dump(value, sort_keys=False, width=10_000, allow_unicode=True)


def wait(level: Level) -> str:
    """For how long it must be so, in words."""
    return level.for_ or "at once"


def limit(alert: Alert, level: Level) -> str:
    """The threshold with its unit, "" when there is none."""
    return f"{number(level.threshold)} {alert.unit}".strip() if level.threshold is not None else ""


def _groups(name: str, area: Area, links: Links) -> Iterator[YamlValue]:
    if area.records:
        ordered = [record_body(record) for _, record in _layered([(name, one) for one in area.records])]
        yield {"name": f"{name}.records", "interval": "30s", "rules": ordered}
    if area.alerts:
        found = [one.body for alert, spec in area.alerts.items() for one in alerts(alert, spec, area, links)]
        yield {"name": name, "interval": "30s", "rules": found}


def _layered(records: list[tuple[str, Record]]) -> list[tuple[str, Record]]:
    """What is built on others comes after them."""
    named = {record.record for _, record in records}
    depth: dict[str, int] = {}
    for _ in range(len(named)):
        for _, record in records:
            below = [depth.get(name, 0) for name in names_in(record.expr) & named if name != record.record]
            depth[record.record] = max(depth.get(record.record, 0), 1 + max(below, default=0))
    return sorted(records, key=lambda one: depth[one[1].record])


def _stories(area: Area) -> Iterator[Test | RecordTest]:
    yield from (alert.test for alert in area.alerts.values())
    yield from area.record_tests.values()


def _test_file(areas: Mapping[str, Area], name: str, area: Area, interval: str) -> YamlValue:
    told = [story(alert, spec, area) for alert, spec in area.alerts.items() if spec.test.interval == interval]
    told += [one for one in record_stories(area) if one["interval"] == interval]
    exprs = [spec.expr for spec in area.alerts.values()] + [record.expr for record in area.records]
    needed = list(dict.fromkeys([*(other for other, _ in records_for(areas, exprs)), name]))
    order = [f"{other}.records" for other in needed if areas[other].records]
    order += [other for other in needed if areas[other].alerts]
    return {
        "rule_files": [f"../rules/{other}.yml" for other in needed],
        "evaluation_interval": interval,
        "group_eval_order": order,
        "tests": told,
    }


def _firing(name: str, alert: Alert, area: Area, labels: Mapping[str, str]) -> dict[str, str]:
    known = {"alertname": name, "alertstate": "firing", "component": area.component}
    if alert.severity:
        known["severity"] = alert.severity
    return {**known, **labels}


def _sample(name: str, value: float, labels: Mapping[str, str]) -> YamlValue:
    written = ", ".join(f'{key}="{text}"' for key, text in sorted(labels.items()))
    return {"labels": f"{name}{{{written}}}", "value": value}

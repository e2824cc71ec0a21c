"""Alerts from logs: what stands in monitoring/loki/source/*.yml, and the rules that Loki reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from rulebook.render import YamlValue, dump, record_body
from rulebook.source import MONITORING, OVERRIDES, Links, Override, Overrides, Record, SourceError, number, read

SOURCE: Final = MONITORING / "loki" / "source"
MARK: Final = "# Written by `make rules` from monitoring/loki/source/ and overrides.yml; edit those.\n"


class LogAlert(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"for_": "for"}):
    """An alert of one severity. `$threshold` in `expr` is filled in; `dashboard` is a uid."""

    expr: str
    severity: str
    component: str
    summary: str
    dashboard: str
    threshold: float | None = None
    for_: str | None = None
    labels: dict[str, str] = {}

    def expression(self) -> str:
        """The query."""
        text = self.expr.strip()
        return text if self.threshold is None else text.replace("$threshold", number(self.threshold))


class LogGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What Loki evaluates one after the other."""

    alerts: dict[str, LogAlert] = {}
    records: list[Record] = []


LogFiles = dict[str, dict[str, LogGroup]]
"""Groups by name, by the file's name."""


def read_logs(directory: Path = SOURCE) -> LogFiles:
    """Read all sources. Raises `SourceError`."""
    files = {path.stem: read(path, dict[str, LogGroup]) for path in sorted(directory.glob("*.yml"))}
    for name, alert in log_alerts(files):
        if ("$threshold" in alert.expr) != (alert.threshold is not None):
            raise SourceError(f"{directory}: {name}: `threshold` and $threshold in `expr` go together")
    return files


def log_alerts(files: LogFiles) -> Iterator[tuple[str, LogAlert]]:
    """Every alert with its name."""
    for groups in files.values():
        for group in groups.values():
            yield from group.alerts.items()


def overridden_logs(files: LogFiles, overrides: Overrides) -> LogFiles:
    """The same as the operator wants them. Raises `SourceError` for an override that can't be obeyed."""
    return {
        file: {
            name: msgspec.structs.replace(group, alerts=dict(_alerts(group, overrides.alerts)))
            for name, group in groups.items()
        }
        for file, groups in files.items()
    }


def log_rules(files: LogFiles, links: Links) -> dict[str, str]:
    """The rule files by name. A group without a rule is left out: Loki refuses it."""
    return {f"{file}.yml": MARK + dump({"groups": list(_groups(groups, links))}) for file, groups in files.items()}


def log_dashboard_url(alert: LogAlert, links: Links) -> str:
    """The dashboard's address."""
    return f"{links.dashboards}{alert.dashboard}"


def _alerts(group: LogGroup, overrides: Mapping[str, Override]) -> Iterator[tuple[str, LogAlert]]:
    for name, alert in group.alerts.items():
        override = overrides.get(name, Override())
        if override.enabled:
            yield name, _with(name, alert, override)


def _with(name: str, alert: LogAlert, override: Override) -> LogAlert:
    where = f"{OVERRIDES.name}: alerts: {name}"
    if override.levels():
        raise SourceError(f"{where}: it has no levels; it has one severity, {alert.severity}")
    if override.minimum is not None:
        raise SourceError(f"{where}: minimum: it has none")
    if override.threshold is not None and alert.threshold is None:
        raise SourceError(f"{where}: threshold: it has none")
    return msgspec.structs.replace(
        alert,
        severity=override.severity or alert.severity,
        threshold=alert.threshold if override.threshold is None else override.threshold,
        for_=override.for_ or alert.for_,
    )


def _groups(groups: Mapping[str, LogGroup], links: Links) -> Iterator[YamlValue]:
    for name, group in groups.items():
        rules = [_rule(alert, spec, links) for alert, spec in group.alerts.items()]
        rules += [record_body(record) for record in group.records]
        if rules:
            yield {"name": name, "interval": "1m", "rules": rules}


def _rule(name: str, alert: LogAlert, links: Links) -> YamlValue:
    body: YamlValue = {"alert": name, "expr": alert.expression()}
    if alert.for_:
        body["for"] = alert.for_
    body["labels"] = {"severity": alert.severity, "component": alert.component, **alert.labels}
    body["annotations"] = {
        "summary": alert.summary,
        "runbook_url": f"{links.runbooks}{name}",
        "dashboard_url": log_dashboard_url(alert, links),
    }
    return body

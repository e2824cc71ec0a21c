"""What stands in monitoring/prometheus/source/*.yml and in overrides.yml, as typed values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import yaml

MONITORING: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = MONITORING / "prometheus" / "source"
OVERRIDES: Final = MONITORING / "prometheus" / "overrides.yml"

Form = TypeVar("Form")


class SourceError(Exception):
    """A source or overrides.yml says what cannot be. The text names the file, the place and what was expected."""


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for"}):
    """What an alert of one severity waits for. None: as the alert says."""

    threshold: float | None = None
    for_: str | None = None


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A story for promtool: `series` by its notation; `expect` says for a moment which label sets fire (and no others).

    `alertname`, `component` and, for an alert of one severity, `severity` go without saying.
    """

    series: dict[str, str]
    expect: dict[str, list[dict[str, str]]]
    interval: str = "1m"


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One series that a query gives."""

    value: float
    labels: dict[str, str] = {}


class RecordTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A story for recording rules: what queries give at the moment `at`."""

    at: str
    series: dict[str, str]
    expect: dict[str, list[Sample]]
    interval: str = "1m"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recording rule."""

    record: str
    expr: str
    labels: dict[str, str] = {}


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"for_": "for"}):
    """An alert. `$threshold` and `$minimum` in `expr` are filled in; `levels` are severities of the same alert."""

    expr: str
    summary: str
    description: str
    test: Test
    severity: str | None = None
    levels: dict[str, Level] = {}
    threshold: float | None = None
    minimum: float | None = None
    unit: str = ""
    for_: str | None = None
    keep_firing_for: str | None = None
    dashboard: str | None = None

    def by_severity(self) -> dict[str, Level]:
        """Each severity with its own threshold and wait."""
        if self.severity:
            return {self.severity: Level(self.threshold, self.for_)}
        return self.levels

    def expression(self, level: Level) -> str:
        """The query of one severity."""
        text = self.expr.strip()
        for name, value in (("$threshold", level.threshold), ("$minimum", self.minimum)):
            if value is not None:
                text = text.replace(name, number(value))
        return text


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source file: the alerts of one component."""

    component: str
    dashboard: str
    alerts: dict[str, Alert] = {}
    records: list[Record] = []
    record_tests: dict[str, RecordTest] = {}

    def dashboard_of(self, alert: Alert) -> str:
        """The uid of the dashboard that shows what an alert is about."""
        return alert.dashboard or self.dashboard


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for"}):
    """What an operator wants otherwise for one alert. Severities stand beside: `warning: {threshold: 0.8}`."""

    enabled: bool = True
    severity: str | None = None
    threshold: float | None = None
    minimum: float | None = None
    for_: str | None = None
    info: Level | None = None
    warning: Level | None = None
    critical: Level | None = None

    def levels(self) -> dict[str, Level]:
        """The overrides that are for one severity."""
        named = {"info": self.info, "warning": self.warning, "critical": self.critical}
        return {severity: level for severity, level in named.items() if level is not None}


class Links(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where runbooks and dashboards are read; the alert's name, or the dashboard's uid, is put behind."""

    runbooks: str = "http://localhost:9080/runbooks/"
    dashboards: str = "http://localhost:3000/d/"


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """overrides.yml: the one file that an operator edits."""

    links: Links = Links()
    alerts: dict[str, Override] = {}


def read_areas(directory: Path = SOURCE) -> dict[str, Area]:
    """Read all sources, by the file's name. Raises `SourceError`."""
    areas = {path.stem: read(path, Area) for path in sorted(directory.glob("*.yml"))}
    seen: dict[str, str] = {}
    for name, area in areas.items():
        for alert, spec in area.alerts.items():
            if alert in seen:
                raise SourceError(f"{name}.yml: {alert}: also in {seen[alert]}.yml; a name is for one alert")
            seen[alert] = name
            _check(f"{name}.yml: {alert}", spec)
    return areas


def read_overrides(path: Path = OVERRIDES) -> Overrides:
    """Read overrides.yml. Raises `SourceError`."""
    return read(path, Overrides)


def overridden(areas: Mapping[str, Area], overrides: Overrides, others: Iterable[str] = ()) -> dict[str, Area]:
    """The areas as the operator wants them. Raises `SourceError` for an override that nothing obeys.

    `others` are the alerts that are overridden elsewhere: those from logs.
    """
    known = {alert for area in areas.values() for alert in area.alerts} | set(others)
    for name in overrides.alerts:
        if name not in known:
            raise SourceError(f"{OVERRIDES.name}: alerts: {name}: there is no such alert")
    return {
        name: msgspec.structs.replace(area, alerts=dict(_alerts(area, overrides.alerts)))
        for name, area in areas.items()
    }


def number(value: float) -> str:
    """A number as PromQL and people read it."""
    return str(int(value)) if value == int(value) else f"{value:g}"


def _alerts(area: Area, overrides: Mapping[str, Override]) -> Iterator[tuple[str, Alert]]:
    for name, alert in area.alerts.items():
        override = overrides.get(name, Override())
        if override.enabled:
            yield name, _with(name, alert, override)


def _with(name: str, alert: Alert, override: Override) -> Alert:
    where = f"{OVERRIDES.name}: alerts: {name}"
    if override.levels().keys() - alert.levels.keys():
        raise SourceError(f"{where}: it has no levels {', '.join(override.levels())}; {_levels(alert)}")
    if alert.levels and (override.threshold is not None or override.for_ or override.severity):
        raise SourceError(f"{where}: say for which severity; {_levels(alert)}")
    if override.minimum is not None and alert.minimum is None:
        raise SourceError(f"{where}: minimum: it has none")
    if override.threshold is not None and alert.threshold is None:
        raise SourceError(f"{where}: threshold: it has none")
    levels = {
        severity: _merged(level, override.levels().get(severity, Level())) for severity, level in alert.levels.items()
    }
    return msgspec.structs.replace(
        alert,
        levels=levels,
        severity=override.severity or alert.severity,
        threshold=alert.threshold if override.threshold is None else override.threshold,
        minimum=alert.minimum if override.minimum is None else override.minimum,
        for_=override.for_ or alert.for_,
    )


def _merged(level: Level, over: Level) -> Level:
    return Level(level.threshold if over.threshold is None else over.threshold, over.for_ or level.for_)


def _levels(alert: Alert) -> str:
    return f"it has {', '.join(alert.levels)}" if alert.levels else f"it has one severity, {alert.severity}"


def _check(where: str, alert: Alert) -> None:
    if bool(alert.severity) == bool(alert.levels):
        raise SourceError(f"{where}: expected `severity` or `levels`, one of them")
    wants = "$threshold" in alert.expr
    for severity, level in alert.by_severity().items():
        if wants != (level.threshold is not None):
            raise SourceError(f"{where}: {severity}: `threshold` and $threshold in `expr` go together")
    if ("$minimum" in alert.expr) != (alert.minimum is not None):
        raise SourceError(f"{where}: `minimum` and $minimum in `expr` go together")


def read(path: Path, form: type[Form]) -> Form:
    """Read a file as values of that form. Raises `SourceError`."""
    try:
        # Every scalar as it is written: to YAML 1.1, promtool's 0x30 is the number 48.
        written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  it makes texts only
        return msgspec.convert(written or {}, form, strict=False)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise SourceError(f"{path.name}: {error}") from error

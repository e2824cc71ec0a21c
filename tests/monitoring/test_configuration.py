"""The stack's configuration, read by the programs themselves where they can be had; elsewhere, what it must hold.

Loki, Alloy, Tempo and Grafana can't be had without Docker: the profile `check` of docker-compose.yml asks them. Here
their files are checked against each other, and the pipelines' patterns against lines that people write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import re2  # type: ignore[import-untyped]  # it ships no types
import yaml

from alertrouter.policy.load import load
from tests.journeys.programs import installed
from tests.monitoring import alloy
from tests.monitoring.tools import CHECKOUT, MONITORING, debian, run

PROMETHEUS = sorted((MONITORING / "prometheus").glob("prometheus*.yml"))
ALERTMANAGER = MONITORING / "alertmanager" / "alertmanager.yml"
ALLOY = alloy.parse((MONITORING / "alloy" / "config.alloy").read_text(encoding="utf-8"))
LINES = {
    "Failed password for root from 192.0.2.7 port 40122 ssh2": ("Failed", "root", "192.0.2.7"),
    "Failed password for invalid user bob from 2001:db8::7 port 4 ssh2": ("Failed", "bob", "2001:db8::7"),
    "Accepted publickey for eve from 192.0.2.9 port 22 ssh2: ED25519 SHA256:abc": ("Accepted", "eve", "192.0.2.9"),
}


def parsed(path: Path) -> Any:  # noqa: ANN401 - whatever shape the file has
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", PROMETHEUS, ids=lambda path: path.name)
def test_promtool_accepts_prometheus_configuration(file: Path) -> None:
    """Debian's promtool is older than the image's: what both read."""
    ran = run(installed("promtool"), "check", "config", str(file))

    assert ran.returncode == 0, ran.stdout
    assert "SUCCESS" in ran.stdout


def test_promtool_would_find_a_fault(tmp_path: Path) -> None:
    """The check above can fail."""
    (tmp_path / "prometheus.yml").write_text(
        PROMETHEUS[-1].read_text("utf-8").replace("scrape_timeout:", "timeout:", 1)
    )

    assert run(installed("promtool"), "check", "config", str(tmp_path / "prometheus.yml")).returncode != 0


def test_two_prometheus_do_what_one_does() -> None:
    """prometheus-ha.yml differs by its second targets, second Alertmanager and long memory, and by nothing else."""
    one, two = (parsed(MONITORING / "prometheus" / f"{name}.yml") for name in ("prometheus", "prometheus-ha"))
    del two["remote_write"]
    for config in (one, two):
        del config["alerting"]["alertmanagers"]
        for job in config["scrape_configs"][:2]:
            del job["static_configs"]

    assert one == two


def test_amtool_accepts_the_alertmanager_configuration() -> None:
    """And the routes lead where they should."""
    ran = run(installed("amtool"), "check-config", str(ALERTMANAGER))

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=Watchdog severity=none component=monitoring", "alertrouter"),
        ("alertname=ServiceDown severity=critical component=infrastructure", "alertrouter"),
        ("alertname=Nobodys", "alertrouter"),
        ("alertname=AlertRouterStoreDown severity=critical component=alertrouter", "bypass,alertrouter"),
    ],
)
def test_alertmanager_sends_all_to_alertrouter_and_its_own_troubles_by_a_second_way(
    labels: str, receivers: str
) -> None:
    """As amtool routes them."""
    ran = run(installed("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split())

    assert receivers in ran.stdout.splitlines()


def test_alertmanager_repeats_the_watchdog_more_often_than_alertrouter_waits() -> None:
    """With a repeat that is no shorter than the interval, every second look would say nothing."""
    routes = parsed(ALERTMANAGER)["route"]["routes"]
    (watchdog,) = [route for route in routes if "Watchdog" in route["matchers"][0]]
    files = {path.name: path.read_text("utf-8") for path in (CHECKOUT / "policies").glob("*.yml")}
    policy = load({**files, "heartbeats.yml": (MONITORING / "alertrouter" / "heartbeats.yml").read_text("utf-8")})
    (heartbeat,) = policy.heartbeats.values()

    assert (watchdog["group_interval"], watchdog["repeat_interval"]) == ("1m", "50s")
    assert heartbeat.heard_in({"alertname": "Watchdog", "severity": "none"})
    assert heartbeat.every.total_seconds() == 60


def test_blackbox_exporter_accepts_its_configuration() -> None:
    """As the program reads it; each probe names one of its modules."""
    file = MONITORING / "blackbox" / "blackbox.yml"
    ran = run(debian("blackbox-exporter"), f"--config.file={file}", "--config.check")

    assert ran.returncode == 0, ran.stdout
    probes = parsed(MONITORING / "prometheus" / "targets" / "probes.yml")
    assert {probe["labels"]["module"] for probe in probes} <= set(parsed(file)["modules"])


def test_the_services_speak_to_each_other_by_names_and_ports_that_exist() -> None:
    """Each http://name:port in a configuration is a service of docker-compose.yml, and a port that it listens on."""
    listens = {
        "alertmanager": {9093},
        "alertrouter": {9080},
        "grafana": {3000},
        "loki": {3100},
        "prometheus": {9090},
        "prometheus-global": {9090},
        "tempo": {3200, 4318},
        "alloy": {4318},
        "docker-socket-proxy": {2375},
    }
    files = [
        *CHECKOUT.glob("docker-compose*.yml"),
        *(
            path
            for path in MONITORING.rglob("*")
            if path.suffix in (".yml", ".alloy") and not {"rules", "source", "tests"} & set(path.parts[-2:])
        ),
    ]
    said = {
        (host, int(port))
        for path in files
        for line in path.read_text("utf-8").splitlines()
        if not line.lstrip().startswith("#")
        for host, port in re.findall(r"(?:http|tcp)://([a-z-]+):(\d+)", line)
        if host != "localhost"
    }

    assert {(host, port) for host, port in said if port not in listens.get(host, ())} == set()


def test_loki_keeps_logs_for_thirty_days_and_then_deletes_them() -> None:
    """Without the compactor's three keys it keeps everything for ever; what 4.0 drops isn't used."""
    loki = parsed(MONITORING / "loki" / "loki.yml")
    assert loki["limits_config"]["retention_period"] == "720h"
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == "filesystem"
    assert {"table_manager", "ingester_client", "chunk_store_config"} & set(loki) == set()
    assert loki["schema_config"]["configs"][-1]["schema"] == "v13"
    assert loki["schema_config"]["configs"][-1]["store"] == "tsdb"


def test_loki_tells_alertrouter_with_the_token_that_it_wants() -> None:
    """Its ruler posts to alertrouter's /api/v2/alerts as Prometheus does."""
    ruler = parsed(MONITORING / "loki" / "loki.yml")["ruler"]

    assert ruler["alertmanager_url"] == "http://alertrouter:9080"
    assert ruler["enable_alertmanager_v2"] is True
    assert ruler["alertmanager_client"] == {
        "type": "Bearer",
        "credentials_file": "/run/secrets/alertrouter_ingest_token",
    }


def test_lokis_rules_lie_where_it_looks_and_say_whom_they_concern() -> None:
    """Under the tenant `fake`, nothing else beside them; fields of JSON are aggregated, or each would make a series."""
    directory = MONITORING / "loki" / "rules" / "fake"
    assert {path.suffix for path in directory.iterdir()} == {".yml"}
    rules = [rule for path in directory.iterdir() for group in parsed(path)["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]

    assert len(alerts) >= 7
    for rule in alerts:
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule["alert"]
        assert rule["labels"]["component"] in ("security", "ai", "infrastructure"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
    assert [rule for rule in rules if "| json" in rule["expr"] and not rule["expr"].startswith("sum by")] == []


def test_tempo_listens_to_others_than_itself_and_forgets_after_two_weeks() -> None:
    """Tempo 3 forgets by the scheduler and the worker alike; the blocks of version 2 are refused by it."""
    tempo = parsed(MONITORING / "tempo" / "tempo.yml")
    protocols = tempo["distributor"]["receivers"]["otlp"]["protocols"]

    assert protocols["http"]["endpoint"] == "0.0.0.0:4318"
    assert tempo["backend_worker"]["compaction"]["block_retention"] == "336h"
    assert tempo["backend_scheduler"]["provider"]["compaction"]["compaction"]["block_retention"] == "336h"
    assert {"ingester", "compactor", "ingester_client"} & set(tempo) == set()


def test_grafana_has_its_four_data_sources_under_the_names_that_dashboards_use() -> None:
    """Links from a metric's exemplar and from a log line lead to the trace."""
    sources = parsed(MONITORING / "grafana/provisioning/datasources/datasources.yml")["datasources"]
    by_uid = {source["uid"]: source for source in sources}

    assert set(by_uid) == {"prometheus", "loki", "alertmanager", "tempo"}
    assert by_uid["prometheus"]["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "tempo"
    assert by_uid["loki"]["jsonData"]["derivedFields"][0]["datasourceUid"] == "tempo"
    assert by_uid["alertmanager"]["jsonData"]["handleGrafanaManagedAlerts"] is True


def test_each_alloy_component_that_is_referred_to_exists_and_is_used() -> None:
    """A component that nobody forwards to would read nothing; a misspelt one stops Alloy."""
    components = {f"{block.name}.{block.label}": block for block in ALLOY.blocks if block.label}
    values = [value for block in ALLOY.walk() for value in block.attributes.values()]
    exports = r"\b((?:loki|otelcol|discovery|local)\.[a-z_.]+?\.[a-z_]+)\.(?:receiver|input|targets|output|rules)\b"
    used = {name for value in values for name in re.findall(exports, value)}

    assert used <= set(components)
    sources = {name for name in components if re.match(r"loki\.source\.|otelcol\.receiver\.", name)}
    assert set(components) - used == sources


def test_alloy_names_the_jobs_of_the_brief() -> None:
    """Rules, dashboards and people ask for logs by these names."""
    text = (MONITORING / "alloy" / "config.alloy").read_text("utf-8")

    for job in ("docker", "system", "auth", "audit", "ai-agents", "sutazai-backend", "security"):
        assert re.search(rf'(job\s*=\s*|replacement\s*=\s*)"{job}"', text), job


def test_alloy_indexes_few_labels() -> None:
    """Each indexed label multiplies streams: what tells one request from another is structured metadata."""
    labels = {name for block in ALLOY.walk() if block.name == "stage.labels" for name in block.map("values")}
    targets = {block.text("target_label") for block in ALLOY.walk() if "target_label" in block.attributes}

    assert labels | targets | {"host"} == {"job", "service_name", "container", "host", "level", "component"}


@pytest.mark.parametrize("line", LINES)
def test_who_logs_in_from_where_is_read_from_the_line(line: str) -> None:
    """The expression, in the dialect that Alloy speaks."""
    (expression,) = [
        block.text("expression")
        for block in ALLOY.walk()
        if block.name == "stage.regex" and "source_ip" in block.attributes["expression"]
    ]

    found = re2.search(expression, line)

    assert found is not None
    assert (found.group("outcome"), found.group("principal"), found.group("source_ip")) == LINES[line]


@pytest.mark.parametrize(
    ("line", "level", "timestamp"),
    [
        ("2026-03-02 10:00:00,123 ERROR could not connect", "ERROR", "2026-03-02 10:00:00,123"),
        ("[2026-03-02T10:00:00Z] warning: slow", "warning", "2026-03-02T10:00:00Z"),
        ("INFO:     Uvicorn running", "INFO", None),
    ],
)
def test_a_line_of_text_gives_its_level_and_time(line: str, level: str, timestamp: str | None) -> None:
    """So that logs without structure can be asked for errors too."""
    (expression,) = [
        block.text("expression")
        for block in ALLOY.walk()
        if block.name == "stage.regex" and "P<level>" in block.attributes["expression"]
    ]

    found = re2.search(expression, line)

    assert found is not None
    assert (found.group("level"), found.group("timestamp")) == (level, timestamp)


@pytest.mark.parametrize("broken", ['a "b" {\n', "a = \n}\n", "= 1\n", 'a "b" {\n  x = 1\n  x = 2\n}\n', "a ~ b\n"])
def test_a_broken_alloy_file_is_noticed(broken: str) -> None:
    """The reader above refuses what is no configuration."""
    with pytest.raises((ValueError, IndexError)):
        alloy.parse(broken)

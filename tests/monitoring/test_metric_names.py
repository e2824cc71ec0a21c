"""Rules, dashboards and runbooks name only metrics that something exposes; real scrapes where the program is here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.error import URLError
from urllib.request import urlopen

import httpx2
import msgspec
import pytest
import yaml
from ai_metrics_exporter import AiMetrics, track
from ai_metrics_exporter.ollama import OllamaPoller
from ai_metrics_exporter.reports import FORMS, Report, reader
from dashboards.files import BOARDS
from dashboards.panel import Source
from prometheus_client import CollectorRegistry, generate_latest
from rulebook.source import read_areas

from alertrouter.shadow import Shadow, Standing
from alertrouter.store.metrics import Bucket, DeliveryCount, Latency, Metrics
from alertrouter.web.exposition import Snapshot
from tests.journeys.programs import Programs, free_port, installed
from tests.monitoring.promql import as_asked, metrics_of, names_in, samples_in
from tests.servers import RedisServer
from tests.standins import Answer, HttpStandIn
from tests.waiting import eventually

RUNBOOKS = Path(__file__).resolve().parent.parent.parent / "docs" / "runbooks"
LISTED = yaml.safe_load((Path(__file__).parent / "metric_names.yml").read_text(encoding="utf-8"))
PROMETHEUS = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["ALERTMANAGER"]}]}]}
scrape_configs: [{job_name: node, static_configs: [{targets: ["NODE"]}]}]
"""
LATE = ("prometheus_tsdb_head_samples_appended_total", "prometheus_notifications_errors_total", "_failed_peers")
"""What a program shows only when it has begun its work."""
AREAS = read_areas()
REPORTS: Mapping[str, list[dict[str, object]]] = {
    "/v1/evaluations": [
        {"model_name": "m", "model_version": "1", "accuracy": 1, "scores": {"adaptability": 1}, "at": 1}
    ],
    "/v1/requests": [
        {
            "model_name": "m",
            "model_version": "1",
            "provider": "p",
            "operation": "chat",
            "seconds": 1,
            "error_type": "timeout",
            "input_tokens": 1,
            "output_tokens": 1,
            "cost_dollars": 1,
        }
    ],
    "/v1/load-failures": [{"model_name": "m", "reason": "out_of_memory"}],
    "/v1/memory": [{"model_name": "m", "device": "gpu", "bytes": 1, "limit_bytes": 1}],
    "/v1/tasks": [{"task_type": "t", "status": "failed", "count": 1, "queued": 1}],
    "/v1/users": [
        {
            "service": "s",
            "active_users": 1,
            "sessions_started": 1,
            "session_seconds": [1],
            "satisfaction": 1,
            "intents": ["help"],
        }
    ],
    "/v1/pipelines": [
        {"pipeline": "p", "result": "succeeded", "accepted": 1, "rejected": 1, "interval_seconds": 1, "at": 1}
    ],
    "/v1/security-events": [
        {"type": "login", "service": "s", "result": "failure", "method": "password"},
        {"type": "authz_denied", "service": "s", "resource_type": "file"},
        {"type": "event", "service": "s", "event_type": "unauthorized_access"},
        {"type": "input_anomaly", "model_name": "m", "detector": "d", "verdict": "block"},
        {"type": "data_read", "service": "s", "principal_type": "user", "records": 1},
        {"type": "sessions", "service": "s", "open": 1},
        {"type": "audit", "action": "login", "outcome": "success"},
    ],
}
"""All that a program can report to the AI metrics exporter, with every field."""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """What the programs that are here expose."""
    directory = tmp_path_factory.mktemp("scrapes")
    programs = Programs(directory)
    redis = RedisServer(directory / "redis")
    try:
        yield set().union(_alertrouter(), _exporter(), *_programs(programs, directory, redis))
    finally:
        programs.stop()
        redis.close()


def test_every_metric_is_exposed_recorded_or_listed(scraped: set[str]) -> None:
    """A name that nothing has is a panel that stays empty, and an alert that never fires."""
    recorded = {record.record for area in AREAS.values() for record in area.records}
    known = scraped | recorded | {name for names in LISTED.values() for name in names}

    unknown = {where: named - known for where, named in _named() if named - known}

    assert unknown == {}


def test_what_is_listed_is_used_and_not_to_be_had_for_real(scraped: set[str]) -> None:
    """The list stays short: it holds nothing that a scrape shows, and nothing that nobody asks for."""
    listed = {name for names in LISTED.values() for name in names} - {"up"}
    used = set().union(*(named for _, named in _named()))

    assert listed & scraped == set()
    assert listed - used == set()


def test_every_metric_of_the_ai_exporter_that_somebody_asks_for_can_be_set() -> None:
    """One that is exposed and that nothing sets has no sample: its alert can never fire, its panel is empty."""
    metrics = AiMetrics(CollectorRegistry())
    asked = set().union(*(named for _, named in _named())) & names_in(_page(metrics))

    for path, reports in REPORTS.items():
        read = reader(FORMS[path]).decode(json.dumps(reports))
        for report in read if isinstance(read, list) else [read]:
            report.apply(metrics, 0)
    with track("llama", metrics=metrics) as request:
        request.first_token()
    with HttpStandIn() as ollama:
        ollama.answer_always(Answer.of_json({"models": [{"name": "llama", "size": 2, "size_vram": 1}]}))
        asyncio.run(_polled(OllamaPoller(ollama.url, metrics)))

    assert asked
    assert asked - samples_in(_page(metrics)) == set()


def test_the_reports_above_leave_out_nothing_that_can_be_reported() -> None:
    """So that what they set is all that can be set."""
    given = {path: [set(report) for report in reports] for path, reports in REPORTS.items()}

    assert given == {path: [_fields(form) for form in get_args(form) or (form,)] for path, form in FORMS.items()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (job) (rate(a_total{x="b_total"}[5m] offset 1h)) / on (job) group_left (c) d > 0', {"a_total", "d"}),
        ("time() - max by (x) (a) > 2 * 3600 unless on (x) vllm:b_c and absent(e)", {"a", "vllm:b_c", "e"}),
        ("rate(a[$__rate_interval]) or vector(0)", {"a"}),
    ],
)
def test_names_are_found_in_a_query(query: str, names: set[str]) -> None:
    """Functions, labels, texts and durations are none."""
    assert metrics_of(as_asked(query)) == names


def _named() -> Iterator[tuple[str, set[str]]]:
    """Who names which metrics."""
    for area in AREAS.values():
        yield from ((record.record, metrics_of(record.expr)) for record in area.records)
        for name, alert in area.alerts.items():
            yield name, metrics_of(alert.expr.replace("$threshold", "1").replace("$minimum", "1"))
    for board in BOARDS:
        queries = [query for panel in board.panels() for query in panel.queries if query.source is Source.PROMETHEUS]
        yield from ((board.uid, metrics_of(as_asked(query.expr))) for query in queries)
    for page in RUNBOOKS.glob("*.md"):
        blocks = re.findall(r"```promql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        yield from ((page.stem, metrics_of(line) - {"METRIC"}) for block in blocks for line in block.splitlines())


def _alertrouter() -> set[str]:
    """Every metric of `/metrics`, as the door writes them."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    numbers = Metrics(
        counters={"bodies_accepted:alertmanager": 1, "alerts_set_aside:alertmanager": 1, "deliveries_born:slack": 1},
        incidents={},
        deliveries=(DeliveryCount("slack", "sent", 1),),
        latency=Latency(buckets=(Bucket(1, 1),), count=1, sum_seconds=1),
        backups={"redis": 1},
        reconciled={"alertmanager:9093": 1},
        backlog=0,
        next_timer=now,
        next_delivery=now,
        lease_holder="router",
        epoch=1,
        inbox=0,
        quarantined=0,
        set_aside=0,
        policy_faults=0,
        shadow=Standing(shadow=Shadow(revision="b", against="a", since=now, actor="lena", records="0", revisions="0")),
    )
    registry = CollectorRegistry()
    registry.register(Snapshot(numbers, now))
    return names_in(generate_latest(registry).decode())


def _exporter() -> set[str]:
    return names_in(_page(AiMetrics(CollectorRegistry())))


def _page(metrics: AiMetrics) -> str:
    return generate_latest(metrics.registry).decode()


async def _polled(poller: OllamaPoller) -> bool:
    async with httpx2.AsyncClient() as client:
        return await poller.poll(client)


def _fields(form: type[Report]) -> set[str]:
    tag = form.__struct_config__.tag_field
    return {field.encode_name for field in msgspec.structs.fields(form)} | ({tag} if tag else set())


def _programs(programs: Programs, directory: Path, redis: RedisServer) -> list[set[str]]:
    ports = {name: free_port() for name in ("prometheus", "alertmanager", "node", "redis", "blackbox", "cluster")}
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    config = PROMETHEUS.replace("ALERTMANAGER", at["alertmanager"]).replace("NODE", at["node"])
    (directory / "prometheus.yml").write_text(config)
    (directory / "rules.yml").write_text("groups: [{name: one, rules: [{alert: Watchdog, expr: vector(1)}]}]")
    (directory / "alertmanager.yml").write_text("{route: {receiver: none}, receivers: [{name: none}]}")
    commands = {
        "prometheus": ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"],
        "alertmanager": [
            "prometheus-alertmanager",
            "--config.file=alertmanager.yml",
            f"--cluster.listen-address={at['cluster']}",
        ],
        "node": ["prometheus-node-exporter"],
        "redis": ["prometheus-redis-exporter", f"--redis.addr={redis.url}"],
        "blackbox": ["prometheus-blackbox-exporter", "--config.file=/etc/prometheus/blackbox.yml"],
    }
    for name, (program, *arguments) in commands.items():
        programs.start(name, [installed(program), *arguments, f"--web.listen-address={at[name]}"])
    pages = [f"http://{at[name]}/metrics" for name in commands]
    pages.append(f"http://{at['blackbox']}/probe?module=http_2xx&target=http://{at['node']}")
    return eventually(partial(_all, pages), "every program answers, and works", within=30)


def _all(pages: list[str]) -> list[set[str]]:
    """What all pages say together; nothing while one is missing, or what comes late is."""
    texts = [_read(page) for page in pages]
    complete = all(texts) and all(any(late in text for text in texts) for late in LATE)
    return [names_in(text) for text in texts] if complete else []


def _read(url: str) -> str:
    try:
        with urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (URLError, OSError):
        return ""

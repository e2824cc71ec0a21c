"""The program `ai_metrics_exporter`: reports come in by HTTP, Ollama is asked, Prometheus reads the sum."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from ai_metrics_exporter import AiMetrics, server
from ai_metrics_exporter.http_server import Reply
from ai_metrics_exporter.request_head import read_head
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.programs import Program, Programs, free_port
from tests.standins.http import Answer, HttpStandIn
from tests.waiting import eventually

TOKEN = "s3cret"


class Exporter:
    """The program on a port of its own."""

    def __init__(self, programs: Programs, *arguments: str, environ: dict[str, str] | None = None) -> None:
        """Start it, and wait until it is well."""
        self.address = f"127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "ai_metrics_exporter", f"--listen={self.address}", *arguments]
        path = {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "monitoring")}
        self.program: Program = programs.start("exporter", command, {**path, **(environ or {})})
        eventually(self._well, "the exporter is healthy", within=20)

    def post(self, path: str, body: object, token: str = TOKEN) -> tuple[int, dict[str, object]]:
        """Report something; gives the status and what was answered."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(f"http://{self.address}{path}", content, {"Authorization": f"Bearer {token}"})
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def samples(self) -> dict[str, float]:
        """What a scrape gives, by `name{label="value",…}` with the labels in order."""
        with urlopen(f"http://{self.address}/metrics", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            text = answer.read().decode()
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {
            f"{one.name}{{{','.join(f'{key}={value}' for key, value in sorted(one.labels.items()))}}}": one.value
            for one in found
        }

    def _well(self) -> bool:
        try:
            with urlopen(f"http://{self.address}/-/healthy", timeout=2):
                return True
        except (URLError, OSError):
            return False


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Programs that end with the test."""
    running = Programs(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One for all tests that tell their reports apart by name; it wants a token."""
    running = Programs(tmp_path_factory.mktemp("exporter"))
    yield Exporter(running, environ={"AI_EXPORTER_TOKEN": TOKEN})
    running.stop()


def test_what_is_reported_is_scraped(exporter: Exporter) -> None:
    """The brief's names: accuracy, latency, requests, active users, satisfaction; one report or a list of them."""
    scores = {"learning_progress": 0.7, "adaptability": 0.5}
    evaluation = {
        "model_name": "gpt-4",
        "model_version": "latest",
        "accuracy": 0.93,
        "scores": scores,
        "at": 1767225600,
    }
    request = {"model_name": "gpt-4", "seconds": 0.4, "provider": "openai", "output_tokens": 40, "cost_dollars": 0.5}
    users = {
        "service": "portal",
        "active_users": 17,
        "satisfaction": 4.2,
        "session_seconds": [20],
        "intents": ["search"],
    }
    run = {
        "pipeline": "orders",
        "result": "succeeded",
        "accepted": 98,
        "rejected": 2,
        "interval_seconds": 600,
        "at": 1767225600,
    }

    answers = [
        exporter.post("/v1/evaluations", evaluation),
        exporter.post("/v1/requests", [request, {**request, "error_type": "timeout"}]),
        exporter.post("/v1/users", users),
        exporter.post("/v1/pipelines", run),
        exporter.post("/v1/tasks", {"task_type": "mail", "queued": 3}),
        exporter.post("/v1/memory", {"model_name": "llama", "device": "gpu", "bytes": 97, "limit_bytes": 100}),
    ]

    assert answers == [(202, {"accepted": number}) for number in (1, 2, 1, 1, 1, 1)]
    scraped = exporter.samples()
    gpt = "model_name=gpt-4,model_version=latest"
    calls = "model_name=gpt-4,model_version=,operation=chat,provider=openai"
    assert scraped[f"ai_model_accuracy{{{gpt}}}"] == 0.93
    assert scraped[f"ai_model_evaluation_score{{evaluation=adaptability,{gpt}}}"] == 0.5
    assert scraped["ai_model_evaluation_timestamp_seconds{model_name=gpt-4}"] == 1767225600
    assert scraped[f"ai_model_requests_total{{error_type=timeout,{calls},status=error}}"] == 1
    assert scraped[f"ai_model_inference_latency_seconds_bucket{{le=0.64,{calls}}}"] == 2
    assert scraped["ai_model_tokens_total{direction=output,model_name=gpt-4,provider=openai}"] == 80
    assert scraped["ai_model_cost_dollars_total{model_name=gpt-4,provider=openai}"] == 1
    assert scraped["active_users{service=portal}"] == 17
    assert scraped["user_satisfaction_score{service=portal}"] == 4.2
    assert scraped["assistant_requests_total{intent=search,service=portal}"] == 1
    assert scraped["pipeline_records_total{pipeline=orders,result=rejected}"] == 2
    assert scraped["pipeline_last_success_timestamp_seconds{pipeline=orders}"] == 1767225600
    assert scraped["tasks_queued{task_type=mail}"] == 3
    assert scraped["ai_model_memory_bytes{device=gpu,model_name=llama}"] == 97
    assert scraped["ai_model_memory_limit_bytes{device=gpu,model_name=llama}"] == 100


def test_many_reports_between_two_scrapes_are_all_counted_in_their_order(exporter: Exporter) -> None:
    """They are read as they come and counted together: the last number that was set is the one that is shown."""
    for number in range(12):
        finished = [{"task_type": "import", "status": "succeeded", "queued": 100 - number}] * 100
        assert exporter.post("/v1/tasks", finished) == (202, {"accepted": 100})

    request = [{"model_name": "counted", "seconds": 0.1}]
    assert [exporter.post("/v1/requests", request)[0] for _ in range(30)] == [202] * 30

    scraped = exporter.samples()
    kind = "error_type=,model_name=counted,model_version=,operation=chat,provider=,status=success"
    assert scraped["tasks_queued{task_type=import}"] == 89
    assert scraped[f"ai_model_requests_total{{{kind}}}"] == 30


class Broken(AiMetrics):
    """Metrics with a defect."""

    def load_failed(self, model_name: str, reason: str) -> None:
        """Fail."""
        raise RuntimeError(reason)


def test_a_report_that_can_not_be_counted_costs_itself_only(caplog: pytest.LogCaptureFixture) -> None:
    """The others are counted, the scrape is answered, and the log has the defect."""
    door = server.Exporter(Broken(CollectorRegistry()), token="", clock=lambda: 0.0)

    def ask(method: str, path: str, body: str = "") -> Reply:
        return door.answer(read_head(f"{method} {path} HTTP/1.1\r\n\r\n".encode()), body.encode())

    ask("POST", "/v1/tasks", '{"task_type": "before", "queued": 1}')
    ask("POST", "/v1/load-failures", '{"model_name": "m", "reason": "not today"}')
    ask("POST", "/v1/tasks", '{"task_type": "after", "queued": 2}')
    scraped = ask("GET", "/metrics")

    assert scraped.status == 200
    assert b'tasks_queued{task_type="before"} 1.0\n' in scraped.body
    assert b'tasks_queued{task_type="after"} 2.0\n' in scraped.body
    assert "RuntimeError: not today" in caplog.text


def test_security_is_reported_to_one_place(exporter: Exporter) -> None:
    """Logins, denials, anomalies, reads, sessions, the audit trail; what is rare begins at 0."""
    events = [
        {"type": "login", "service": "api", "result": "failure", "method": "password"},
        {"type": "authz_denied", "service": "api", "resource_type": "invoice"},
        {"type": "event", "service": "api", "event_type": "unauthorized_access"},
        {"type": "input_anomaly", "model_name": "gpt-4", "detector": "injection", "verdict": "block"},
        {"type": "data_read", "service": "crm", "principal_type": "user", "records": 12},
        {"type": "sessions", "service": "api", "open": 5},
        {"type": "audit", "action": "policy_changed", "outcome": "success"},
    ]

    assert exporter.post("/v1/security-events", events) == (202, {"accepted": 7})

    scraped = exporter.samples()
    assert scraped["auth_attempts_total{method=password,result=failure,service=api}"] == 0
    assert scraped["authz_denials_total{resource_type=invoice,service=api}"] == 0
    assert scraped["security_events_total{event_type=unauthorized_access,service=api}"] == 0
    assert scraped["ai_model_input_anomalies_total{detector=injection,model_name=gpt-4,verdict=block}"] == 0
    assert scraped["data_records_read_total{principal_type=user,service=crm}"] == 12
    assert scraped["active_sessions{service=api}"] == 5
    assert scraped["audit_events_total{action=policy_changed,outcome=success}"] == 1


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/v1/evaluations", {"model_name": "m", "accuracy": 93}, "Expected `float` <= 1"),
        ("/v1/evaluations", {"accuracy": 0.9}, "missing required field `model_name`"),
        ("/v1/tasks", {"task_type": "mail", "status": "won"}, "Invalid enum value 'won'"),
        ("/v1/security-events", {"type": "party"}, "Invalid value 'party'"),
        ("/v1/users", {"service": "portal", "name": "Lena"}, "unknown field `name`"),
        ("/v1/users", b"{", "truncated"),
        ("/v1/users", b'{"service": "\xff"}', "can't decode byte 0xff"),
        ("/v1/security-events", b'{"service": ' + b"[" * 100_000, "recursion"),
        ("/v1/tasks", [{"task_type": "a", "queued": 1}, {"task_type": "b", "queued": -1}], ">= 0"),
        ("/v1/tasks", {"task_type": "a", "status": "failed", "count": 10**400}, "<= 9007199254740992"),
        ("/v1/memory", {"model_name": "m", "device": "gpu", "bytes": 10**400}, "<= 9007199254740992"),
    ],
)
def test_a_wrong_report_is_refused_whole(exporter: Exporter, path: str, body: object, complaint: str) -> None:
    """400, with what was found and what was expected; nothing of it is counted."""
    status, answer = exporter.post(path, body)

    assert status == 400
    assert complaint in str(answer["error"])
    assert "tasks_queued{task_type=a}" not in exporter.samples()


def test_reports_need_the_token_and_have_a_size(exporter: Exporter) -> None:
    """Scrapes don't."""
    assert exporter.post("/v1/tasks", {"task_type": "guessed", "queued": 1}, token="guess")[0] == 401
    assert exporter.post("/v1/tasks", b"[" + b" " * 1_048_576)[0] == 413
    assert "tasks_queued{task_type=guessed}" not in exporter.samples()


def test_ollama_is_asked_what_it_has_loaded(programs: Programs) -> None:
    """Loaded models with their memory; those that are expected and missing; and whether the server answers at all."""
    with HttpStandIn() as ollama:
        running = [{"name": "llama3:8b", "size": 6_000, "size_vram": 5_000}]
        ollama.answer_always(Answer.of_json({"models": running}))
        exporter = Exporter(programs, f"--ollama={ollama.url}", "--every=0.1", "--expect=llama3:8b", "--expect=qwen3")

        loaded = "ai_model_loaded{model_name=llama3:8b}"
        eventually(lambda: exporter.samples().get(loaded) == 1, "the model is seen")
        scraped = exporter.samples()
        assert scraped["ai_model_loaded{model_name=qwen3}"] == 0
        assert scraped["ai_model_memory_bytes{device=gpu,model_name=llama3:8b}"] == 5_000
        assert scraped["ai_model_memory_bytes{device=cpu,model_name=llama3:8b}"] == 1_000
        assert scraped[f"ai_server_up{{server={ollama.url}}}"] == 1
        assert {request.path for request in ollama.received} == {"/api/ps"}

        ollama.answer_always(Answer(status=500, body=b"no"))
        eventually(lambda: exporter.samples()[f"ai_server_up{{server={ollama.url}}}"] == 0, "the outage is seen")
        assert exporter.samples()[loaded] == 0
        assert "ai_model_memory_bytes{device=gpu,model_name=llama3:8b}" not in exporter.samples()


def test_only_models_that_are_named_are_kept_apart(programs: Programs) -> None:
    """`--model` closes the list: anything else is counted as one."""
    exporter = Exporter(programs, "--model=gpt-4")

    for name in ("gpt-4", "gpt-4-latest", "' or 1=1"):
        exporter.post("/v1/load-failures", {"model_name": name, "reason": "not_found"})

    scraped = exporter.samples()
    names = {one for one in scraped if one.startswith("ai_model_load_failures_total")}
    assert names == {
        "ai_model_load_failures_total{model_name=gpt-4,reason=not_found}",
        "ai_model_load_failures_total{model_name=__other__,reason=not_found}",
    }
    assert scraped["ai_exporter_series_dropped_total{label=model_name}"] == 2

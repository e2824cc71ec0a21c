"""Every metric with its labels, and what is said of models, tasks, users, pipelines and security in calls."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from ai_metrics_exporter.bounded import MOST_VALUES, Bounds, Clock, RareCounter
from ai_metrics_exporter.calls import Calls

LATENCY_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
"""Of OpenTelemetry's GenAI conventions: 0.01 s to 81.92 s. https://opentelemetry.io/docs/specs/semconv/gen-ai/"""
FIRST_TOKEN_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SESSION_BUCKETS: Final = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0)
MOST: Final = 2**53
"""Largest number that is taken: beyond it a counter no longer sees one more, and far beyond it no scrape shows it."""

TaskStatus = Literal["succeeded", "failed", "cancelled"]
RunResult = Literal["succeeded", "failed"]
LoginResult = Literal["success", "failure"]
Verdict = Literal["allow", "warn", "block"]


class AiMetrics:
    """The metrics of one registry. Label values are bounded; numbers that make no sense are refused with ValueError."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        most_values: int = MOST_VALUES,
        allowed: Mapping[str, Iterable[str]] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """`allowed` names labels that have these values and no others; all else has `most_values` at most.

        What follows is as long as the list of metrics: each stands once, with its help and its labels.
        """
        self.registry = registry
        self.bound = Bounds(registry, most=most_values, allowed=allowed)
        self.calls = Calls(self)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def rare(name: str, text: str, *labels: str) -> RareCounter:
            return RareCounter(name, text, labels, registry, clock)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        model = ("model_name", "model_version", "provider", "operation")
        self.requests = counter(
            "ai_model_requests", "Requests to a model, by how they ended.", *model, "status", "error_type"
        )
        self.latency = histogram(
            "ai_model_inference_latency_seconds", "From request to last byte.", LATENCY_BUCKETS, *model
        )
        self.first_token = histogram(
            "ai_model_time_to_first_token_seconds",
            "From request to the first piece.",
            FIRST_TOKEN_BUCKETS,
            "model_name",
            "provider",
        )
        self.tokens = counter(
            "ai_model_tokens", "Tokens read (input) and written (output).", "model_name", "provider", "direction"
        )
        self.cost = counter("ai_model_cost_dollars", "What requests cost.", "model_name", "provider")
        self.inflight = gauge("ai_model_inflight_requests", "Requests under way.", "model_name")
        self.accuracy = gauge(
            "ai_model_accuracy",
            "Share of right answers at the latest evaluation, 0 to 1.",
            "model_name",
            "model_version",
        )
        self.score = gauge(
            "ai_model_evaluation_score",
            "Other scores of the latest evaluation.",
            "model_name",
            "model_version",
            "evaluation",
        )
        self.evaluated_at = gauge("ai_model_evaluation_timestamp_seconds", "When it was evaluated last.", "model_name")
        self.loaded = gauge("ai_model_loaded", "Whether a server has it in memory.", "model_name")
        self.memory = gauge("ai_model_memory_bytes", "Memory that it takes.", "model_name", "device")
        self.memory_limit = gauge("ai_model_memory_limit_bytes", "Memory that it may take.", "model_name", "device")
        self.load_failures = rare(
            "ai_model_load_failures", "Times that it could not be loaded.", "model_name", "reason"
        )
        self.anomalies = rare(
            "ai_model_input_anomalies", "Inputs that a detector found odd.", "model_name", "detector", "verdict"
        )
        self.server_up = gauge("ai_server_up", "Whether an inference server answers the exporter.", "server")

        self.tasks = rare("tasks_finished", "Tasks that ended.", "task_type", "status")
        self.queued = gauge("tasks_queued", "Tasks that wait.", "task_type")
        self.users = gauge("active_users", "People who are active now.", "service")
        self.sessions = counter("user_sessions_started", "Sessions that began.", "service")
        self.session_length = histogram(
            "user_session_duration_seconds", "How long sessions lasted.", SESSION_BUCKETS, "service"
        )
        self.satisfaction = gauge("user_satisfaction_score", "How people rate it, 0 to 5.", "service")
        self.assistant = counter("assistant_requests", "What the assistant is asked for.", "service", "intent")
        self.runs = rare("pipeline_runs", "Runs that ended.", "pipeline", "result")
        self.succeeded_at = gauge("pipeline_last_success_timestamp_seconds", "When it succeeded last.", "pipeline")
        self.interval = gauge("pipeline_interval_seconds", "How often it should succeed.", "pipeline")
        self.records = counter("pipeline_records", "Records taken and turned away.", "pipeline", "result")

        self.logins = rare("auth_attempts", "Logins.", "service", "result", "method")
        self.denials = rare("authz_denials", "Requests that somebody had no right to.", "service", "resource_type")
        self.security = rare("security_events", "What else concerns security.", "service", "event_type")
        self.active_sessions = gauge("active_sessions", "Sessions that are open.", "service")
        self.records_read = counter("data_records_read", "Records that were read.", "service", "principal_type")
        self.audit = counter("audit_events", "Entries of the audit trail.", "action", "outcome")

    def evaluated(
        self,
        model_name: str,
        *,
        at: float,
        accuracy: float | None = None,
        scores: Mapping[str, float] | None = None,
        model_version: str = "",
    ) -> None:
        """Say what an evaluation found at the moment `at` (Unix time). An accuracy is a share, 0 to 1."""
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise ValueError(f"accuracy: expected 0 to 1, found {accuracy:g}")
        model, version = self.bound("model_name", model_name), self.bound("model_version", model_version)
        if accuracy is not None:
            self.accuracy.labels(model, version).set(accuracy)
        for name, score in (scores or {}).items():
            self.score.labels(model, version, self.bound("evaluation", name)).set(score)
        self.evaluated_at.labels(model).set(at)

    def load_failed(self, model_name: str, reason: str) -> None:
        """Say that a model could not be loaded: such as out_of_memory or not_found."""
        self.load_failures.count(self.bound("model_name", model_name), self.bound("reason", reason))

    def memory_taken(self, model_name: str, device: str, size: int, limit: int | None = None) -> None:
        """Say how many bytes a model takes on a device, such as gpu, and how many it may."""
        labels = self.bound("model_name", model_name), self.bound("device", device)
        self.memory.labels(*labels).set(_positive("bytes", size))
        if limit is not None:
            self.memory_limit.labels(*labels).set(_positive("limit_bytes", limit))

    def input_anomaly(self, model_name: str, detector: str, verdict: Verdict) -> None:
        """Say that a detector found an input odd, and what was done."""
        self.anomalies.count(self.bound("model_name", model_name), self.bound("detector", detector), verdict)

    def task_finished(self, task_type: str, status: TaskStatus, count: int = 1) -> None:
        """Say that tasks ended. A kind of task has all its results from its first one on."""
        kind = self.bound("task_type", task_type)
        for each in ("succeeded", "failed", "cancelled"):
            self.tasks.count(kind, each, by=_positive("count", count) if each == status else 0)

    def tasks_waiting(self, task_type: str, number: int) -> None:
        """Say how many tasks wait."""
        self.queued.labels(self.bound("task_type", task_type)).set(_positive("queued", number))

    def users_seen(
        self,
        service: str,
        *,
        active: int | None = None,
        started: int = 0,
        session_seconds: Iterable[float] = (),
        satisfaction: float | None = None,
    ) -> None:
        """Say how many people are active, which sessions began and ended, and how people rate it (0 to 5)."""
        if satisfaction is not None and not 0 <= satisfaction <= 5:
            raise ValueError(f"satisfaction: expected 0 to 5, found {satisfaction:g}")
        where = self.bound("service", service)
        if active is not None:
            self.users.labels(where).set(_positive("active_users", active))
        self.sessions.labels(where).inc(_positive("sessions_started", started))
        for seconds in session_seconds:
            self.session_length.labels(where).observe(_positive("session_seconds", seconds))
        if satisfaction is not None:
            self.satisfaction.labels(where).set(satisfaction)

    def assistant_asked(self, service: str, intent: str) -> None:
        """Say what the assistant was asked for."""
        self.assistant.labels(self.bound("service", service), self.bound("intent", intent)).inc()

    def pipeline_ran(
        self,
        pipeline: str,
        result: RunResult,
        *,
        at: float,
        accepted: int = 0,
        rejected: int = 0,
        interval_seconds: float | None = None,
    ) -> None:
        """Say how a run ended at the moment `at` (Unix time), and of how many records."""
        name = self.bound("pipeline", pipeline)
        for each in ("succeeded", "failed"):
            self.runs.count(name, each, by=int(each == result))
        self.records.labels(name, "accepted").inc(_positive("accepted", accepted))
        self.records.labels(name, "rejected").inc(_positive("rejected", rejected))
        if result == "succeeded":
            self.succeeded_at.labels(name).set(at)
        if interval_seconds is not None:
            self.interval.labels(name).set(_positive("interval_seconds", interval_seconds))

    def login(self, service: str, result: LoginResult, method: str) -> None:
        """Say that somebody tried to log in."""
        where, how = self.bound("service", service), self.bound("method", method)
        for each in ("success", "failure"):
            self.logins.count(where, each, how, by=int(each == result))

    def authz_denied(self, service: str, resource_type: str) -> None:
        """Say that somebody had no right to what they asked for."""
        self.denials.count(self.bound("service", service), self.bound("resource_type", resource_type))

    def security_event(self, service: str, event_type: str) -> None:
        """Say what else happened: such as unauthorized_access or privilege_escalation."""
        self.security.count(self.bound("service", service), self.bound("event_type", event_type))

    def data_read(self, service: str, principal_type: str, records: int) -> None:
        """Say that records were read, by which kind of principal: never by whom."""
        labels = self.bound("service", service), self.bound("principal_type", principal_type)
        self.records_read.labels(*labels).inc(_positive("records", records))

    def audited(self, action: str, outcome: str) -> None:
        """Say that the audit trail got an entry."""
        self.audit.labels(self.bound("action", action), self.bound("outcome", outcome)).inc()

    def sessions_open(self, service: str, number: int) -> None:
        """Say how many sessions are open."""
        self.active_sessions.labels(self.bound("service", service)).set(_positive("sessions", number))


@cache
def default() -> AiMetrics:
    """The metrics in prometheus_client's default registry, which most programs serve."""
    return AiMetrics(REGISTRY)


def _positive(name: str, value: float) -> float:
    if not 0 <= value <= MOST:
        raise ValueError(f"{name}: expected 0 to {MOST}, found {'more' if value > MOST else value}")
    return value

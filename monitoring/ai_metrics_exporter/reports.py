"""What programs in any language report by HTTP: JSON bodies, typed, and what each does to the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from ai_metrics_exporter.metrics import MOST, AiMetrics, LoginResult, RunResult, TaskStatus, Verdict

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=MOST)]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that happened. `path` is where it is posted."""

    path: ClassVar[str]

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it; `now` is Unix time."""
        raise NotImplementedError  # each kind below says how: a Struct can't be an abstract base class too


class Evaluation(Report, frozen=True):
    """What an evaluation found."""

    path: ClassVar[str] = "/v1/evaluations"
    model_name: Name
    model_version: str = ""
    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    scores: dict[str, float] = {}
    at: float | None = None

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Set accuracy and scores."""
        metrics.evaluated(
            self.model_name,
            at=now if self.at is None else self.at,
            accuracy=self.accuracy,
            scores=self.scores,
            model_version=self.model_version,
        )


class Request(Report, frozen=True):
    """A request to a model that has ended."""

    path: ClassVar[str] = "/v1/requests"
    model_name: Name
    seconds: Amount
    model_version: str = ""
    provider: str = ""
    operation: str = "chat"
    error_type: str = ""
    input_tokens: Count = 0
    output_tokens: Count = 0
    cost_dollars: Amount = 0

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it with its latency, tokens and cost."""
        series = metrics.calls((self.model_name, self.model_version, self.provider, self.operation, self.error_type))
        series.latency.observe(self.seconds)
        series.requests.inc()
        if self.input_tokens:
            series.input.inc(self.input_tokens)
        if self.output_tokens:
            series.output.inc(self.output_tokens)
        if self.cost_dollars:
            bound = metrics.bound
            labels = bound("model_name", self.model_name), bound("provider", self.provider)
            metrics.cost.labels(*labels).inc(self.cost_dollars)


class ModelLoad(Report, frozen=True):
    """A model that could not be loaded."""

    path: ClassVar[str] = "/v1/load-failures"
    model_name: Name
    reason: Name

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.load_failed(self.model_name, self.reason)


class Memory(Report, frozen=True):
    """The memory that a model takes on a device, such as gpu, and what it may take."""

    path: ClassVar[str] = "/v1/memory"
    model_name: Name
    device: Name
    bytes: Count
    limit_bytes: Count | None = None

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Set them."""
        metrics.memory_taken(self.model_name, self.device, self.bytes, self.limit_bytes)


class Task(Report, frozen=True):
    """Tasks that ended (`status`), that wait (`queued`), or both."""

    path: ClassVar[str] = "/v1/tasks"
    task_type: Name
    status: TaskStatus | None = None
    count: Count = 1
    queued: Count | None = None

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count what ended, set what waits."""
        if self.status is not None:
            metrics.task_finished(self.task_type, self.status, self.count)
        if self.queued is not None:
            metrics.tasks_waiting(self.task_type, self.queued)


class Users(Report, frozen=True):
    """How many people are active, which sessions began and ended, how they rate it, what the assistant was asked."""

    path: ClassVar[str] = "/v1/users"
    service: Name
    active_users: Count | None = None
    sessions_started: Count = 0
    session_seconds: list[Amount] = []
    satisfaction: Annotated[float, msgspec.Meta(ge=0, le=5)] | None = None
    intents: list[Name] = []

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Set and count them."""
        metrics.users_seen(
            self.service,
            active=self.active_users,
            started=self.sessions_started,
            session_seconds=self.session_seconds,
            satisfaction=self.satisfaction,
        )
        for intent in self.intents:
            metrics.assistant_asked(self.service, intent)


class Pipeline(Report, frozen=True):
    """A run of a pipeline that has ended."""

    path: ClassVar[str] = "/v1/pipelines"
    pipeline: Name
    result: RunResult
    accepted: Count = 0
    rejected: Count = 0
    interval_seconds: Annotated[float, msgspec.Meta(gt=0, le=MOST)] | None = None
    at: float | None = None

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count the run and its records."""
        metrics.pipeline_ran(
            self.pipeline,
            self.result,
            at=now if self.at is None else self.at,
            accepted=self.accepted,
            rejected=self.rejected,
            interval_seconds=self.interval_seconds,
        )


class SecurityReport(Report, frozen=True, tag_field="type"):
    """Something that concerns security; `type` says what. All are posted to one place."""

    path: ClassVar[str] = "/v1/security-events"


class Login(SecurityReport, frozen=True, tag="login"):
    """Somebody tried to log in."""

    service: Name
    result: LoginResult
    method: Name = "password"

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.login(self.service, self.result, self.method)


class AuthzDenied(SecurityReport, frozen=True, tag="authz_denied"):
    """Somebody had no right to what they asked for."""

    service: Name
    resource_type: Name

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.authz_denied(self.service, self.resource_type)


class SecurityEvent(SecurityReport, frozen=True, tag="event"):
    """What else happened: such as unauthorized_access or privilege_escalation."""

    service: Name
    event_type: Name

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.security_event(self.service, self.event_type)


class InputAnomaly(SecurityReport, frozen=True, tag="input_anomaly"):
    """A detector found an input to a model odd."""

    model_name: Name
    detector: Name
    verdict: Verdict

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.input_anomaly(self.model_name, self.detector, self.verdict)


class DataRead(SecurityReport, frozen=True, tag="data_read"):
    """Records were read."""

    service: Name
    principal_type: Name
    records: Count

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count them."""
        metrics.data_read(self.service, self.principal_type, self.records)


class Sessions(SecurityReport, frozen=True, tag="sessions"):
    """How many sessions are open."""

    service: Name
    open: Count

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Set it."""
        metrics.sessions_open(self.service, self.open)


class Audited(SecurityReport, frozen=True, tag="audit"):
    """The audit trail got an entry."""

    action: Name
    outcome: Name

    def apply(self, metrics: AiMetrics, now: float) -> None:
        """Count it."""
        metrics.audited(self.action, self.outcome)


Security = Login | AuthzDenied | SecurityEvent | InputAnomaly | DataRead | Sessions | Audited

FORMS: Mapping[str, object] = {
    **{form.path: form for form in (Evaluation, Request, ModelLoad, Memory, Task, Users, Pipeline)},
    SecurityReport.path: Security,
}
"""What is posted where, as msgspec's types: one such thing, or a list of them."""


def reader(form: object) -> msgspec.json.Decoder[Report | list[Report]]:
    """A decoder for one path."""
    return msgspec.json.Decoder(form | list[form])  # type: ignore[valid-type]  # types made at run time

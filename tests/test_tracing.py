"""One trace leads from a webhook to the message; without the setting nothing makes or sends one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from alertrouter.correlation import TraceContext, trace_of
from alertrouter.errors import SettingsError
from alertrouter.settings import from_environment
from tests.journeys.conftest import programs as programs
from tests.journeys.farsides import FarSides, standing_in
from tests.journeys.installation import Alertrouter
from tests.journeys.programs import Programs
from tests.standins import HttpStandIn
from tests.waiting import eventually

POLICY = """
receivers: {people: {slack: {channel: "#ops"}}}
route: {receiver: people, group_wait: 0s}
"""
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
WAY = {"POST /api/v1/alerts", "wait in the journal", "engine", "commit", "deliver slack"}


@dataclass(frozen=True)
class Span:
    """One span that was sent."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    process: str


class Collector(HttpStandIn):
    """Takes traces by OTLP."""

    def spans(self) -> list[Span]:
        """All that came, as they came."""
        found = []
        for request in self.received:
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found += [
                        Span(
                            one.name,
                            one.trace_id.hex(),
                            one.span_id.hex(),
                            one.parent_span_id.hex(),
                            names["alertrouter.process"],
                        )
                        for one in scope.spans
                    ]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where traces go."""
    with Collector() as listening:
        yield listening


@pytest.fixture
def far() -> Iterator[FarSides]:
    """Who is told."""
    with standing_in() as sides:
        yield sides


def test_one_trace_leads_from_the_webhook_to_the_message(
    programs: Programs, far: FarSides, collector: Collector
) -> None:
    """It goes on from the caller's; its id stands in the answer, in Slack, in the log and beside the latency."""
    environ = {**far.settings, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    alertrouter = Alertrouter(programs, policy=POLICY, environ=environ)
    headers = {"Content-Type": "application/json", "traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
    body = b'{"labels": {"alertname": "Traced", "severity": "critical"}}'

    with urlopen(Request(f"{alertrouter.door.url}/api/v1/alerts", body, headers), timeout=10) as answer:
        assert answer.headers["X-Request-Id"].startswith(CALLER)

    (message,) = far.slack.wait_for(lambda received: len(received) == 1, 30)
    assert f"trace {CALLER}" in message.body.decode()
    eventually(lambda: {one.name for one in collector.spans()} >= WAY, lambda: f"{collector.spans()}", 30)
    spans = {one.name: one for one in collector.spans() if one.name in WAY}
    assert {one.trace_id for one in spans.values()} == {CALLER}
    assert spans["POST /api/v1/alerts"].parent == "00f067aa0ba902b7"
    assert {one.parent for name, one in spans.items() if name != "POST /api/v1/alerts"} == {
        spans["POST /api/v1/alerts"].span_id
    }
    assert {one.process for one in spans.values()} == {"web", "router", "worker"}
    eventually(lambda: re.search(rf'"trace_id": ?"{CALLER}"', alertrouter.up.text()), "the log names it", 30)
    eventually(lambda: f'# {{trace_id="{CALLER}"}}' in _open_metrics(alertrouter), "the latency names it", 30)
    assert alertrouter.door.metric("alertrouter_delivery_latency_seconds_count") == 1, "the old form is as it was"


def test_what_makes_and_sends_traces_is_not_even_imported_when_it_is_off() -> None:
    """Not by any process: what it costs then is one comparison; redis-py alone looks for OpenTelemetry's metrics."""
    code = (
        "import sys, alertrouter.cli, alertrouter.router, alertrouter.worker, alertrouter.web.app as web\n"
        "from alertrouter import tracing; from alertrouter.settings import from_environment\n"
        "assert tracing.start(from_environment({}), 'web') is None\n"
        "web.create_app(from_environment({}))\n"
        "parts = ('opentelemetry.exporter', 'opentelemetry.sdk.trace', 'google.protobuf')\n"
        "print([name for name in sys.modules if name.startswith(parts)])"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install; a stack that traces and can't must not start as if all were well."""
    from alertrouter import tracing

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(SettingsError, match=r"pip install 'alertrouter\[otel\]'"):
        tracing.start(from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}), "web")


@pytest.mark.parametrize("key", ["", "0123456789abcdef", f"{CALLER}-short", f"{CALLER.upper()}-00f067aa0ba902b7"])
def test_an_ordinary_correlation_id_is_no_trace(key: str) -> None:
    """Only what tracing makes is; a part of a large body belongs to its trace too."""
    assert trace_of(key) is None
    span = TraceContext(CALLER, "00f067aa0ba902b7")
    assert trace_of(span.correlation_id()) == trace_of(f"{span.correlation_id()}.3") == span


def _open_metrics(alertrouter: Alertrouter) -> str:
    request = Request(
        f"{alertrouter.door.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    with urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())

"""Tracing with OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT is set: one trace from webhook to message.

Without that variable nothing of it is imported and `start` gives None, which is all that anybody looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

from alertrouter import __version__
from alertrouter.correlation import TraceContext, trace_of
from alertrouter.engine.changes import Changes
from alertrouter.errors import SettingsError
from alertrouter.events import Event
from alertrouter.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

SERVICE: Final = "alertrouter"
_NANO: Final = 1_000_000_000


def start(settings: Settings, process: str) -> Tracing | None:
    """Begin to trace in this process; None when tracing is off. Raises `SettingsError` when the extra is missing."""
    if not settings.otlp_endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: pip install 'alertrouter[otel]'"
        ) from None
    return Tracing(OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint}/v1/traces"), process)


class Tracing:
    """Makes spans and sends them, a few seconds later, from a thread of its own."""

    def __init__(self, exporter: SpanExporter, process: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create(
            {"service.name": SERVICE, "service.version": __version__, "alertrouter.process": process}
        )
        # Which traces are kept is decided once, for the first span, by OTEL_TRACES_SAMPLER.
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("alertrouter", __version__)

    @contextmanager
    def receiving(self, path: str, parent: str | None) -> Iterator[Received]:
        """The span of a request; `parent` is its `traceparent` header."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {})
        attributes = {"http.request.method": "POST", "url.path": path}
        span = self._tracer.start_span(f"POST {path}", context, kind=SpanKind.SERVER, attributes=attributes)
        try:
            yield Received(span)
        finally:
            span.end()

    def record(
        self,
        correlation_id: str,
        name: str,
        start: datetime,
        end: datetime,
        attributes: Mapping[str, str | int],
        *,
        error: str = "",
    ) -> None:
        """Add a span that is over to the trace of a correlation id; nothing when that was not traced."""
        from opentelemetry.trace import Status, StatusCode

        within = trace_of(correlation_id)
        if within is None:
            return
        span = self._tracer.start_span(
            name, _context(within), attributes=dict(attributes), start_time=_nanoseconds(start)
        )
        if error:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(max(_nanoseconds(end), _nanoseconds(start)))

    def applied(self, event: Event, began: datetime, ended: datetime) -> None:
        """Show how long what was reported waited in the journal, and what the engine took for it."""
        self.record(event.key, "wait in the journal", event.at, began, {})
        self.record(event.key, "engine", began, ended, {"alertrouter.event": type(event).__name__})

    def committed(self, changes: Changes, began: datetime, ended: datetime) -> None:
        """Show that messages are owed, each in the trace of what caused it; the commit is the span."""
        for delivery in changes.deliveries:
            attributes = {
                "alertrouter.incident": delivery.incident,
                "alertrouter.delivery": delivery.id,
                "alertrouter.destination": delivery.destination,
                "alertrouter.reason": delivery.reason.value,
            }
            self.record(delivery.cause, "commit", began, ended, attributes)

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class Received:
    """A request that is being answered."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def correlation_id(self) -> str:
        """What names this span in what follows; "" when the trace is not kept."""
        found = self._span.get_span_context()
        if not found.trace_flags.sampled:
            return ""
        return TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}").correlation_id()

    def answered(self, status: int) -> None:
        """Say how it ended."""
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


def _context(within: TraceContext) -> Context:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(
        trace_id=int(within.trace_id, 16),
        span_id=int(within.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * (_NANO // 1_000_000)

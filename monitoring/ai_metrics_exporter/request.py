"""One request to a model, from its beginning to its end."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

from ai_metrics_exporter.metrics import AiMetrics

_BY_STATUS: Final = {401: "authentication", 403: "authentication", 404: "not_found", 408: "timeout", 429: "rate_limit"}
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


class TrackedRequest:
    """A request under way. What ends it first counts: `done`, `failed`, or the end of its `with`."""

    def __init__(
        self, metrics: AiMetrics, model: str, *, provider: str = "", operation: str = "chat", version: str = ""
    ) -> None:
        """It begins now."""
        bound = metrics.bound
        self._metrics = metrics
        self._model = bound("model_name", model)
        self._provider = bound("provider", provider)
        self._labels = (self._model, bound("model_version", version), self._provider, bound("operation", operation))
        self._began = time.perf_counter()
        self._first = False
        self._over = False
        metrics.inflight.labels(self._model).inc()

    def first_token(self) -> None:
        """Say that the first piece of the answer came."""
        if not self._first:
            self._first = True
            self._metrics.first_token.labels(self._model, self._provider).observe(time.perf_counter() - self._began)

    def tokens(self, *, input: int = 0, output: int = 0) -> None:  # noqa: A002  the conventions' word
        """Say how many tokens were read and written."""
        if input > 0:
            self._metrics.tokens.labels(self._model, self._provider, "input").inc(input)
        if output > 0:
            self._metrics.tokens.labels(self._model, self._provider, "output").inc(output)

    def cost(self, dollars: float) -> None:
        """Say what it cost."""
        self._metrics.cost.labels(self._model, self._provider).inc(dollars)

    def done(self) -> None:
        """It succeeded."""
        self._end("success", "")

    def failed(self, error: BaseException | str) -> None:
        """It failed, by an exception or for a reason in a word."""
        self._end("error", error if isinstance(error, str) else error_type(error))

    def _end(self, status: str, why: str) -> None:
        if self._over:
            return
        self._over = True
        metrics = self._metrics
        metrics.latency.labels(*self._labels).observe(time.perf_counter() - self._began)
        metrics.requests.labels(*self._labels, status, metrics.bound("error_type", why)).inc()
        metrics.inflight.labels(self._model).dec()

    def __enter__(self) -> TrackedRequest:
        """Begin a block that ends the request."""
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Success, or failure by the exception, which goes on."""
        if error is None:
            self.done()
        else:
            self.failed(error)


def error_type(error: BaseException) -> str:
    """An exception in one of few words, the same for all client libraries."""
    name = type(error).__name__.lower()
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= _CLIENT_ERROR:
        return _BY_STATUS.get(status, "server" if status >= _SERVER_ERROR else "invalid_request")
    if "timeout" in name:
        return "timeout"
    if "cancel" in name or isinstance(error, (GeneratorExit, KeyboardInterrupt)):
        return "cancelled"
    return "connection" if "connect" in name else "other"

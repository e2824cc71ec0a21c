"""Puts the count around a Python client's calls: OpenAI's, Anthropic's, Ollama's, and what is made like them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, cast

from prometheus_client import start_http_server

from ai_metrics_exporter.answer import read_usage, streamed
from ai_metrics_exporter.metrics import AiMetrics, default
from ai_metrics_exporter.request import TrackedRequest

CALLS: Final = {
    "chat.completions.create": "chat",
    "chat.completions.parse": "chat",
    "responses.create": "chat",
    "responses.parse": "chat",
    "completions.create": "text_completion",
    "embeddings.create": "embeddings",
    "messages.create": "chat",
    "chat": "chat",
    "generate": "text_completion",
    "embed": "embeddings",
}
"""What is called on a client, and what OpenTelemetry's conventions call that operation."""

Client = TypeVar("Client")


def instrument(
    client: Client, *, port: int | None = None, provider: str = "", metrics: AiMetrics | None = None
) -> Client:
    """From now on count what this client asks of a model, and give the same client back.

    `port` serves the metrics there (on all addresses), for a program that serves none itself. `provider` is the
    library's name unless given. Raises TypeError for a client on which none of the known calls is found.
    """
    kept = metrics or default()
    named = provider or type(client).__module__.partition(".")[0]
    found = [call for call in CALLS if _wrap(client, call, named, kept)]
    if not found:
        raise TypeError(f"instrument: {type(client).__name__} has none of {', '.join(CALLS)}; use track()")
    if port is not None:
        start_http_server(port, registry=kept.registry)
    return client


def track(
    model: str,
    *,
    provider: str = "",
    operation: str = "chat",
    version: str = "",
    metrics: AiMetrics | None = None,
) -> TrackedRequest:
    """Count a call by other means: in a `with`, whose request takes tokens, cost and the first token's moment."""
    return TrackedRequest(metrics or default(), model, provider=provider, operation=operation, version=version)


def _wrap(client: object, path: str, provider: str, metrics: AiMetrics) -> bool:
    owner: object = client
    *way, name = path.split(".")
    for step in way:
        owner = getattr(owner, step, None)
    original = getattr(owner, name, None)
    if not inspect.isroutine(original):
        return False
    setattr(owner, name, _counted(cast(Callable[..., object], original), CALLS[path], provider, metrics))
    return True


def _counted(
    original: Callable[..., object], operation: str, provider: str, metrics: AiMetrics
) -> Callable[..., object]:
    def call(*args: object, **kwargs: object) -> object:
        model = kwargs.get("model", args[0] if args else "")
        request = TrackedRequest(metrics, str(model), provider=provider, operation=operation)
        try:
            answer = original(*args, **kwargs)
        except BaseException as error:
            request.failed(error)
            raise
        if inspect.isawaitable(answer):
            return _awaited(request, answer)
        return _answered(request, answer)

    return call


async def _awaited(request: TrackedRequest, answer: Awaitable[object]) -> object:
    try:
        return _answered(request, await answer)
    except BaseException as error:
        request.failed(error)
        raise


def _answered(request: TrackedRequest, answer: object) -> object:
    if hasattr(answer, "__next__") or hasattr(answer, "__anext__"):
        return streamed(request, answer)
    read_usage(request, answer)
    request.done()
    return answer

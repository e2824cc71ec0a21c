"""The exporter's door: `/metrics` for Prometheus, `/v1/…` for reports, `/-/healthy` for whoever looks after it.

Plain ASGI (https://asgi.readthedocs.io): a report comes with each request to a model, and must cost next to nothing.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ai_metrics_exporter.metrics import AiMetrics
from ai_metrics_exporter.ollama import OllamaPoller
from ai_metrics_exporter.reports import FORMS, Report, reader

MOST_BYTES: Final = 1_048_576
"""Largest body of reports."""

Message = MutableMapping[str, Any]  # as ASGI defines it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    kind: str = "application/json"


class Exporter:
    """The ASGI application. With a `token`, reports need it as a bearer; `clock` gives Unix time."""

    def __init__(
        self,
        metrics: AiMetrics,
        *,
        token: str,
        clock: Callable[[], float],
        pollers: tuple[OllamaPoller, ...] = (),
        every: float = 15,
    ) -> None:
        """`pollers` are asked every so many seconds while it is served."""
        self._metrics = metrics
        self._token = f"Bearer {token}".encode() if token else b""
        self._clock = clock
        self._pollers = pollers
        self._every = every
        self._readers = {path: reader(form) for path, form in FORMS.items()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            reply = await self._answer(scope, receive)
            headers = [(b"content-type", reply.kind.encode()), (b"content-length", str(len(reply.body)).encode())]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        polls = [asyncio.create_task(poller.run(self._every)) for poller in self._pollers]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if path in self._readers:
            return await self._take(scope, receive) if method == "POST" else _refused(405, "expected POST")
        if path not in ("/metrics", "/-/healthy"):
            return _refused(404, f"expected /metrics, /-/healthy, {', '.join(self._readers)}")
        if method not in ("GET", "HEAD"):
            return _refused(405, "expected GET")
        if path == "/metrics":
            return Reply(200, generate_latest(self._metrics.registry), CONTENT_TYPE_LATEST)
        return Reply(200, b"OK\n", "text/plain; charset=utf-8")

    async def _take(self, scope: Message, receive: Receive) -> Reply:
        if self._token and not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), self._token):
            return _refused(401, "expected the exporter's token as a bearer")
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BYTES:
                return _refused(413, f"expected at most {MOST_BYTES} bytes")
        try:
            read = self._readers[scope["path"]].decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _refused(400, str(error))
        reports = [read] if isinstance(read, Report) else read
        now = self._clock()
        for report in reports:
            report.apply(self._metrics, now)
        return Reply(202, b'{"accepted":%d}' % len(reports))


def _refused(status: int, why: str) -> Reply:
    return Reply(status, msgspec.json.encode({"error": why}))

"""What operations asks for: is it alive, is it ready and if not why, and its numbers for Prometheus."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertrouter.errors import StoreUnavailable
from alertrouter.events import ReloadAsked, encode
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.api_access import writer_of
from alertrouter.web.exposition import Snapshot

RELOAD_WITHIN: Final = 5.0
"""Seconds that a router has to read its files and say what came of it."""


class Ops:
    """The addresses that probes and Prometheus ask."""

    def __init__(self, store: DoorStore) -> None:
        self._store = store

    async def healthy(self, _: Request) -> Response:
        """Say that this process answers."""
        return PlainTextResponse("alertrouter is healthy.\n")

    async def ready(self, _: Request) -> Response:
        """Say whether alerts get through, and if not, why."""
        try:
            trouble = await self._store.trouble()
        except StoreUnavailable as error:
            trouble = [str(error)]
        if trouble:
            return PlainTextResponse("".join(f"not ready: {reason}\n" for reason in trouble), 503)
        return PlainTextResponse("alertrouter is ready.\n")

    async def reload(self, request: Request) -> Response:
        """Have the active router read its policy directory; 500 and every fault when what stands there is refused."""
        now = datetime.now(UTC)
        asked = ReloadAsked(at=now, actor=writer_of(request), key=f"reload.{secrets.token_hex(8)}")
        answer = await self._store.ask(encode(asked), asked.key, patience=RELOAD_WITHIN)
        if answer is None:
            return PlainTextResponse("written down and will be done: no router has answered yet\n", 202)
        text = "\n".join((answer.text, *answer.problems))
        return PlainTextResponse(f"{text}\n", 500 if answer.problems else 200)

    async def metrics(self, request: Request) -> Response:
        """Give all numbers; without the store only that it is gone, so that Prometheus can tell the two apart."""
        try:
            numbers = await self._store.metrics()
        except StoreUnavailable:
            numbers = None
        registry = CollectorRegistry()
        registry.register(Snapshot(numbers, datetime.now(UTC)))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    def routes(self) -> list[Route]:
        """Give the routes, named as in Prometheus's own programs."""
        return [
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.ready),
            Route("/-/reload", self.reload, methods=["POST", "PUT"]),
            Route("/metrics", self.metrics),
        ]

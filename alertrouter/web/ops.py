"""What operations asks for: is it alive, is it ready and if not why, and its numbers for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alertrouter.errors import StoreUnavailable
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.exposition import Snapshot


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
            Route("/metrics", self.metrics),
        ]

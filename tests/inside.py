"""A whole alertrouter without workers inside the test's process: the door's application before a router's thread."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2

from alertrouter.events import Heartbeat, encode
from alertrouter.router import Router
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.web.app import create_app


@asynccontextmanager
async def inside(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Run them before the real Redis of these settings; gives a client of the door."""
    stop = threading.Event()
    router = Router(settings, clock=lambda: datetime.now(UTC), stop=stop)
    thread = threading.Thread(target=router.run, name="router")
    thread.start()
    transport = httpx2.ASGITransport(app=create_app(settings))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            yield client
    finally:
        stop.set()
        _wake(settings)
        thread.join()


def _wake(settings: Settings) -> None:
    """Let a router that waits for events see that it shall stop: a beat that nobody expects means nothing."""
    beat = Heartbeat(at=datetime.now(UTC), actor="test", key="wake", name="nobody's")
    with connect(redis_url(settings)) as client:
        Journal(client, Keys(settings.namespace)).append(encode(beat))

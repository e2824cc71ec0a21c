"""Asks Ollama, which has no metrics of its own, what it has loaded: `GET /api/ps`.

https://github.com/ollama/ollama/blob/main/docs/api.md#list-running-models
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Annotated

import httpx2
import msgspec

from ai_metrics_exporter.metrics import MOST, AiMetrics

_log = logging.getLogger("ai_metrics_exporter")


class Running(msgspec.Struct, frozen=True):
    """A model in memory; sizes in bytes."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0
    size_vram: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0


class Answer(msgspec.Struct, frozen=True):
    """What `/api/ps` answers."""

    models: list[Running] = []


class OllamaPoller:
    """Keeps `ai_model_loaded`, `ai_model_memory_bytes` and `ai_server_up` as one server last answered."""

    def __init__(self, url: str, metrics: AiMetrics, expected: Iterable[str] = (), *, timeout: float = 5) -> None:
        """`expected` are models whose absence is news: they are shown as not loaded, others vanish."""
        self._url = url.rstrip("/")
        self._metrics = metrics
        self._expected = frozenset(expected)
        self._timeout = timeout
        self._known: set[str] = set()

    async def poll(self, client: httpx2.AsyncClient) -> bool:
        """Ask once; tells whether it answered."""
        up = self._metrics.server_up.labels(self._url)
        try:
            reply = await client.get(f"{self._url}/api/ps", timeout=self._timeout)
            reply.raise_for_status()
            running = msgspec.json.decode(reply.content, type=Answer).models
        except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            _log.warning("ollama does not answer: %s: %s", self._url, str(error) or type(error).__name__)
            up.set(0)
            self._show(())
            return False
        up.set(1)
        self._show(running)
        return True

    async def run(self, every: float) -> None:
        """Ask again and again, until cancelled."""
        async with httpx2.AsyncClient() as client:
            while True:
                await self.poll(client)
                await asyncio.sleep(every)

    def _show(self, running: Iterable[Running]) -> None:
        metrics = self._metrics
        loaded = {metrics.bound("model_name", one.name): one for one in running}
        expected = {metrics.bound("model_name", name) for name in self._expected}
        for model in loaded.keys() | expected:
            metrics.loaded.labels(model).set(int(model in loaded))
        for model, one in loaded.items():
            metrics.memory.labels(model, "gpu").set(one.size_vram)
            metrics.memory.labels(model, "cpu").set(max(0, one.size - one.size_vram))
        for model in self._known - loaded.keys():
            metrics.memory.remove(model, "gpu")
            metrics.memory.remove(model, "cpu")
            if model not in expected:
                metrics.loaded.remove(model)
        self._known = set(loaded)

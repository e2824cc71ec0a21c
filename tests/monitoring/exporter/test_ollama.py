"""Ollama is asked again, whatever it answered last."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from ai_metrics_exporter import AiMetrics
from ai_metrics_exporter.ollama import OllamaPoller
from prometheus_client import CollectorRegistry

from tests.standins.http import Answer, HttpStandIn

LOADED = Answer.of_json({"models": [{"name": "llama3:8b", "size": 6_000, "size_vram": 5_000}]})


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"models": [{"name": "\xff"}]}',
        b'{"models": ' + b"[" * 100_000,
        b'{"unknown": ' + b"[" * 100_000,
        b'{"models": [{"name": "llama3:8b", "size": %d}]}' % 10**400,
    ],
    ids=["a page", "no text", "an endless list", "endless and unknown", "more than any memory"],
)
def test_an_answer_that_can_not_be_read_is_none_and_the_next_one_counts(body: bytes) -> None:
    """Whatever stands at that address, the server is down until it answers as Ollama does."""
    metrics = AiMetrics(CollectorRegistry())
    with HttpStandIn() as server:
        server.answer_next(Answer(body=body), LOADED)
        poller = OllamaPoller(server.url, metrics)

        async def twice() -> list[tuple[bool, float | None]]:
            async with httpx2.AsyncClient() as client:
                return [(await poller.poll(client), up()) for _ in range(2)]

        def up() -> float | None:
            return metrics.registry.get_sample_value("ai_server_up", {"server": server.url})

        assert asyncio.run(twice()) == [(False, 0), (True, 1)]
    assert metrics.registry.get_sample_value("ai_model_loaded", {"model_name": "llama3:8b"}) == 1


def test_an_address_that_is_none_is_down() -> None:
    """And said in the log each time, instead of once, by the end of the asking."""
    metrics = AiMetrics(CollectorRegistry())

    async def once() -> bool:
        async with httpx2.AsyncClient() as client:
            return await OllamaPoller("http://ollama:port", metrics).poll(client)

    assert asyncio.run(once()) is False
    assert metrics.registry.get_sample_value("ai_server_up", {"server": "http://ollama:port"}) == 0

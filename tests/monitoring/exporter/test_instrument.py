"""A program's calls to a model are counted: real client libraries, over HTTP, to a stand-in server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ollama
import openai
import pytest
from ai_metrics_exporter import AiMetrics, instrument, track
from openai.types.chat import ChatCompletionMessageParam
from prometheus_client import CollectorRegistry

from tests.journeys.programs import free_port
from tests.standins.http import Answer, HttpStandIn

MONITORING = Path(__file__).resolve().parents[3] / "monitoring"
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
}
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


@pytest.fixture
def server() -> Iterator[HttpStandIn]:
    """Stands in for a model's API."""
    with HttpStandIn() as standin:
        standin.answer_always(Answer.of_json(ANSWER))
        yield standin


@pytest.fixture
def metrics() -> AiMetrics:
    """Metrics of their own."""
    return AiMetrics(CollectorRegistry())


@pytest.fixture
def client(server: HttpStandIn, metrics: AiMetrics) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, counted."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as plain:
        yield instrument(plain, metrics=metrics)


def test_a_call_is_counted(client: openai.OpenAI, metrics: AiMetrics) -> None:
    """How often, how long, how many tokens; and the answer is the client's own."""
    answer = client.chat.completions.create(model="gpt-4", messages=HELLO)

    assert answer.choices[0].message.content == "hello"
    known = {"model_name": "gpt-4", "model_version": "", "provider": "openai", "operation": "chat"}
    assert _value(metrics, "ai_model_requests_total", **known, status="success", error_type="") == 1
    assert _value(metrics, "ai_model_inference_latency_seconds_count", **known) == 1
    tokens = {"model_name": "gpt-4", "provider": "openai"}
    assert _value(metrics, "ai_model_tokens_total", **tokens, direction="input") == 12
    assert _value(metrics, "ai_model_tokens_total", **tokens, direction="output") == 40
    assert _value(metrics, "ai_model_inflight_requests", model_name="gpt-4") == 0


@pytest.mark.parametrize(
    ("status", "why"),
    [(429, "rate_limit"), (401, "authentication"), (404, "not_found"), (400, "invalid_request"), (503, "server")],
)
def test_a_refused_call_is_counted_by_its_reason(
    client: openai.OpenAI, server: HttpStandIn, metrics: AiMetrics, status: int, why: str
) -> None:
    """The client's exception goes on to the caller; the reason is one of few words."""
    server.answer_always(Answer.of_json({"error": {"message": "no"}}, status))

    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="gpt-4", messages=HELLO)

    assert _errors(metrics) == {why: 1}


def test_a_server_that_hangs_up_is_counted(client: openai.OpenAI, server: HttpStandIn, metrics: AiMetrics) -> None:
    """As is one that is not there."""
    server.answer_always(Answer(drop=True))

    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="gpt-4", messages=HELLO)

    assert _errors(metrics) == {"connection": 1}


def test_a_stream_counts_when_it_ends(client: openai.OpenAI, server: HttpStandIn, metrics: AiMetrics) -> None:
    """Its first piece gives the time to the first token; its last the tokens."""
    server.answer_always(_stream())

    stream = client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True)
    assert _value(metrics, "ai_model_inflight_requests", model_name="gpt-4") == 1
    said = [piece.choices[0].delta.content for piece in stream if piece.choices]

    assert said == ["hel", "lo"]
    assert _value(metrics, "ai_model_time_to_first_token_seconds_count", model_name="gpt-4", provider="openai") == 1
    assert _value(metrics, "ai_model_tokens_total", model_name="gpt-4", provider="openai", direction="output") == 40
    assert _value(metrics, "ai_model_inflight_requests", model_name="gpt-4") == 0
    assert _errors(metrics) == {}


def test_a_stream_that_is_left_was_cancelled(client: openai.OpenAI, server: HttpStandIn, metrics: AiMetrics) -> None:
    """It neither counts as a success nor stays under way for ever."""
    server.answer_always(_stream())

    with client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True) as stream:
        next(stream)

    assert _errors(metrics) == {"cancelled": 1}
    assert _value(metrics, "ai_model_inflight_requests", model_name="gpt-4") == 0


def test_an_async_client_is_counted_too(server: HttpStandIn, metrics: AiMetrics) -> None:
    """Whole answers, streams and refusals."""

    async def calls() -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as plain:
            client = instrument(plain, metrics=metrics)
            await client.chat.completions.create(model="gpt-4", messages=HELLO)
            server.answer_always(_stream())
            stream = await client.chat.completions.create(model="gpt-4", messages=HELLO, stream=True)
            assert len([piece async for piece in stream]) == 3
            server.answer_always(Answer.of_json({"error": {"message": "no"}}, 429))
            with pytest.raises(openai.RateLimitError):
                await client.embeddings.create(model="ada", input="x")

    asyncio.run(calls())

    known = {"model_version": "", "provider": "openai"}
    chat = {"model_name": "gpt-4", "operation": "chat", "status": "success", "error_type": ""}
    assert _value(metrics, "ai_model_requests_total", **known, **chat) == 2
    refused = {"model_name": "ada", "operation": "embeddings", "status": "error", "error_type": "rate_limit"}
    assert _value(metrics, "ai_model_requests_total", **known, **refused) == 1
    assert _value(metrics, "ai_model_time_to_first_token_seconds_count", model_name="gpt-4", provider="openai") == 1


def test_ollamas_client_is_counted(server: HttpStandIn, metrics: AiMetrics) -> None:
    """With its own words for tokens."""
    message = {"role": "assistant", "content": "hello"}
    counts = {"prompt_eval_count": 7, "eval_count": 9}
    server.answer_always(Answer.of_json({"model": "llama3", "message": message, "done": True, **counts}))

    with ollama.Client(host=server.url) as plain:
        client = instrument(plain, metrics=metrics)
        answer = client.chat(model="llama3", messages=[{"role": "user", "content": "hello"}])

    assert answer.message.content == "hello"
    assert _value(metrics, "ai_model_tokens_total", model_name="llama3", provider="ollama", direction="input") == 7
    assert _value(metrics, "ai_model_tokens_total", model_name="llama3", provider="ollama", direction="output") == 9


PROGRAM = """
from openai import OpenAI
from ai_metrics_exporter import instrument
client = instrument(OpenAI(), port={port})
client.chat.completions.create(model="gpt-4", messages=[])
import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:{port}/metrics").read().decode())
"""


def test_two_lines_are_enough(server: HttpStandIn) -> None:
    """A program that serves no metrics itself serves these."""
    program = PROGRAM.format(port=free_port())
    environ = {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "k", "PYTHONPATH": str(MONITORING)}

    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert 'ai_model_requests_total{error_type="",model_name="gpt-4"' in ran.stdout
    assert 'ai_model_inference_latency_seconds_bucket{le="81.92",model_name="gpt-4"' in ran.stdout


def test_a_call_by_other_means_is_tracked(metrics: AiMetrics) -> None:
    """In a block, which ends it."""
    with track("local", operation="embeddings", metrics=metrics) as request:
        request.tokens(input=3)
        request.cost(0.25)

    assert _value(metrics, "ai_model_cost_dollars_total", model_name="local", provider="") == 0.25


def test_what_has_no_known_call_is_refused(metrics: AiMetrics) -> None:
    """Counting nothing without a word would be worse."""
    with pytest.raises(TypeError, match=r"object has none of chat\.completions\.create"):
        instrument(object(), metrics=metrics)


def test_a_block_that_raises_has_failed(metrics: AiMetrics) -> None:
    """By the exception's kind, which goes on."""
    with pytest.raises(TimeoutError), track("m", metrics=metrics):
        raise TimeoutError

    assert _errors(metrics) == {"timeout": 1}


def _stream() -> Answer:
    piece = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4"}
    deltas = [{"index": 0, "finish_reason": None, "delta": {"content": part}} for part in ("hel", "lo")]
    pieces = [{**piece, "choices": [delta]} for delta in deltas]
    pieces.append({**piece, "choices": [], "usage": ANSWER["usage"]})
    body = "".join(f"data: {json.dumps(one)}\n\n" for one in pieces) + "data: [DONE]\n\n"
    return Answer(200, body.encode(), {"Content-Type": "text/event-stream"})


def _value(metrics: AiMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def _errors(metrics: AiMetrics) -> dict[str, float]:
    found = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {
        sample.labels["error_type"]: sample.value
        for sample in found
        if sample.name == "ai_model_requests_total" and sample.labels["status"] == "error"
    }

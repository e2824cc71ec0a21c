"""What a client gives back: whole, with the tokens that it took, or piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import cast

from ai_metrics_exporter.request import TrackedRequest


def read_usage(request: TrackedRequest, answer: object) -> None:
    """Count the tokens that an answer, or a piece of one, says it took; in OpenAI's, Anthropic's or Ollama's words."""
    usage = getattr(answer, "usage", None) or getattr(getattr(answer, "response", None), "usage", None)
    read = _number(usage, "prompt_tokens") or _number(usage, "input_tokens") or _number(answer, "prompt_eval_count")
    written = _number(usage, "completion_tokens") or _number(usage, "output_tokens") or _number(answer, "eval_count")
    request.tokens(input=read, output=written)


def streamed(request: TrackedRequest, answer: object) -> object:
    """The same stream, which ends the request when it ends."""
    return _AsyncStream(request, answer) if hasattr(answer, "__anext__") else _Stream(request, answer)


class _Pieces:
    """What both kinds of stream share: all that the client's own can do, they can."""

    def __init__(self, request: TrackedRequest, answer: object) -> None:
        self._request = request
        self._answer = answer

    def __getattr__(self, name: str) -> object:
        return getattr(self._answer, name)

    def _piece(self, piece: object) -> object:
        self._request.first_token()
        read_usage(self._request, piece)
        return piece

    def __del__(self) -> None:
        # Left before its end: the client hung up.
        self._request.failed("cancelled")


class _Stream(_Pieces):
    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        try:
            return self._piece(next(cast(Iterator[object], self._answer)))
        except StopIteration:
            self._request.done()
            raise
        except BaseException as error:
            self._request.failed(error)
            raise

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._request.failed(error if error is not None else "cancelled")
        if close := getattr(self._answer, "close", None):
            close()


class _AsyncStream(_Pieces):
    def __aiter__(self) -> AsyncIterator[object]:
        return self

    async def __anext__(self) -> object:
        try:
            return self._piece(await anext(cast(AsyncIterator[object], self._answer)))
        except StopAsyncIteration:
            self._request.done()
            raise
        except BaseException as error:
            self._request.failed(error)
            raise

    async def __aenter__(self) -> _AsyncStream:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._request.failed(error if error is not None else "cancelled")
        close = getattr(self._answer, "close", None) or getattr(self._answer, "aclose", None)
        if close:
            await close()


def _number(holder: object, name: str) -> int:
    value = getattr(holder, name, 0)
    return value if isinstance(value, int) else 0

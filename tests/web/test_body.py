"""A body is read as it comes, and not waited for for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from alertrouter.web import body

HTTP = {"type": "http", "method": "POST", "path": "/", "headers": []}
GONE: Message = {"type": "http.disconnect"}


def part(content: bytes, *, more: bool) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": content, "more_body": more}


def request(messages: Sequence[Message]) -> Request:
    """A request that gives these messages; after them it is waited for more."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return Request(HTTP, receive)


def test_the_pieces_are_put_together() -> None:
    """One piece or several, also empty ones."""
    whole = [part(b"ab", more=True), part(b"", more=True), part(b"c", more=False)]

    assert asyncio.run(body.read(request(whole), 3)) == b"abc"
    assert asyncio.run(body.read(request([part(b"abc", more=False)]), 3)) == b"abc"
    with pytest.raises(body.TooLarge):
        asyncio.run(body.read(request(whole), 2))


def test_a_sender_that_goes_away_is_told_from_one_that_is_slow() -> None:
    """Its half of a body is no body."""
    with pytest.raises(ClientDisconnect):
        asyncio.run(body.read(request([part(b"a", more=True), GONE]), 9))
    with pytest.raises(TimeoutError):
        asyncio.run(body.read(request([part(b"a", more=True)]), 9, patience=0.01))


def test_whoever_stops_the_reader_stops_it() -> None:
    """That is no time-out, and the task that was late goes on as before."""

    async def stopped() -> bool:
        reading = asyncio.create_task(body.read(request([]), 9))
        await asyncio.sleep(0)
        reading.cancel()
        try:
            await reading
        except asyncio.CancelledError:
            return True
        return False

    async def goes_on() -> bytes:
        with pytest.raises(TimeoutError):
            await body.read(request([]), 9, patience=0)
        await asyncio.sleep(0)
        return await body.read(request([part(b"a", more=False)]), 9)

    assert asyncio.run(stopped())
    assert asyncio.run(goes_on()) == b"a"

"""Reads a request's body up to a limit, however it is sent."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

PATIENCE: Final = 30.0
"""Seconds that a body may take to arrive."""

_DISCARDED: Final = 64 * 1024 * 1024
"""Bytes beyond the limit that are read and thrown away: a sender that is cut off in the middle never sees its 413."""


class TooLarge(Exception):
    """The body is larger than the door takes."""


async def read(request: Request, limit: int, *, patience: float = PATIENCE) -> bytes:
    """Read the body; raises `TooLarge`, or `TimeoutError` when it doesn't arrive, or starlette's `ClientDisconnect`."""
    task, late = asyncio.current_task(), False
    if task is None:
        raise RuntimeError("a request is read in a task")

    def give_up() -> None:
        nonlocal late
        late = True
        task.cancel()

    # As asyncio.timeout, in half its time: nearly always the body is there already.
    timer = asyncio.get_running_loop().call_later(patience, give_up)
    try:
        return await _read(request, limit)
    except asyncio.CancelledError:
        if late and not task.uncancel():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit + _DISCARDED:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > limit:
        raise TooLarge
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)

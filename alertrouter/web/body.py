"""Reads a request's body up to a limit, however it is sent."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request

PATIENCE: Final = 30.0
"""Seconds that a body may take to arrive."""

_DISCARDED: Final = 64 * 1024 * 1024
"""Bytes beyond the limit that are read and thrown away: a sender that is cut off in the middle never sees its 413."""


class TooLarge(Exception):
    """The body is larger than the door takes."""


async def read(request: Request, limit: int) -> bytes:
    """Read the body; raises `TooLarge`, or `TimeoutError` when it doesn't arrive, or starlette's `ClientDisconnect`."""
    async with asyncio.timeout(PATIENCE):
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            elif size > limit + _DISCARDED:
                break
            else:
                chunks.clear()
    if size > limit:
        raise TooLarge
    return b"".join(chunks)

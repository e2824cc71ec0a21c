"""Answers leave by one write. uvicorn writes head and body apart: two system calls, two packets for a short one."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD: Final = b"HTTP/1."


class OneWrite(HttpToolsProtocol):
    """uvicorn's protocol on a transport that holds a head back until its body comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection."""
        super().connection_made(cast(asyncio.Transport, _Joining(transport, self.loop)))


class _Joining:
    """A transport that joins a head with what is written next, within the same turn of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        # What uvicorn asks of a transport besides, as it is.
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.set_protocol = transport.set_protocol

    def write(self, part: bytes) -> None:
        """Write a part of an answer; its head waits for what follows, but no longer than this turn."""
        if self._head:
            part, self._head = self._head + part, b""
        elif part.startswith(_HEAD):
            self._head = part
            self._loop.call_soon(self._flush)
            return
        self._transport.write(part)

    def close(self) -> None:
        """Close the connection when all is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

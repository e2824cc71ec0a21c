"""HTTP/1.1 for a program that answers at once: connections, bounds, deadlines, and an end in good order.

A report comes with each request to a model. No server of a general kind stays under 2 % of a core at 100 of them a
second (docs/decisions.md has the measurements).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, Protocol, cast

import httptools
import msgspec

from ai_metrics_exporter.request_head import Head, Reader, read_head

MOST_HEAD: Final = 16_384
"""Largest request line with headers, in bytes."""
MOST_BYTES: Final = 1_048_576
"""Largest body, in bytes."""
MOST_CHUNKED: Final = 2 * MOST_BYTES
"""Largest body with what chunks, their extensions and trailers add to it."""
MOST_CONNECTIONS: Final = 512
"""Connections at a time; systems commonly allow a program 1024 files."""
REQUEST_SECONDS: Final = 30.0
"""In which a request that began must have come."""
IDLE_SECONDS: Final = 75.0
"""In which the next one must begin, and the answer have been read: longer than Prometheus waits between two scrapes."""
LINGER_SECONDS: Final = 5.0
"""In which a client that was refused may go on sending: it reads the answer only after that."""
STOP_SECONDS: Final = 5.0
"""In which requests that are coming in at the end must have come."""

_log = logging.getLogger("ai_metrics_exporter")


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What is answered; `allow` names the methods of a path, for 405."""

    status: int
    body: bytes
    kind: str = "application/json"
    allow: str = ""


class Application(Protocol):
    """Who answers."""

    def refusal(self, head: Head) -> Reply | None:
        """What to answer whatever the body holds, or None: the body is then read."""

    def answer(self, head: Head, body: bytes) -> Reply:
        """The answer to a whole request."""

    def refused(self, status: int, why: str) -> Reply:
        """The form in which the server itself refuses."""


class HttpServer:
    """Listens, closes what takes too long, and stops in good order. `clock` gives Unix time, for `Date`."""

    def __init__(
        self, application: Application, *, clock: Callable[[], float], request_seconds: float = REQUEST_SECONDS
    ) -> None:
        """It listens from `start` on."""
        self.application = application
        self.request_seconds = request_seconds
        self.connections: set[Connection] = set()
        self.date = b""
        self._clock = clock
        self._listener: asyncio.Server | None = None
        self._ticks: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; OSError when the address can't be had."""
        loop = asyncio.get_running_loop()
        self._say_date()
        self._listener = await loop.create_server(lambda: Connection(self, loop), host, port)
        self._ticks = loop.create_task(self._tick(loop))

    async def stop(self) -> None:
        """Accept nobody more, answer who is asking, and close."""
        if self._listener is None or self._ticks is None:
            return
        self._listener.close()
        for connection in tuple(self.connections):
            connection.stop()
        loop = asyncio.get_running_loop()
        ends = loop.time() + STOP_SECONDS
        while self.connections and loop.time() < ends:  # noqa: ASYNC110  once in the program's life
            await asyncio.sleep(0.02)
        for connection in tuple(self.connections):
            connection.abort()
        self._ticks.cancel()

    async def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Each second: what `Date` says, and whose time is over. Cheaper than a timer for each request."""
        while True:
            await asyncio.sleep(1)
            self._say_date()
            now = loop.time()
            for connection in tuple(self.connections):
                if connection.deadline < now:
                    connection.abort()

    def _say_date(self) -> None:
        self.date = formatdate(self._clock(), usegmt=True).encode()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: HttpServer, loop: asyncio.AbstractEventLoop) -> None:
        """`deadline` is the moment, on the loop's clock, at which it is closed."""
        self.deadline = loop.time() + server.request_seconds
        self._server = server
        self._application = server.application
        self._time = loop.time
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._head: Head | None = None  # of the request whose body is coming in
        self._chunks: Reader | None = None  # for such a body
        self._chunked = 0
        self._full = False  # the client does not read what it asked for
        self._stopping = False  # no request after this one
        self._over = False  # what still comes in is thrown away

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        if len(self._server.connections) > MOST_CONNECTIONS:
            self._refuse(503, f"expected at most {MOST_CONNECTIONS} connections")

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone, by whose will ever."""
        self._over = True
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer what is whole now."""
        if self._over:
            return
        if not self._buffer and self._head is None:
            self.deadline = self._time() + self._server.request_seconds
        self._buffer += data
        self._go_on()

    def pause_writing(self) -> None:
        """Answers pile up, for the client does not read them: ask for no more."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has read them."""
        self._full = False
        self._transport.resume_reading()
        self._go_on()

    def stop(self) -> None:
        """Close, after the request that is coming in."""
        self._stopping = True
        if not self._buffer and self._head is None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _go_on(self) -> None:
        """Answer in order, as long as the answers are read."""
        while (self._buffer or self._head is not None) and not self._full and not self._over:
            head = self._head or self._begin()
            if head is None or (body := self._body(head)) is None:
                return
            self._head = None
            self._answer(head, body)

    def _begin(self) -> Head | None:
        """The head of the next request, once it is there and nothing speaks against reading the body."""
        buffer = self._buffer
        if buffer.startswith((b"\r", b"\n")):  # allowed between requests: RFC 9112, 2.2
            buffer = self._buffer = buffer.lstrip(b"\r\n")
        end = buffer.find(b"\r\n\r\n", 0, MOST_HEAD) + 4
        if end < 4:
            if len(buffer) >= MOST_HEAD:
                self._refuse(431, f"expected at most {MOST_HEAD} bytes before the body")
            return None
        text = bytes(buffer[:end])
        try:
            head = read_head(text)
        except httptools.HttpParserError:
            self._refuse(400, "expected HTTP/1.1")
            return None
        if head.embodied and not self._wants_body(head):
            return None
        del buffer[:end]
        if head.chunked:
            self._chunks = Reader()
            self._chunks.feed(text)
        if head.expects and not buffer:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._head = head
        return head

    def _wants_body(self, head: Head) -> bool:
        """Whether it is worth reading; else the answer is given before it has come."""
        if (refusal := self._application.refusal(head)) is not None:
            self._refuse_with(refusal)
        elif head.length > MOST_BYTES:
            self._refuse(413, f"expected at most {MOST_BYTES} bytes")
        return not self._over

    def _body(self, head: Head) -> bytes | None:
        """The body, once it is whole."""
        if self._chunks is not None:
            return self._chunked_body(self._chunks)
        if len(self._buffer) < head.length:
            return None
        body = bytes(self._buffer[: head.length])
        del self._buffer[: head.length]
        return body

    def _chunked_body(self, reader: Reader) -> bytes | None:
        data = bytes(self._buffer)
        self._buffer.clear()
        self._chunked += len(data)
        try:
            reader.feed(data)
        except httptools.HttpParserError:
            self._refuse(400, "expected chunks")
            return None
        if len(reader.body) > MOST_BYTES or self._chunked > MOST_CHUNKED:
            self._refuse(413, f"expected at most {MOST_BYTES} bytes")
            return None
        return bytes(reader.body) if reader.whole else None

    def _answer(self, head: Head, body: bytes) -> None:
        try:
            refusal = None if head.embodied else self._application.refusal(head)
            reply = refusal or self._application.answer(head, body)
        except Exception:  # noqa: BLE001  a defect of ours costs this request, and is told
            _log.exception("%s %r failed", head.method, head.path)
            reply = self._application.refused(500, "the exporter failed; its log says why")
        last = head.last or self._stopping
        self._write(reply, last=last, bodiless=head.method == "HEAD")
        if last:
            self._over = True
            self._transport.close()
        else:
            self.deadline = self._time() + (self._server.request_seconds if self._buffer else IDLE_SECONDS)

    def _refuse(self, status: int, why: str) -> None:
        self._refuse_with(self._application.refused(status, why))

    def _refuse_with(self, reply: Reply) -> None:
        """Answer before the request is whole. A client that still sends reads it only after that, so take that in."""
        self._over = True
        self._buffer.clear()
        self._write(reply, last=True, bodiless=False)
        self._transport.write_eof()
        self.deadline = self._time() + LINGER_SECONDS

    def _write(self, reply: Reply, *, last: bool, bodiless: bool) -> None:
        head = _head(reply.status, reply.kind, reply.allow, last)
        body = b"" if bodiless else reply.body
        date = self._server.date
        self._transport.write(b"%bcontent-length: %d\r\ndate: %b\r\n\r\n%b" % (head, len(reply.body), date, body))


@lru_cache(64)
def _head(status: int, kind: str, allow: str, last: bool) -> bytes:
    """Status line and headers, but for those that differ from answer to answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"content-type: {kind}"]
    lines += [f"allow: {allow}"] if allow else []
    lines += ["www-authenticate: Bearer"] if status == HTTPStatus.UNAUTHORIZED else []
    lines += ["connection: close"] if last else []
    return "".join(f"{line}\r\n" for line in lines).encode()

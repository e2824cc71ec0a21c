"""A request on its way over one connection, and its answer. Only `over` waits, for as many as there are."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import httptools

MAX_ANSWER: Final = 64 * 1024
MAX_HEAD: Final = 64 * 1024
"""Bytes before the status is known, announcements of it included."""
MAX_READ: Final = 1024 * 1024
"""Bytes of an answer that are read, however little of a body is in them: who sends on and on holds nobody up."""
MAX_READING: Final = 15.0
"""Seconds after which an answer that trickles in is taken as it is."""
KEPT_SECONDS: Final = 5.0
"""How long an idle connection is used again; whoever keeps it longer meets far sides that have hung up."""

_A_PART: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most the first 64 KiB of the body. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Connection:
    """One connection, for one request at a time. The far side is given `patience` seconds for each step."""

    def __init__(self, connected: socket.socket, patience: float) -> None:
        connected.setblocking(False)
        self.socket = connected
        self.patience = patience
        self._last_used = time.monotonic()
        self._readable = select.poll()
        self._readable.register(connected, select.POLLIN)

    def usable(self) -> bool:
        """Tell whether the far side has not hung up meanwhile: it has nothing to say before it is asked."""
        return time.monotonic() - self._last_used < KEPT_SECONDS and not self._readable.poll(0)

    def used(self) -> None:
        """Note that it was used until now."""
        self._last_used = time.monotonic()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class Exchange:
    """A request that leaves as this is made, and its answer as far as it has come.

    It is to go on when its socket is ready for `events` (as in `select.poll`), until it is `over`; at `until` (as in
    `time.monotonic`) it is to be given up.
    """

    def __init__(self, connection: Connection, request: bytes) -> None:
        self.connection = connection
        self.over = False
        self.events = select.POLLOUT
        self.until = time.monotonic() + connection.patience
        self._ends = 0.0
        self._unsent = memoryview(request)
        self._reply = _Reply()
        self._error: Exception | None = None
        self.go_on()

    def go_on(self) -> None:
        """Send and read as far as that can be done without waiting."""
        try:
            if self._unsent:
                self._send()
            else:
                self._read()
        except BlockingIOError:
            self.events = select.POLLOUT if self._unsent else select.POLLIN
        except ssl.SSLWantReadError:
            self.events = select.POLLIN
        except ssl.SSLWantWriteError:
            self.events = select.POLLOUT
        except Exception as error:  # noqa: BLE001  `answer` raises it; what befalls one must not keep others waiting
            self._fail(error)

    def give_up(self) -> None:
        """Wait no longer."""
        self._fail(TimeoutError("timed out"))

    def answer(self) -> tuple[Answer, bool]:
        """Give the answer, once it is over, and whether another request may follow on this connection.

        Raises `OSError` or `httptools.HttpParserError` when there is none.
        """
        if self._error:
            raise self._error
        reply = self._reply
        return Answer(reply.status, reply.headers, bytes(reply.body[:MAX_ANSWER])), not reply.last

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.connection.socket.send(self._unsent) :]
        except (BrokenPipeError, ConnectionResetError):
            self._unsent = self._unsent[:0]
            self._reply.last = True  # it may have answered before it hung up, as whoever finds a body too long
        now = time.monotonic()
        self.until, self._ends = now + self.connection.patience, now + MAX_READING
        self.events = select.POLLIN

    def _read(self) -> None:
        while not self._reply.complete:
            self._reply.take(self.connection.socket.recv(_A_PART))
            self.until = min(time.monotonic() + self.connection.patience, self._ends)
        self.over = True

    def _fail(self, error: Exception) -> None:
        """End it; a status that came before says how the request ended."""
        if not self._reply.status:
            self._error = error
        self._reply.last = self.over = True


def over(exchanges: Iterable[Exchange]) -> Iterator[list[Exchange]]:
    """Let exchanges go on, and give them as they are over, together those that are over at the same time."""
    waiting = {exchange.connection.socket.fileno(): exchange for exchange in exchanges}
    ready = select.poll()
    for number, exchange in waiting.items():
        ready.register(number, exchange.events)
    while waiting:
        ended = [number for number, exchange in waiting.items() if exchange.over]
        if ended:
            for number in ended:
                ready.unregister(number)
            yield [waiting.pop(number) for number in ended]
            continue
        until = min([exchange.until for exchange in waiting.values()])
        for number, _ in ready.poll(max(0.0, until - time.monotonic()) * 1000):
            exchange = waiting[number]
            exchange.go_on()
            ready.modify(number, exchange.events)
        now = time.monotonic()
        for exchange in waiting.values():
            if exchange.until <= now and not exchange.over:
                exchange.give_up()


class _Reply:
    """An answer as far as it has come. `status` is 0 before its head is whole; after the `last` one nothing follows."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.complete = False
        self.last = False
        self._size = 0
        self._parser = httptools.HttpResponseParser(self)

    def take(self, part: bytes) -> None:
        """Read on; an empty part says that the far side has hung up."""
        if not part:
            raise ConnectionResetError(104, "Connection closed without an answer")
        self._size += len(part)
        self._parser.feed_data(part)
        if not self.status and self._size > MAX_HEAD:
            raise httptools.HttpParserError("a head without end")
        if len(self.body) > MAX_ANSWER or self._size > MAX_READ:
            self.complete = self.last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name the last."""
        if len(self.headers) < 1000:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Know the status, unless it is one of those that announce another."""
        status = self._parser.get_status_code()
        self.status = 0 if 100 <= status < 200 else status

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self.body += part

    def on_message_complete(self) -> None:
        """Be done, unless this was an announcement."""
        if self.status:
            self.complete = True
            self.last = self.last or not self._parser.should_keep_alive()
        else:
            self.headers.clear()

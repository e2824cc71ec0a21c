"""Kept connections for posting over HTTP/1.1, with as little work for each message as can be.

A message in a storm costs httpx2 half a millisecond of CPU time, more than all that alertrouter does about it itself;
here it is a twentieth of that. The answer is parsed by httptools, and certificates are checked as httpx2 checks them.
"""

from __future__ import annotations

import base64
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

import httptools
import httpx2

from alertrouter import __version__
from alertrouter.notifiers.notifier import Patience

MAX_ANSWER: Final = 64 * 1024
MAX_HEAD: Final = 64 * 1024
MAX_READING: Final = 15.0
"""Seconds after which an answer that trickles in is taken as it is."""
KEPT_SECONDS: Final = 5.0
"""How long an idle connection is used again; whoever keeps it longer meets far sides that have hung up."""
MOST_KEPT: Final = 32

_A_PART: Final = 64 * 1024
_NOT_IN_A_HEADER: Final = re.compile(r"[\x00-\x1f\x7f]")


class NotConnected(Exception):
    """No connection came about: the request did not leave. The cause says why."""


class NoRequest(Exception):
    """No request can be made of what was given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most the first 64 KiB of the body. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an address points. `host` is as certificates and name servers write it; `head` begins each request."""

    secure: bool
    host: str
    port: int
    head: bytes = field(repr=False)
    credentials: str = field(repr=False)


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target:
    """Take an address apart; raises `httpx2.InvalidURL`, or `NoRequest` when it is not of http."""
    parts = httpx2.URL(url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise NoRequest("expected http:// or https:// and a host")
    credentials = ""
    if parts.username or parts.password:
        credentials = "Basic " + base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    return Target(
        secure=parts.scheme == "https",
        host=parts.raw_host.decode("ascii"),
        port=parts.port or (443 if parts.scheme == "https" else 80),
        head=b"POST %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: alertrouter/%b\r\nAccept: */*\r\n"
        % (parts.raw_path, parts.netloc, __version__.encode()),
        credentials=credentials,
    )


class Connections:
    """Posts over connections that it keeps, by far side; threads may share it."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._idle: dict[tuple[str, Target], list[_Connection]] = {}
        self._lock = threading.Lock()

    def post(self, target: Target, address: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Post to a target, at this address of its host ("": any).

        Raises `NoRequest` and `NotConnected` when nothing has left; `OSError` or `httptools.HttpParserError` when
        something may have, and no answer came.
        """
        request = _request(target, headers, content)
        connection = self._kept(address, target) or self._connect(address, target)
        keep = False
        try:
            answer, keep = connection.exchange(request)
        finally:
            if keep:
                self._keep(address, target, connection)
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Close those that are idle."""
        with self._lock:
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for connection in idle:
            connection.close()

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """Whom to trust: SSL_CERT_FILE and SSL_CERT_DIR, else what the system does."""
        context = httpx2.create_ssl_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _kept(self, address: str, target: Target) -> _Connection | None:
        while True:
            with self._lock:
                kept = self._idle.get((address, target))
                connection = kept.pop() if kept else None
            if connection is None or connection.usable():
                return connection
            connection.close()

    def _keep(self, address: str, target: Target, connection: _Connection) -> None:
        with self._lock:
            kept = self._idle.setdefault((address, target), [])
            kept.append(connection)
            surplus = kept.pop(0) if len(kept) > MOST_KEPT else None
        if surplus:
            surplus.close()

    def _connect(self, address: str, target: Target) -> _Connection:
        try:
            made = socket.create_connection((address or target.host, target.port), timeout=self._patience.connect)
            try:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if target.secure:
                    made = self._trusted.wrap_socket(made, server_hostname=target.host)
                made.settimeout(self._patience.read)
            except BaseException:
                made.close()
                raise
        except (OSError, UnicodeError) as error:
            raise NotConnected from error
        return _Connection(made)


class _Connection:
    """One connection, for one request at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._last_used = time.monotonic()
        self._readable = select.poll()
        self._readable.register(connected, select.POLLIN)

    def usable(self) -> bool:
        """Tell whether the far side has not hung up meanwhile: it has nothing to say before it is asked."""
        return time.monotonic() - self._last_used < KEPT_SECONDS and not self._readable.poll(0)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def exchange(self, request: bytes) -> tuple[Answer, bool]:
        """Send a request and give the answer, and whether another request may follow."""
        reply = _Reply()
        try:
            self._socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            reply.last = True  # it may have answered before it hung up, as whoever finds a body too long
        deadline = time.monotonic() + MAX_READING
        try:
            while not reply.complete:
                reply.take(self._socket.recv(_A_PART))
                if time.monotonic() > deadline and not reply.complete:
                    raise TimeoutError("timed out")
        except (OSError, httptools.HttpParserError):
            if not reply.status:
                raise
            reply.last = True  # the status, which came before, says how the request ended
        self._last_used = time.monotonic()
        answer = Answer(reply.status, reply.headers, bytes(reply.body[:MAX_ANSWER]))
        return answer, not reply.last


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
        if len(self.body) > MAX_ANSWER:
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
            self._size = 0


def _request(target: Target, headers: Mapping[str, str], content: bytes) -> bytes:
    """Write a request down; raises `NoRequest` when a header can't be written."""
    if target.credentials and "Authorization" not in headers:
        headers = {**headers, "Authorization": target.credentials}
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if _NOT_IN_A_HEADER.search(lines.replace("\r\n", "")) or lines.count("\r\n") != len(headers):
        raise NoRequest("a header with control characters")
    try:
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (target.head, lines.encode("ascii"), len(content), content)
    except UnicodeError:
        raise NoRequest("a header outside ASCII") from None

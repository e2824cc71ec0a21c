"""Kept connections for posting over HTTP/1.1, with as little work for each message as can be.

A message in a storm costs httpx2 half a millisecond of CPU time, more than all that alertrouter does about it itself;
here it is a twentieth of that. The answer is parsed by httptools, and certificates are checked as httpx2 checks them.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

import httpx2

from alertrouter import __version__
from alertrouter.notifiers.exchange import Answer, Connection, Exchange, over
from alertrouter.notifiers.notifier import Patience

MOST_KEPT: Final = 32

_NOT_IN_A_HEADER: Final = re.compile(r"[\x00-\x1f\x7f]")


class NotConnected(Exception):
    """No connection came about: the request did not leave. The cause says why."""


class NoRequest(Exception):
    """No request can be made of what was given."""


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
        self._idle: dict[tuple[str, Target], list[Connection]] = {}
        self._lock = threading.Lock()

    def post(self, target: Target, address: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Post to a target, at this address of its host ("": any).

        Raises `NoRequest` and `NotConnected` when nothing has left; `OSError` or `httptools.HttpParserError` when
        something may have, and no answer came.
        """
        request = _request(target, headers, content)
        exchange = Exchange(self._kept(address, target) or self._connect(address, target), request)
        for _ in over([exchange]):
            pass
        return self.answer(target, address, exchange)

    def leave(self, target: Target, address: str, headers: Mapping[str, str], content: bytes) -> Exchange | None:
        """Let a request leave over a kept connection; `answer` gives its answer when it is over.

        None when no connection is kept: nothing has left. Raises `NoRequest`.
        """
        request = _request(target, headers, content)
        connection = self._kept(address, target)
        return Exchange(connection, request) if connection else None

    def answer(self, target: Target, address: str, exchange: Exchange) -> Answer:
        """Give the answer of an exchange that is over, and keep its connection if it may be used again.

        Raises `OSError` or `httptools.HttpParserError` when there is none.
        """
        keep = False
        try:
            answer, keep = exchange.answer()
        finally:
            if keep:
                exchange.connection.used()
                self._keep(address, target, exchange.connection)
            else:
                exchange.connection.close()
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

    def _kept(self, address: str, target: Target) -> Connection | None:
        while True:
            with self._lock:
                kept = self._idle.get((address, target))
                connection = kept.pop() if kept else None
            if connection is None or connection.usable():
                return connection
            connection.close()

    def _keep(self, address: str, target: Target, connection: Connection) -> None:
        with self._lock:
            kept = self._idle.setdefault((address, target), [])
            kept.append(connection)
            surplus = kept.pop(0) if len(kept) > MOST_KEPT else None
        if surplus:
            surplus.close()

    def _connect(self, address: str, target: Target) -> Connection:
        try:
            made = socket.create_connection((address or target.host, target.port), timeout=self._patience.connect)
            try:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if target.secure:
                    made = self._trusted.wrap_socket(made, server_hostname=target.host)
            except BaseException:
                made.close()
                raise
        except (OSError, UnicodeError) as error:
            raise NotConnected from error
        return Connection(made, self._patience.read)


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

"""What a request says before its body, read by httptools (Node's llhttp), in its strict form."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import httptools
import msgspec

REMEMBERED: Final = 256
"""Heads that need not be read again: a client's are the same from report to report, but for a few lengths."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """Method, decoded path without its query, and the headers that matter here. `last` closes the connection."""

    method: str
    path: str
    authorization: bytes
    length: int
    chunked: bool
    expects: bool
    last: bool

    @property
    def embodied(self) -> bool:
        """Whether a body follows."""
        return self.chunked or self.length > 0


@lru_cache(REMEMBERED)
def read_head(text: bytes) -> Head:
    """Read one that ends with its empty line; httptools.HttpParserError when it is none."""
    reader = Reader()
    reader.feed(text)
    if reader.head is None or reader.body or reader.version not in ("1.0", "1.1"):
        raise httptools.HttpParserError("no head that is understood")
    return reader.head


class Reader:
    """Reads one request that comes in pieces. The methods `on_…` are the parser's calls."""

    def __init__(self) -> None:
        """`head` is there once it was read, `body` grows, `whole` says that there is no more."""
        self.head: Head | None = None
        self.body = bytearray()
        self.whole = False
        self.version = ""
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> None:
        """Read on; raises httptools.HttpParserError."""
        with suppress(httptools.HttpParserUpgrade):  # another protocol was offered, HTTP it stays
            self._parser.feed_data(data)

    def on_url(self, piece: bytes) -> None:
        """A piece of the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer behind the body, which says nothing to us."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """All of the head is there. Numbers are numbers: the parser has seen to that."""
        method = self._parser.get_method().decode()
        headers = self._headers
        self.version = self._parser.get_http_version()
        chunked = b"transfer-encoding" in headers
        self.head = Head(
            method=method,
            path=_path(self._target),
            authorization=headers.get(b"authorization", b""),
            length=int(headers.get(b"content-length", b"0")),
            chunked=chunked,
            expects=headers.get(b"expect", b"").lower() == b"100-continue",
            last=self.version == "1.0" or chunked or method == "CONNECT" or not self._parser.should_keep_alive(),
        )

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self.body += piece

    def on_message_complete(self) -> None:
        """That was all."""
        self.whole = True


def _path(target: bytes) -> str:
    """The path that is asked for, as in `/metrics?name=x` or `http://host/metrics`."""
    try:
        path = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        path = None
    return unquote((path or b"").decode("latin-1"))

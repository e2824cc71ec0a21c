"""One HTTP request, and what its end means: sent, try again, unknown, or no use."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import httptools
import httpx2

from alertrouter import __version__
from alertrouter.errors import DeliveryError, PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.notifiers.connections import (
    Connections,
    NoRequest,
    NotConnected,
    target_of,
)
from alertrouter.notifiers.exchange import MAX_ANSWER, MAX_READING, Answer, Exchange
from alertrouter.notifiers.notifier import Patience

MIN_SECRET = 8
"""Shorter pieces of a path are words, not secrets."""
MAX_RETRY_AFTER = 3600.0
JSON: Final = {"Content-Type": "application/json; charset=utf-8"}

_NEVER_LEFT: Final = (NotConnected, httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_CAN_NOT_WORK: Final = (
    NoRequest,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
    UnicodeError,
)
NO_ANSWER: Final = (
    NoRequest,
    NotConnected,
    OSError,
    httptools.HttpParserError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    UnicodeError,
)
"""What the client raises when there is no answer; a token outside ASCII is a `UnicodeError`."""

# The client's log of requests holds whole URLs, and an incoming webhook's URL is a secret.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class NoConnection(TemporaryFailure):
    """The request did not leave."""


class Poster:
    """Posts to one far side over kept connections; threads may share it.

    Where the environment has proxies httpx2 posts, which knows how to use them. A `direct` one never goes through one.
    """

    def __init__(self, base_url: str, patience: Patience, *, direct: bool = False) -> None:
        self._connections = Connections(patience)
        by_proxy = not direct and heeds_proxies(base_url) and bool(getproxies())
        self._by_proxy = client(base_url, patience) if by_proxy else None

    def post(self, url: str, address: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Post, and give whatever answer comes; raises one of `NO_ANSWER`."""
        if self._by_proxy is None:
            return self._connections.post(target_of(url), address, headers, content)
        with self._by_proxy.stream("POST", url, content=content, headers=headers) as response:
            body = _read(response, time.monotonic() + MAX_READING)
        return Answer(response.status_code, response.headers, body)

    def leave(self, url: str, address: str, headers: Mapping[str, str], content: bytes) -> Exchange | None:
        """Let a request leave over a kept connection; None when there is none. Raises one of `NO_ANSWER`."""
        if self._by_proxy is not None:
            return None
        return self._connections.leave(target_of(url), address, headers, content)

    def answer(self, url: str, address: str, exchange: Exchange) -> Answer:
        """Give the answer of one that left, once its exchange is over; raises one of `NO_ANSWER`."""
        return self._connections.answer(target_of(url), address, exchange)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()
        if self._by_proxy is not None:
            self._by_proxy.close()


def client(base_url: str, patience: Patience) -> httpx2.Client:
    """A client that goes through the environment's proxies where they apply."""
    return httpx2.Client(
        timeout=timeout(patience),
        trust_env=heeds_proxies(base_url),
        follow_redirects=False,
        headers={"User-Agent": f"alertrouter/{__version__}"},
    )


def heeds_proxies(url: str) -> bool:
    """Whether the environment's proxies apply to an address: not on loopback."""
    try:
        host = urlsplit(url).hostname or ""
        return host != "localhost" and not ip_address(host).is_loopback
    except ValueError:
        return True


def timeout(patience: Patience) -> httpx2.Timeout:
    """The same patience for every step but connecting."""
    return httpx2.Timeout(patience.read, connect=patience.connect, pool=patience.connect)


def post(
    through: Poster,
    url: str,
    content: bytes,
    *,
    who: str,
    secrets: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    address: str = "",
) -> Answer:
    """Post JSON and give the 2xx answer; whatever else happens is raised as the `DeliveryError` that it means.

    `who` names the far side in errors; `secrets` never show in them. With `address` the connection goes there, and the
    name in the url is what certificates are checked against.
    """
    return answered(lambda: through.post(url, address, {**JSON, **(headers or {})}, content), who, secrets)


def answered(ask: Callable[[], Answer], who: str, secrets: Iterable[str] = ()) -> Answer:
    """Give the 2xx answer that `ask` gets; raises as `post` does."""
    try:
        answer = ask()
    except NO_ANSWER as error:
        raise failure_of(error, who) from None
    raise_for(answer, who, secrets)
    return answer


def ask(
    url: str,
    fields: Mapping[str, str],
    patience: Patience,
    *,
    who: str,
    secrets: Iterable[str],
    headers: Mapping[str, str],
    most: int,
) -> Answer:
    """Ask with a form for something long, of which `most` bytes are read; raises as `post` does.

    The connection is its own: this is done once in a while.
    """
    try:
        with client(url, patience) as own, own.stream("POST", url, data=fields, headers=headers) as response:
            body = _read(response, time.monotonic() + MAX_READING, most)
    except NO_ANSWER as error:
        raise failure_of(error, who) from None
    answer = Answer(response.status_code, response.headers, body)
    raise_for(answer, who, secrets)
    return answer


def failure_of(error: Exception, who: str) -> DeliveryError:
    """What it means that a request got no answer. The client's own words are left out: they may hold the URL."""
    if isinstance(error, _CAN_NOT_WORK):
        return PermanentFailure(f"{who}: no request can be made of its address and credentials")
    if isinstance(error, _NEVER_LEFT):
        return NoConnection(f"{who}: no connection ({_reason(error)})")
    return UnknownOutcome(f"{who}: no answer after the request was sent ({_reason(error)})")


def raise_for(answer: Answer, who: str, secrets: Iterable[str] = ()) -> None:
    """Raise what an answer other than 2xx means: 429 and 5xx may work later, the rest never."""
    if 200 <= answer.status < 300:
        return
    said = excerpt(answer.body, secrets)
    message = f"{who}: answered {answer.status}" + (f": {said}" if said else "")
    if answer.status == 429 or answer.status >= 500:
        raise TemporaryFailure(message, retry_after=retry_after(answer.headers))
    raise PermanentFailure(message)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for: a number, or a date counted from the answer's own date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return min(float(value), MAX_RETRY_AFTER)
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def secrets_of(url: str) -> tuple[str, ...]:
    """The parts of an address that may be a secret: all but the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    pieces = [parts.path.strip("/"), parts.query, *f"{parts.path}/{parts.query}".split("/")]
    return (url, parts.password or "", *(piece for piece in pieces if len(piece) >= MIN_SECRET))


def excerpt(body: bytes, secrets: Iterable[str] = ()) -> str:
    """The beginning of an answer on one line, secrets struck out."""
    text = " ".join(body.decode("utf-8", "replace").split())
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= 200 else text[:199] + "…"


def _read(response: httpx2.Response, deadline: float, most: int = MAX_ANSWER) -> bytes:
    """Read the body as far as it comes: the status that came before it already says how the request ended."""
    body = bytearray()
    with contextlib.suppress(httpx2.HTTPError):
        for part in response.iter_bytes():
            body += part
            if len(body) > most or time.monotonic() > deadline:
                break
    return bytes(body[:most])


def _reason(error: BaseException) -> str:
    """The operating system's word for what failed, found below the client's own wrapping."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None

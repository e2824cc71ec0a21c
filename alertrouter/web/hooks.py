"""Where alerts come in: one address for each form of body.

200 means: it is in the journal. 400 names the first fault, 401 asks for credentials, 413 says that the body is too
large. 503 with Retry-After says that nothing is lost if the sender tries again: the store does not answer, or the
backlog is over its limit. Never 429: Alertmanager drops an alert that is answered so.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.errors import PayloadError, StoreUnavailable
from alertrouter.sources import Parsed, alertmanager, generic, grafana
from alertrouter.store.doorstore import DoorStore
from alertrouter.tracing import Tracing
from alertrouter.web import body
from alertrouter.web.auth import Senders

Parse: TypeAlias = Callable[[bytes, datetime], Parsed]

SOURCES: Final[Mapping[str, tuple[str, Parse]]] = {
    "/api/v1/alertmanager": ("alertmanager", alertmanager.parse),
    "/api/v1/grafana": ("grafana", grafana.parse),
    "/api/v1/alerts": ("generic", generic.parse),
}
"""Address → name of the source and its parser; Alertmanager's own address stands in `web/alertmanager`."""

RETRY_AFTER: Final = "5"
_EVENT_SIZE: Final = 10_000
"""Alerts in one event; a body with more becomes several."""
LARGE: Final = 1024 * 1024
"""Bodies beyond this are parsed beside the event loop, which goes on answering."""
_FAULTS_SHOWN: Final = 10
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{8,64}")

_log = log.get(__name__)


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender is told. `id` is the correlation id: it stands in every log line and message that follows."""

    id: str
    accepted: int = 0
    set_aside: int = 0
    faults: tuple[str, ...] = ()
    error: str = ""


Written: TypeAlias = Callable[[Answer, StoreUnavailable | None], None]


class Hook:
    """One address that takes alerts."""

    def __init__(
        self,
        source: str,
        parse: Parse,
        *,
        store: DoorStore,
        senders: Senders,
        max_body: int,
        tracing: Tracing | None = None,
    ) -> None:
        self._source = source
        self._parse = parse
        self._store = store
        self._senders = senders
        self._max_body = max_body
        self._tracing = tracing
        self._counts: Final[Mapping[str, int]] = {f"bodies_accepted:{source}": 1}

    async def answer(self, request: Request) -> Response:
        """Take a body in, or say why not."""
        given = request.headers.get("x-request-id")
        if self._tracing is None:
            return await self._answer(request, correlation_id(given))
        with self._tracing.receiving(request.url.path, request.headers.get("traceparent")) as received:
            response = await self._answer(request, received.correlation_id or correlation_id(given))
            received.answered(response.status_code)
            return response

    async def _answer(self, request: Request, key: str) -> Response:
        if (stranger := turn_away(self._senders, request, key)) is not None:
            return stranger
        try:
            raw = await body.read(request, self._max_body)
        except body.TooLarge:
            _log.warning("body too large", source=self._source, key=key, limit=self._max_body)
            return refuse(413, key, f"body too large, expected at most {self._max_body} bytes")
        except TimeoutError:
            return self.late(key)
        except ClientDisconnect:
            return refuse(400, key, "the body ended before its announced length")
        return await self.take(raw, key)

    async def take(self, raw: bytes, key: str) -> Response:
        """Put a body's alerts into the journal, or say why not."""
        try:
            return self.taken(await self._take(raw, key))
        except PayloadError as error:
            _log.warning("body refused", source=self._source, key=key, reason=str(error))
            return self.unreadable(key, str(error))
        except StoreUnavailable as error:
            return self.unavailable(key, error)

    def welcome(self, headers: Mapping[bytes, bytes], length: int) -> str | None:
        """Give the correlation id of a request that can be taken without `answer`; None when `answer` must see it.

        Names of `headers` are in lower case. What is turned away, too large or traced is for `answer`.
        """
        if self._tracing is not None or length > self._max_body:
            return None
        if not self._senders.allow(_text(headers.get(b"authorization"))):
            return None
        return correlation_id(_text(headers.get(b"x-request-id")))

    def begin(self, raw: bytes, key: str, then: Written) -> bool:
        """Put a body's alerts into the journal when all are good and fit into one event; False: `take` is for it.

        `then` is called with the answer, which is true when there is no error, as `JournalEnd.put` does.
        """
        try:
            parsed, packed = self._read(raw, key, datetime.now(UTC))
        except PayloadError:
            return False
        if parsed.set_aside or len(packed) != 1:
            return False
        self._store.put(packed[0], self._counts, partial(then, Answer(key, accepted=len(parsed.reports))))
        return True

    def unavailable(self, key: str, error: StoreUnavailable) -> Response:
        """Say that the store can't take a body now."""
        _log.error("store unavailable", source=self._source, key=key, reason=str(error))
        return refuse(503, key, str(error))

    def late(self, key: str) -> Response:
        """Say that a body did not come in time."""
        return refuse(503, key, f"the body did not arrive within {body.PATIENCE:g} s")

    def taken(self, answer: Answer) -> Response:
        """Say that a body is in the journal."""
        return respond(200, answer)

    def unreadable(self, key: str, error: str) -> Response:
        """Say why nothing of a body is."""
        return refuse(400, key, error)

    async def _take(self, raw: bytes, key: str) -> Answer:
        now = datetime.now(UTC)
        if len(raw) > LARGE:
            parsed, packed = await asyncio.to_thread(self._read, raw, key, now)
        else:
            parsed, packed = self._read(raw, key, now)
        counts = self._counts
        if parsed.set_aside:
            counts = {**counts, f"alerts_set_aside:{self._source}": parsed.bad}
        for event in packed:
            await self._store.append(event, counts)
            counts = {}
        if parsed.set_aside:
            await self._store.set_aside([(aside.reason, aside.raw) for aside in parsed.set_aside])
            _log.warning("alerts set aside", source=self._source, key=key, reason=parsed.set_aside[0].reason)
        return Answer(
            key,
            accepted=len(parsed.reports),
            set_aside=parsed.bad,
            faults=tuple(aside.reason for aside in parsed.set_aside[:_FAULTS_SHOWN]),
        )

    def _read(self, raw: bytes, key: str, now: datetime) -> tuple[Parsed, list[bytes]]:
        """Parse a body and pack its alerts into events, ready for the journal."""
        parsed = self._parse(raw, now)
        packed = [
            events.encode(
                events.AlertsReceived(
                    at=now,
                    actor=self._source,
                    key=f"{key}.{start // _EVENT_SIZE}" if start else key,
                    alerts=parsed.reports[start : start + _EVENT_SIZE],
                )
            )
            for start in range(0, len(parsed.reports), _EVENT_SIZE)
        ]
        return parsed, packed


def routes(store: DoorStore, senders: Senders, max_body: int, tracing: Tracing | None = None) -> list[Route]:
    """Give the routes of all sources: plain Starlette, for they are the hot path."""
    return [
        Route(path, hook.answer, methods=["POST"])
        for path, (source, parse) in SOURCES.items()
        for hook in [Hook(source, parse, store=store, senders=senders, max_body=max_body, tracing=tracing)]
    ]


def correlation_id(given: str | None) -> str:
    """Take over the sender's X-Request-Id when it is a sane one, else make one."""
    if given and _SANE_ID.fullmatch(given):
        return given
    return f"{random.getrandbits(64):016x}"  # it names a request and opens nothing; after a fork Python seeds anew


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def turn_away(senders: Senders, request: Request, key: str) -> Response | None:
    """Answer 401 to a sender without credentials that the door takes; None: it may come in."""
    if senders.allow(request.headers.get("authorization")):
        return None
    refused = refuse(401, key, "credentials are missing or wrong")
    for challenge in senders.challenges():
        refused.headers.append("WWW-Authenticate", challenge)
    return refused


def refuse(status: int, key: str, error: str) -> Response:
    """Say why not."""
    return respond(status, Answer(key, error=error))


def respond(status: int, answer: Answer) -> Response:
    """Answer a sender."""
    headers = {"X-Request-Id": answer.id}
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER
    return Response(msgspec.json.encode(answer), status, headers, "application/json")

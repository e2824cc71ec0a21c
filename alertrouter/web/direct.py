"""The direct way in: what senders post goes from the HTTP parser to its hook, past the layers that other requests need.

Only a request as nearly all are goes it: its length told before and not above `LARGE`, nothing before it on its
connection that waits for an answer, and of the kind that its hook takes at once. Any other goes uvicorn's way, through
the application, to the same hook. A request with one alert costs the door a third less this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Final

import msgspec
from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from alertrouter import log
from alertrouter.errors import StoreUnavailable
from alertrouter.web.body import PATIENCE
from alertrouter.web.hooks import LARGE, Answer, Hook

_TAKEN: Final = b"x-request-id: %b\r\ncontent-length: %d\r\ncontent-type: application/json\r\n"

_log = log.get(__name__)


def direct_to_hooks(app: FastAPI) -> type[HttpToolsProtocol]:
    """Give uvicorn's protocol with the hooks of an application in it."""
    routes = [route for route in app.router.routes if isinstance(route, Route) and route.methods == {"POST"}]
    found = {route.path.encode(): getattr(route.endpoint, "__self__", None) for route in routes}
    hooks = {path: hook for path, hook in found.items() if isinstance(hook, Hook)}
    return type("DirectToHooks", (_Direct,), {"hooks": hooks})


class _Exchange(RequestResponseCycle):
    """A request that goes the direct way; to uvicorn it is one of its own that is not answered yet."""

    message_event = asyncio.Event()  # uvicorn sets it; here nobody waits for it

    def __init__(self, hook: Hook, key: str, *, keep_alive: bool) -> None:
        self.hook = hook
        self.key = key
        self.keep_alive = keep_alive
        self.parts: list[bytes] = []
        self.whole = False
        self.patience: asyncio.TimerHandle | None = None
        self.response_complete = False
        self.disconnected = False


class _Direct(HttpToolsProtocol):
    """uvicorn's protocol, one for each connection. Its parser calls `on_…` as a request comes in."""

    hooks: ClassVar[Mapping[bytes, Hook]] = {}
    _rests_since: float | None = None
    _rest: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take in what the sender wrote."""
        self._rests_since = None
        super().data_received(data)
        exchange = self.cycle
        if type(exchange) is _Exchange and not exchange.whole and exchange.patience is None:
            exchange.patience = self.loop.call_later(PATIENCE, self._give_up, exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a sender that has gone."""
        if type(self.cycle) is _Exchange and self.cycle.patience is not None:
            self.cycle.patience.cancel()
        if self._rest is not None:
            self._rest.cancel()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Decide which way a request goes."""
        hook = self.hooks.get(self.url)
        key = self._welcome(hook) if hook is not None else None
        if hook is None or key is None:
            super().on_headers_complete()
        else:
            keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
            self.cycle = _Exchange(hook, key, keep_alive=keep_alive)

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body."""
        if type(self.cycle) is _Exchange:
            self.cycle.parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request that has come in as a whole."""
        exchange = self.cycle
        if type(exchange) is not _Exchange:
            super().on_message_complete()
            return
        exchange.whole = True
        if exchange.patience is not None:
            exchange.patience.cancel()
        if exchange.response_complete:
            return
        try:
            self._take(exchange, b"".join(exchange.parts))
        except Exception:  # noqa: BLE001  what escaped would make the parser answer 400, and the alert would be dropped
            _log.exception("a hook failed", key=exchange.key)
            self._answer(exchange, _failed())

    def _welcome(self, hook: Hook) -> str | None:
        """Give the correlation id of a request that may go the direct way."""
        if (
            self.parser.get_method() != b"POST"
            or self.expect_100_continue
            or self.parser.should_upgrade()
            or self._answering()
            or self.flow.write_paused  # uvicorn waits with the answer until the sender reads
            or (self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency)
        ):
            return None
        headers = dict(reversed(self.headers))  # the first of each name counts
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > LARGE or b"transfer-encoding" in headers:
            return None
        return hook.welcome(headers, int(length))

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _take(self, exchange: _Exchange, raw: bytes) -> None:
        if not exchange.hook.begin(raw, exchange.key, partial(self._written, exchange)):
            task = self.loop.create_task(self._take_slowly(exchange, raw))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _written(self, exchange: _Exchange, answer: Answer, error: StoreUnavailable | None) -> None:
        if error is None:
            # As `respond` has it, in a fifth of the time: nearly all answers are this one.
            body = msgspec.json.encode(answer)
            self._write(exchange, STATUS_LINE[200], _TAKEN % (answer.id.encode(), len(body)), body)
        else:
            self._answer(exchange, exchange.hook.unavailable(answer.id, error))

    async def _take_slowly(self, exchange: _Exchange, raw: bytes) -> None:
        try:
            response = await exchange.hook.take(raw, exchange.key)
        except Exception:  # noqa: BLE001  whatever it is, the sender shall hear that it was not its fault
            _log.exception("a hook failed", key=exchange.key)
            response = _failed()
        self._answer(exchange, response)

    def _give_up(self, exchange: _Exchange) -> None:
        exchange.keep_alive = False
        self._answer(exchange, exchange.hook.late(exchange.key))

    def _answer(self, exchange: _Exchange, response: Response) -> None:
        lines = [b"%b: %b\r\n" % header for header in response.raw_headers]
        self._write(exchange, STATUS_LINE[response.status_code], b"".join(lines), bytes(response.body))

    def _write(self, exchange: _Exchange, status: bytes, headers: bytes, body: bytes) -> None:
        """Write an answer at once: head and body apart would be two system calls, and two packets."""
        if exchange.disconnected or exchange.response_complete:
            return
        exchange.response_complete = True
        defaults = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        end = b"\r\n" if exchange.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((status, defaults, headers, end, body)))
        if not exchange.keep_alive:
            self.transport.close()
        if self.pipeline or self.transport.is_closing():
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self._rests_since = self.loop.time()
            if self._rest is None:
                self._rest = self.loop.call_later(self.timeout_keep_alive, self._rested)

    def _rested(self) -> None:
        """Let a sender go from whom nothing has come for long: uvicorn's rule, with a timer less for each request."""
        self._rest = None
        if self._rests_since is None:
            return
        left = self._rests_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._rest = self.loop.call_later(left, self._rested)
        else:
            self.timeout_keep_alive_handler()


def _failed() -> Response:
    return PlainTextResponse("Internal Server Error", 500)

"""An HTTP server on loopback that records what it is sent and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.standins.record import Record


@dataclass(frozen=True)
class Received:
    """One request, and when it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False, repr=False)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        found = json.loads(self.body)
        assert isinstance(found, dict), f"expected a JSON object, found {self.body[:200]!r}"
        return found


@dataclass(frozen=True)
class Answer:
    """What is answered. `delay` waits first (a stop of the server ends it); `drop` hangs up without an answer."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False

    @classmethod
    def of_json(cls, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer in JSON."""
        return cls(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


class HttpStandIn:
    """The server. Unless told otherwise by `answer_next` or `answer_always`, it answers 200 `ok`."""

    def __init__(self, port: int = 0) -> None:
        self._record: Record[Received] = Record()
        self._next: deque[Answer] = deque()
        self._always: Answer | None = None
        self._stopping = threading.Event()
        self._held_from: int | None = None
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[Received]:
        """All requests so far, refused ones too."""
        return self._record.items()

    def wait_for(self, predicate: Callable[[list[Received]], object], deadline: float = 10) -> list[Received]:
        """All requests so far, as soon as the predicate holds for them; fails after `deadline` seconds."""
        return self._record.wait_for(predicate, deadline)

    def answer_next(self, *answers: Answer) -> None:
        """Answer the next requests like this, each once."""
        self._next.extend(answers)

    def answer_always(self, answer: Answer | None) -> None:
        """Answer every request like this from now on; None: as usual again."""
        self._always = answer

    def hold_after(self, requests: int) -> None:
        """Let whoever comes after so many requests wait for their answer, until `release`."""
        self._held_from = requests

    def release(self) -> None:
        """Answer those who wait, and hold nobody any more."""
        self._released.set()

    def respond(self, request: Received) -> Answer:
        """The usual answer."""
        return Answer()

    def close(self) -> None:
        """Stop, and end the delays that are going on."""
        self._stopping.set()
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, request: Received) -> Answer | None:
        """Record a request and give its answer, None to hang up."""
        try:
            answer = self._next.popleft()
        except IndexError:
            answer = self._always or self.respond(request)
        self._record.add(request)
        if self._held_from is not None and len(self._record.items()) > self._held_from:
            self._released.wait()
        if answer.delay:
            self._stopping.wait(answer.delay)
        return None if answer.drop else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                # Whoever dies in the middle of a request has said nothing.
                answer = take(Received(self.command, self.path, headers, body)) if len(body) == length else None
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST  # noqa: N815  the base class's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
                """Say nothing on stderr."""

        return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the game."""

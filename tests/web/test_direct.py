"""The direct way in answers as the other way does, in order, whole, and whatever its sender does meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.routing import Route
from uvicorn.server import ServerState

from alertrouter.sources import Parsed, prometheus
from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.auth import Senders
from alertrouter.web.body import PATIENCE
from alertrouter.web.direct import direct_to_hooks
from alertrouter.web.hooks import Hook, Parse
from tests.web.door import KEYS, Door

BODY = b'[{"labels": {"alertname": "Down"}}]'
POST = b"POST /api/v2/alerts HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(
    BODY
)


@pytest.fixture
def line(door: Door) -> Iterator[socket.socket]:
    """A connection to the door."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as made:
        yield made


def until(line: socket.socket, end: bytes) -> bytes:
    """Read until what was read ends so."""
    found = b""
    while not found.endswith(end):
        part = line.recv(65536)
        assert part, f"closed after {found!r}"
        found += part
    return found


def test_answers_follow_each_other_whole_on_one_connection(line: socket.socket) -> None:
    """Requests that were sent together are answered in their order, each with head and body."""
    line.sendall(
        (POST + b"X-Request-Id: the-first-one\r\n\r\n" + BODY) + (POST + b"X-Request-Id: the-second\r\n\r\n" + BODY)
    )

    answers = until(line, b'"id":"the-second","accepted":1}')

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answers.index(b'"id":"the-first-one","accepted":1}HTTP/1.1 200') > 0


def test_a_sender_that_asks_first_is_told_to_go_on(line: socket.socket) -> None:
    """A head without a body is not held back: the sender waits for it."""
    line.sendall(POST + b"Expect: 100-continue\r\n\r\n")
    assert until(line, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    line.sendall(BODY)
    assert b"HTTP/1.1 200 OK\r\n" in until(line, b'"accepted":1}')


def test_an_answer_before_the_end_of_the_connection_arrives(line: socket.socket) -> None:
    """The door closes when it was asked to, and not before all has been written."""
    line.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n")

    answer = b"".join(iter(lambda: line.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not answer.endswith(b"\r\n\r\n")


def test_a_page_asked_for_behind_alerts_is_answered_in_its_turn(line: socket.socket) -> None:
    """What goes the direct way and what does not keep their order on one connection."""
    healthy = b"GET /-/healthy HTTP/1.1\r\nHost: door\r\n\r\n"
    first, second = (POST + b"X-Request-Id: %b\r\n\r\n" % key + BODY for key in (b"the-first-one", b"the-second"))

    line.sendall(healthy + first + healthy + second)

    answers = until(line, b'"id":"the-second","accepted":1}').split(b"HTTP/1.1 200 OK")[1:]
    assert [b'"accepted":1}' in answer for answer in answers] == [False, True, False, True]


def test_a_body_that_comes_in_pieces_is_taken_whole(door: Door, line: socket.socket) -> None:
    """However it is cut, nothing is answered before its end."""
    line.sendall(POST + b"X-Request-Id: in-pieces\r\n\r\n" + BODY[:5])
    door.http.get("/-/healthy")
    line.sendall(BODY[5:9])
    door.http.get("/-/healthy")
    line.sendall(BODY[9:])

    assert until(line, b'"accepted":1}').startswith(b"HTTP/1.1 200 OK\r\n")
    assert door.journalled("in-pieces") == [{"alertname": "Down"}]


def test_a_sender_that_leaves_before_the_end_of_its_body_leaves_nothing(door: Door, line: socket.socket) -> None:
    """Half a body is none, and the door goes on."""
    line.sendall(POST + b"\r\n" + BODY[:5])
    door.http.get("/-/healthy")
    line.close()

    assert door.post("/api/v2/alerts", BODY).status_code == 200
    assert door.redis.xlen(KEYS.journal) == 1


def test_a_sender_that_wants_no_more_is_let_go(line: socket.socket) -> None:
    """The answer says that it is the last one."""
    line.sendall(POST + b"Connection: close\r\n\r\n" + BODY)

    answer = b"".join(iter(lambda: line.recv(65536), b""))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\nconnection: close")
    assert body.endswith(b'"accepted":1}')


@pytest.mark.parametrize("content", [BODY, b"[]", b"{}", b"[{", b'[{"labels": {}}]', BODY[:-1] + b", {}]", b"\xff"])
@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v1/alerts", "/api/v1/alertmanager", "/api/v1/grafana"])
def test_both_ways_give_the_same_answer(door: Door, path: str, content: bytes) -> None:
    """A body whose length is told before and one in chunks: the hook is the same."""
    direct = door.post(path, content, x_request_id="either-way")
    around = door.post(path, iter([content]), x_request_id="either-way")

    direct.headers.pop("date"), around.headers.pop("date")
    assert (direct.status_code, dict(direct.headers), direct.content) == (
        around.status_code,
        dict(around.headers),
        around.content,
    )


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time can be moved on."""

    ahead = 0.0

    def time(self) -> float:
        """Seconds, with those that were added."""
        return super().time() + self.ahead


@asynccontextmanager
async def served(
    loop: Clock, parse: Parse
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, ServerState]]:
    """A connection to a hook with this parser, and what the server knows of its connections."""
    store = DoorStore(connect_async("redis://127.0.0.1:1"), KEYS, max_backlog=1)
    hook = Hook("own", parse, store=store, senders=Senders((), ()), max_body=1000)
    app = FastAPI(routes=[Route("/api/v2/alerts", hook.answer, methods=["POST"])])
    config, protocol = uvicorn.Config(app, log_config=None), direct_to_hooks(app)
    config.load()
    state = ServerState()
    serving = await loop.create_server(lambda: protocol(config, state, {}, loop), "127.0.0.1")
    serving.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(serving.sockets[0].getsockname())
    async with serving:
        reader, writer = await asyncio.open_connection(sock=client)
        yield reader, writer, state
        writer.close()
        await writer.wait_closed()


async def asked(loop: Clock, parse: Parse, sent: bytes, wait: float = 0) -> bytes:
    """What the hook answers in the end to who sends this, `wait` seconds later."""
    async with served(loop, parse) as (reader, writer, _):
        writer.write(sent)
        answer = asyncio.ensure_future(reader.read())
        while not (await asyncio.wait([answer], timeout=0.1))[0]:
            loop.ahead += wait
        return answer.result()


def answer_to(sent: bytes, *, parse: Parse, wait: float = 0) -> bytes:
    """The same, in a loop of its own."""
    with asyncio.Runner(loop_factory=Clock) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Clock)
        return runner.run(asked(loop, parse, sent, wait))


def broken(_body: bytes, _now: datetime) -> Parsed:
    """A parser with a fault: its answer needs no store."""
    raise ZeroDivisionError


def test_an_error_that_no_hook_knows_is_not_called_the_senders_fault() -> None:
    """After a 400 a sender would not try again."""
    answer = answer_to(POST + b"Connection: close\r\n\r\n" + BODY, parse=broken)

    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


def test_a_body_that_does_not_arrive_is_not_waited_for_for_ever() -> None:
    """Its sender hears so and shall try again."""
    answer = answer_to(POST + b"\r\n" + BODY[:5], parse=prometheus.parse, wait=PATIENCE)

    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nconnection: close\r\n\r\n" in answer
    assert b"did not arrive within 30 s" in answer


async def rested(loop: Clock, pauses: Sequence[float]) -> bool:
    """Whether the door has let go of a sender who posted, and posted again after each pause but the last."""
    async with served(loop, broken) as (reader, writer, _):
        for pause in pauses:
            writer.write(POST + b"\r\n" + BODY)
            await reader.readuntil(b"\r\n\r\nInternal Server Error")
            loop.ahead += pause
            reading = asyncio.ensure_future(reader.read(1))
            done, _ = await asyncio.wait([reading], timeout=0.2)  # timers that are due fire before this one
            reading.cancel()
            await asyncio.wait([reading])
            if done:
                return True
        return False


@pytest.mark.parametrize(
    ("pauses", "gone"), [([4], False), ([6], True), ([4, 4, 4], False), ([4, 4, 6], True), ([0, 6], True)]
)
def test_a_sender_that_rests_for_5_seconds_is_let_go(pauses: list[float], gone: bool) -> None:
    """Counted from its last answer, not from the first: uvicorn's `timeout_keep_alive`."""
    with asyncio.Runner(loop_factory=Clock) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Clock)
        assert runner.run(rested(loop, pauses)) is gone


async def kept_for_who_never_reads(loop: Clock) -> int:
    """The bytes of answers that the door keeps for a sender who posts 1,000 times and reads none."""
    async with served(loop, broken) as (_, writer, state):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a ReadTransport as well
        for _ in range(10):
            writer.write((POST + b"\r\n" + BODY) * 100)
            with suppress(TimeoutError):
                await asyncio.wait_for(writer.drain(), 0.1)
            await asyncio.sleep(0)
        kept = [connection.transport.get_write_buffer_size() for connection in state.connections]
        writer.transport.abort()
        return max(kept)


def test_a_sender_that_never_reads_is_not_written_for_without_end() -> None:
    """Its requests are left unread when its answers pile up."""
    with asyncio.Runner(loop_factory=Clock) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Clock)
        assert runner.run(kept_for_who_never_reads(loop)) < 100_000

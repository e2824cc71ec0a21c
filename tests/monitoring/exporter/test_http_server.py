"""The exporter's own HTTP server: what it answers, what it bounds, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop
from ai_metrics_exporter.http_server import MOST_BYTES, MOST_HEAD, Connection, HttpServer, Reply
from ai_metrics_exporter.request_head import Head
from hypothesis import given
from hypothesis import strategies as st

from tests.journeys.programs import Programs, free_port
from tests.monitoring.exporter.test_exporter import TOKEN, Exporter

GET = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
REPORT = b'{"task_type":"mail","queued":3}'
POST = b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n%b" % (len(REPORT), REPORT)
CHUNKED = b"7;name=x\r\n%b\r\n%x\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (REPORT[:7], len(REPORT) - 7, REPORT[7:])


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One that wants a token."""
    running = Programs(tmp_path_factory.mktemp("exporter"))
    yield Exporter(running, environ={"AI_EXPORTER_TOKEN": TOKEN})
    running.stop()


def connect(exporter: Exporter) -> socket.socket:
    """A connection to it."""
    host, _, port = exporter.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def conversation(exporter: Exporter, said: bytes) -> bytes:
    """All that it says to somebody who says this and no more."""
    with connect(exporter) as client:
        client.sendall(said)
        with suppress(OSError):  # it has hung up already
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def statuses(answers: bytes) -> list[int]:
    """Of each answer, in order."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


def test_a_connection_is_kept_and_requests_may_come_ahead_of_answers(exporter: Exporter) -> None:
    """Three at once are answered in order; a wrong report among them costs itself only."""
    wrong = POST + b"Content-Length: 2\r\n\r\n{}"

    assert statuses(conversation(exporter, GET + wrong + WHOLE + b"\r\n" + GET)) == [200, 400, 202, 200]


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED, [202]),
        (POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED, [202]),
        (b"GET /metrics?name[]=x HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
        (b"GET http://x/%2D/healthy HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n", [200]),
        (b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + GET, [200, 200]),
        (b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET, [200]),
        (b"GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [200]),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n" + GET, [404]),
        (b"GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n" + GET, [404, 200]),
        (b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nit comes before", [401]),
        (POST + b"Content-Length: 99999999\r\n\r\n", [413]),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n100001\r\n" + b" " * 0x100001, [413]),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 2 * MOST_BYTES, [413]),
        (POST + b"X: " + b"x" * MOST_HEAD, [431]),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n", [400]),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", [400]),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED, [400]),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", [400]),
        (POST + b"Content-Length: -1\r\n\r\n", [400]),
        (POST + b"Content-Length : 2\r\n\r\n{}", [400]),
        (POST + b"X: a\n\r\n\r\n", [400]),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", [400]),
        (b"GET /-/healthy\r\n\r\n", [400]),
        (WHOLE[:-1], []),
    ],
)
def test_what_comes_in_is_answered_as_http_says(exporter: Exporter, said: bytes, answered: list[int]) -> None:
    """RFC 9112, strictly: what two programs could read in two ways is refused, and nothing behind it is read."""
    assert [status for status in statuses(conversation(exporter, said)) if status != 100] == answered


def test_a_refusal_says_what_may_be_asked(exporter: Exporter) -> None:
    """405 names the methods; a HEAD is a GET without the body; nothing says which programs serve it."""
    stranger = conversation(exporter, WHOLE.replace(b"s3cret", b"guess"))
    delete = conversation(exporter, b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    head = conversation(exporter, GET.replace(b"GET", b"HEAD"))

    assert b"\r\nwww-authenticate: Bearer\r\n" in stranger
    assert statuses(delete) == [405]
    assert b"\r\nallow: GET, HEAD\r\n" in delete
    assert b"\r\ncontent-length: 3\r\ndate: " in head
    assert head.endswith(b"\r\n\r\n")
    assert b"server:" not in (delete + head).lower()


def test_a_client_that_asks_first_sends_its_body_only_when_it_is_wanted(exporter: Exporter) -> None:
    """`Expect: 100-continue`, as curl sends with large bodies."""
    with connect(exporter) as client:
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(REPORT))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(REPORT)
        assert statuses(client.recv(1000)) == [202]
        client.sendall(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 31\r\n\r\n")
        assert statuses(client.recv(1000)) == [401]


def test_a_client_that_is_refused_reads_the_answer_however_much_it_still_sends(exporter: Exporter) -> None:
    """Closing at once would reset the connection under it."""
    with connect(exporter) as client:
        client.sendall(POST + b"Content-Length: 8000000\r\n\r\n" + b" " * 8_000_000)
        assert statuses(client.recv(1000)) == [413]


def test_a_request_that_is_coming_in_at_the_end_is_answered(tmp_path: Path) -> None:
    """SIGTERM: nobody new, no connection that only waits, but what began; then exit code 0."""
    programs = Programs(tmp_path)
    try:
        exporter = Exporter(programs, environ={"AI_EXPORTER_TOKEN": TOKEN})
        with connect(exporter) as asking, connect(exporter) as waiting:
            waiting.sendall(GET)
            assert statuses(waiting.recv(1000)) == [200]
            asking.sendall(WHOLE[:-1])
            exporter.program.process.terminate()
            assert waiting.recv(1000) == b""
            asking.sendall(WHOLE[-1:])
            answer = asking.recv(1000)
            assert statuses(answer) == [202]
            assert b"connection: close" in answer
        assert exporter.program.process.wait(30) == 0
    finally:
        programs.stop()


class Answers:
    """An application that answers with the body that it got."""

    def refusal(self, head: Head) -> Reply | None:
        """None."""
        return None

    def answer(self, head: Head, body: bytes) -> Reply:
        """The body; a defect at `/defect`."""
        if head.path == "/defect":
            raise RuntimeError("secret")
        return Reply(200, body or b"x" * 1000)

    def refused(self, status: int, why: str) -> Reply:
        """In plain words."""
        return Reply(status, why.encode())


class Wire(asyncio.Transport):
    """The far side of a connection: what was written, and whether it is read and closed."""

    def __init__(self) -> None:
        """Open."""
        super().__init__()
        self.written = b""
        self.reading = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written += bytes(data)

    def pause_reading(self) -> None:
        """No more."""
        self.reading = False

    def resume_reading(self) -> None:
        """More."""
        self.reading = True

    def close(self) -> None:
        """End."""
        self.closed = True

    def write_eof(self) -> None:
        """Half an end."""


def connected() -> tuple[Connection, Wire]:
    """A connection to the application above."""
    wire, loop = Wire(), asyncio.new_event_loop()
    with closing(loop):
        connection = Connection(HttpServer(Answers(), clock=lambda: 0.0), loop)
    connection.connection_made(wire)
    return connection, wire


@given(st.lists(st.integers(0, 3 * len(WHOLE) + len(GET) + 200), max_size=12))
def test_it_does_not_matter_where_packets_end(cuts: list[int]) -> None:
    """The same answers, whether requests come at once or in pieces."""
    said = WHOLE + GET + WHOLE + POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED
    whole, at_once = connected()
    whole.data_received(said)
    pieces, bit_by_bit = connected()

    places = [0, *sorted(cuts), len(said)]
    for begin, end in pairwise(places):
        if piece := said[begin:end]:
            pieces.data_received(piece)

    assert statuses(at_once.written) == [200] * 4
    assert at_once.written.count(REPORT) == 3
    assert bit_by_bit.written == at_once.written
    assert bit_by_bit.closed


NOISE = (
    *(WHOLE, GET, POST, CHUNKED, b"\r\n", b"\n", b"0\r\n\r\n", b":", b"X: \xff\r\n", b"GET % HTTP/1.1\r\n\r\n"),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
)


@given(st.lists(st.one_of(st.sampled_from(NOISE), st.binary(min_size=1, max_size=40)), max_size=10))
def test_whatever_comes_in_does_no_harm(parts: list[bytes]) -> None:
    """Nothing raises; and what is answered does not depend on how it came in, so no request hides in another one."""
    pieces, bit_by_bit = connected()
    whole, at_once = connected()

    for part in parts:
        pieces.data_received(part)
    whole.data_received(b"".join(parts))

    answered = [status for status in statuses(at_once.written) if status != 100]
    assert [status for status in statuses(bit_by_bit.written) if status != 100] == answered
    assert set(answered) <= {200, 400}


def test_who_does_not_read_is_not_answered_further() -> None:
    """Answers would pile up in memory: it stops reading requests until the client reads."""
    connection, wire = connected()

    connection.pause_writing()
    connection.data_received(GET * 3)
    assert (wire.written, wire.reading) == (b"", False)

    connection.resume_writing()
    assert statuses(wire.written) == [200, 200, 200]
    assert wire.reading


def test_a_large_answer_is_given_whole_to_a_slow_reader_and_to_one_that_has_said_all() -> None:
    """On the loop that the program runs on: the connection is closed behind the last byte, not before."""
    large = b"x" * 4_000_000
    heads = (GET.replace(b"Host", b"Connection: close\r\nHost"), GET * 3)

    class Large(Answers):
        def answer(self, head: Head, body: bytes) -> Reply:
            return Reply(200, large)

    def read(port: int, said: bytes) -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            return sum(map(len, iter(lambda: client.recv(50_000), b"")))

    async def story() -> list[int]:
        server = HttpServer(Large(), clock=time.time)
        port = free_port()
        await server.start("127.0.0.1", port)
        try:
            return await asyncio.gather(*(asyncio.to_thread(read, port, head) for head in heads))
        finally:
            await server.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        one, three = runner.run(story())

    assert len(large) < one < len(large) + 1000
    assert 3 * len(large) < three < 3 * len(large) + 1000


def test_a_defect_costs_its_request_and_tells_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The log has it."""
    connection, wire = connected()

    connection.data_received(GET.replace(b"/-/healthy", b"/defect") + GET)

    assert statuses(wire.written) == [500, 200]
    assert b"secret" not in wire.written
    assert "RuntimeError: secret" in caplog.text


def test_a_client_that_takes_too_long_is_cut_off() -> None:
    """One that begins and doesn't end, and one that says nothing, by the next second after the deadline."""

    def heard(port: int, said: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(said)
            try:
                return client.recv(1000)
            except ConnectionResetError:
                return b""

    async def story() -> list[bytes]:
        server = HttpServer(Answers(), clock=time.time, request_seconds=0.2)
        port = free_port()
        await server.start("127.0.0.1", port)
        try:
            return await asyncio.gather(*(asyncio.to_thread(heard, port, said) for said in (b"", WHOLE[:-1])))
        finally:
            await server.stop()

    assert asyncio.run(story()) == [b"", b""]

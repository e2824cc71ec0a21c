"""The exporter's HTTP server, byte by byte: wherever packets end, however slowly somebody reads, whatever comes in."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from itertools import pairwise

import pytest
import uvloop
from ai_metrics_exporter.http_server import Connection, HttpServer, Reply
from ai_metrics_exporter.request_head import Head
from hypothesis import given
from hypothesis import strategies as st

from tests.journeys.programs import free_port
from tests.monitoring.exporter.spoken import CHUNKED, GET, POST, REPORT, WHOLE, statuses


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

"""The exporter's own HTTP server: what it answers, what it bounds, and how it ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ai_metrics_exporter.http_server import MOST_BYTES, MOST_HEAD

from tests.journeys.programs import Programs
from tests.monitoring.exporter.spoken import CHUNKED, GET, POST, REPORT, WHOLE, statuses
from tests.monitoring.exporter.test_exporter import TOKEN, Exporter


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

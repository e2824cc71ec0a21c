"""Answers leave by one write, and what is to leave at once does."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.web.door import Door

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

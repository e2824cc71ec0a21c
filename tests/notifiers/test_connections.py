"""Kept connections: one far side after another, each with its own way of answering."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alertrouter.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.notifiers import http
from alertrouter.notifiers.exchange import MAX_ANSWER, Answer, Exchange, over
from alertrouter.notifiers.notifier import Patience
from tests.notifiers.far_sides import PATIENT
from tests.notifiers.scripted import OK, Scripted
from tests.standins import HttpStandIn, certificates
from tests.waiting import eventually

HASTY = Patience(connect=5, read=2)
"""For those that are to wait in vain."""

Farside = Callable[..., "Scripted"]


@pytest.fixture
def far_side() -> Iterator[Farside]:
    """Makes far sides that follow a script."""
    made: list[Scripted] = []

    def make(*pieces: bytes, reads: bool = True, context: ssl.SSLContext | None = None) -> Scripted:
        made.append(Scripted(pieces, reads=reads, context=context))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def poster() -> Iterator[http.Poster]:
    """Posts, and has patience with a machine that may stall."""
    with contextlib.closing(http.Poster("http://127.0.0.1", PATIENT, direct=True)) as made:
        yield made


@pytest.fixture
def hasty() -> Iterator[http.Poster]:
    """Posts, and waits two seconds for an answer."""
    with contextlib.closing(http.Poster("http://127.0.0.1", HASTY, direct=True)) as made:
        yield made


def post(through: http.Poster, url: str, content: bytes = b"{}", token: str = "") -> Answer:
    """Post to a url."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return http.post(through, url, content, who="hook", headers=headers)


def leave(through: http.Poster, url: str) -> Exchange | None:
    """Let a request leave over a kept connection."""
    return through.leave(url, "", {}, b"{}")


def test_a_connection_is_kept(poster: http.Poster, far_side: Farside) -> None:
    """Message after message goes over the same one."""
    server = far_side(OK, OK, OK)

    assert [post(poster, server.url).status for _ in range(3)] == [200, 200, 200]

    assert server.connections == 1


def test_a_connection_that_was_hung_up_is_replaced(poster: http.Poster, far_side: Farside) -> None:
    """The far side closed it while it was idle: no message is lost on it, and none counts as unknown."""
    server = far_side(OK)

    for times in (1, 2, 3):
        assert post(poster, server.url).status == 200
        eventually(lambda: server.hung_up == times, "it has hung up")  # noqa: B023  asked before the next turn

    assert (server.connections, len(server.requests)) == (3, 3)


def test_a_connection_is_left_when_the_far_side_says_so(poster: http.Poster, far_side: Farside) -> None:
    """`Connection: close` is heeded, even before it is closed."""
    server = far_side(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK)

    post(poster, server.url)
    post(poster, server.url)

    assert server.connections == 2


def test_requests_that_leave_together_wait_for_no_others_answer(hasty: http.Poster, far_side: Farside) -> None:
    """One far side answers, one hangs up, one is silent: each ends as it would by itself, the silent one last."""
    quick, gone, silent = far_side(OK, OK, OK), far_side(OK, b""), far_side(OK, b"", b"")
    for server in (silent, gone, quick):
        post(hasty, server.url)

    left = {exchange: server for server in (silent, gone, quick) if (exchange := leave(hasty, server.url))}
    ended = {left[exchange]: exchange for together in over(left) for exchange in together}

    assert set(ended) == {silent, gone, quick}
    assert list(ended)[-1] is silent
    assert hasty.answer(quick.url, "", ended[quick]).status == 200
    for server, why in ((gone, "without an answer"), (silent, "timed out")):
        with pytest.raises(OSError, match=why):
            hasty.answer(server.url, "", ended[server])
    assert post(hasty, quick.url).status == 200
    assert (quick.connections, len(quick.requests)) == (1, 3)


def test_without_a_kept_connection_nothing_leaves(poster: http.Poster, far_side: Farside) -> None:
    """Whoever needs a new one has to wait for it, and says so."""
    server = far_side(OK)

    assert leave(poster, server.url) is None

    assert server.connections == 0


def test_a_body_that_takes_many_parts_arrives_whole(far_side: Farside) -> None:
    """It is sent as the far side takes it."""
    server = far_side(OK)

    with contextlib.closing(http.Poster("http://127.0.0.1", Patience(connect=5, read=30), direct=True)) as patient:
        assert post(patient, server.url, b"{" + b"x" * 8_000_000 + b"}").status == 200

    assert len(server.requests[0].partition(b"\r\n\r\n")[2]) == 8_000_002


def test_a_request_says_what_it_must(poster: http.Poster, far_side: Farside) -> None:
    """Method, path as it is written on the wire, host with its port, length; credentials of the address."""
    server = far_side(OK)

    post(poster, f"http://user:p%40ss@127.0.0.1:{server.port}/a b?c=ü")

    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert (first, body) == ("POST /a%20b?c=%C3%BC HTTP/1.1", b"{}")
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-length"] == "2"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert re.match(r"alertrouter/\d", headers["user-agent"])


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ],
    ids=["chunked", "until it hangs up", "HTTP/1.0", "early hints", "continue"],
)
def test_answers_of_every_form_are_read(poster: http.Poster, far_side: Farside, answer: bytes) -> None:
    """However its end is told, the answer is whole."""
    found = post(poster, far_side(answer).url)

    assert (found.status, found.body) == (200, b"ok")
    assert "link" not in found.headers


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
    ],
    ids=["cut off", "broken chunk"],
)
def test_a_broken_body_takes_nothing_from_the_status(poster: http.Poster, far_side: Farside, answer: bytes) -> None:
    """The status that came before it says how the request ended."""
    found = post(poster, far_side(answer).url)

    assert (found.status, found.body) == (200, b"ok")


def test_a_long_body_is_cut(poster: http.Poster, far_side: Farside) -> None:
    """Nobody fills our memory; the connection with the rest is not used again."""
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 500_000
    server = far_side(long)

    found = post(poster, server.url)

    assert len(found.body) == MAX_ANSWER


def test_who_sends_on_and_on_holds_nobody_up(poster: http.Poster) -> None:
    """The status counts, and what follows without ever becoming a body is read no further."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sending = threading.Thread(target=_send_on_and_on, args=(server,))
        sending.start()
        answer = post(poster, f"http://127.0.0.1:{server.getsockname()[1]}/hook")
        sending.join(30)

    assert (answer.status, answer.body, sending.is_alive()) == (200, b"", False)


def _send_on_and_on(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
        while True:
            connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nX: y",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 12_000 + OK,
    ],
    ids=["nothing", "half a status", "half a head", "another protocol", "a head without end", "but announcements"],
)
def test_no_answer_is_unknown(poster: http.Poster, far_side: Farside, answer: bytes) -> None:
    """The request left, so the far side may have it."""
    with pytest.raises(UnknownOutcome, match="no answer after the request was sent"):
        post(poster, far_side(answer).url)


def test_silence_is_unknown_in_time(hasty: http.Poster) -> None:
    """Whoever takes the request and says nothing is waited for as long as our patience lasts."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server, pytest.raises(UnknownOutcome):
        post(hasty, f"http://127.0.0.1:{server.getsockname()[1]}/hook")


def test_who_answers_before_the_end_is_heard(poster: http.Poster, far_side: Farside) -> None:
    """A body that is too long for the far side: it says so, hangs up, and its answer counts."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    server = far_side(refusal, reads=False)

    with pytest.raises((PermanentFailure, UnknownOutcome)):  # a reset on the way may swallow the answer: then unknown
        post(poster, server.url, b"x" * 4_000_000)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "tökén"])
def test_a_header_that_can_not_be_written_is_for_good(poster: http.Poster, far_side: Farside, token: str) -> None:
    """Nobody smuggles a header in by a token, and nothing leaves."""
    server = far_side(OK)

    with pytest.raises(PermanentFailure, match="no request can be made") as failure:
        post(poster, server.url, token=token)

    assert server.connections == 0
    assert "Evil" not in str(failure.value)


def test_certificates_are_checked(far_side: Farside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for, or of another name, gets no message; SSL_CERT_FILE can vouch."""
    certificate, context = certificates.make(tmp_path)
    server = far_side(OK, context=context)
    url = f"https://localhost:{server.port}/hook"

    def sent(address: str, to: str = url) -> int:
        through = http.Poster(to, PATIENT, direct=True)
        with contextlib.closing(through):
            return http.post(through, to, b"{" + b"x" * 2_000_000 + b"}", who="hook", address=address).status

    with pytest.raises(TemporaryFailure, match="certificate verify failed"):
        sent("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert sent("127.0.0.1") == 200
    with pytest.raises(TemporaryFailure, match="certificate verify failed"):
        sent("127.0.0.1", url.replace("localhost", "hooks.example.org"))
    assert len(server.requests) == 1


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what lies outside; a poster that must go directly doesn't."""
    with HttpStandIn() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        url = "http://hooks.invalid/services/x"
        by_proxy, direct = http.Poster(url, PATIENT), http.Poster(url, PATIENT, direct=True)

        assert post(by_proxy, url).status == 200
        with pytest.raises(TemporaryFailure, match="no connection"):
            post(direct, url)

        by_proxy.close()
        direct.close()
    assert [request.path for request in proxy.received] == [url]

"""Hostile bodies against the running door: it never breaks, and a bad alert never costs its neighbours."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.test_hostile_bodies import BAD, json_values
from tests.web.door import KEYS, Door

ADDRESSES = ["/api/v1/alertmanager", "/api/v1/grafana", "/api/v1/alerts", "/api/v2/alerts"]
ALERTMANAGERS = "/api/v2/alerts"
EXPECTED = {200, 400, 413, 422}
FAULTY = {400, 422}
"""What Alertmanager's own address says to a body with a fault in it, also when the rest of it was taken."""
GOOD = b'{"labels": {"alertname": "Good"}}'

MANY_TIMES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blank": b" \n\t ",
    "a byte order mark": b"\xef\xbb\xbf[]",
    "UTF-16": '[{"labels": {"a": "b"}}]'.encode("utf-16"),
    "zeros": b"\x00" * 1000,
    "deep arrays": b"[" * 1_000_000,
    "deep objects": b'{"alerts":' * 200_000,
    "an endless string": b'{"alerts": [{"labels": {"a": "' + b"x" * 1_000_000,
    "escaped quotes": b'{"alerts": [{"' + b'\\"' * 500_000,
    "commas": b"[" + b"," * 500_000 + b"]",
    "NaN": b"NaN",
    "a huge number": b"1" * 1_000_000,
    "an exponent": b"1e999999999",
    "alerts given twice": b'{"alerts": [], "alerts": 1}',
    "a label given a million times": b'{"alerts": [{"labels": {' + b'"a": "b",' * 500_000 + b'"a": "c"}}]}',
    "HTML": b"<html></html>",
    "a form": b"alerts=1&labels=2",
    "gzip": gzip.compress(b'{"alerts": [{"labels": {"a": "b"}}]}'),
    "20 MB": b'{"alerts": [{"labels": {"a": "' + b"x" * 20_000_000 + b'"}}]}',
}


def alive(door: Door) -> bool:
    """Tell whether the door still takes a good alert in."""
    answer = door.post("/api/v1/alertmanager", b'{"alerts": [' + GOOD + b"]}")
    return answer.status_code == 200 and door.journalled(answer.json()["id"]) == [{"alertname": "Good"}]


def in_chunks(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body into pieces, to be sent without its length."""
    return (body[at : at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_hostile_body_is_refused_and_the_door_stays_open(door: Door, path: str, chunked: bool, body: bytes) -> None:
    """The answer is the sender's fault in words; nothing is journalled but what could be read."""
    answer = door.post(path, in_chunks(body, 50_000) if chunked else body)

    assert answer.status_code in EXPECTED
    assert answer.status_code == 200 or path == ALERTMANAGERS or answer.json()["error"]
    assert alive(door)


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_alert_never_costs_its_neighbours(door: Door, path: str, bad: bytes) -> None:
    """Both neighbours are in the journal, the bad one is kept with its reason."""
    alerts = b"[" + GOOD + b"," + bad + b"," + GOOD.replace(b"Good", b"Better") + b"]"
    body = alerts if path.endswith("v2/alerts") else b'{"alerts": ' + alerts + b"}"

    answer = door.post(path, body)

    assert answer.status_code in (FAULTY if path == ALERTMANAGERS else {200})
    assert door.journalled(answer.headers["X-Request-Id"]) == [{"alertname": "Good"}, {"alertname": "Better"}]
    assert door.redis.xlen(KEYS.set_aside) == 1
    assert path == ALERTMANAGERS or answer.json()["set_aside"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "\u00ff/\u00ff"},
        {"Content-Encoding": "gzip"},
        {"Accept": "image/png"},
        {"Authorization": "Bearer \u00ff\u00ff"},
        {"X-Request-Id": "\u00ff" * 100},
        {"X-Forwarded-For": "not an address"},
    ],
    ids=lambda headers: next(iter(headers)),
)
@pytest.mark.parametrize("path", ADDRESSES)
def test_strange_headers_change_nothing(door: Door, path: str, headers: dict[str, str]) -> None:
    """The body alone counts; Alertmanager's own address, as there, takes JSON that says that it is some."""
    body = b"[" + GOOD + b"]" if path.endswith("v2/alerts") else b'{"alerts": [' + GOOD + b"]}"
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = door.http.post(path, content=body, headers=raw)

    if path == ALERTMANAGERS and not headers.get("Content-Type", "application/json").startswith("application/json"):
        assert answer.status_code == 415
        return
    assert answer.status_code == 200
    assert door.journalled(answer.json()["id"]) == [{"alertname": "Good"}]


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"POST /api/v1/alertmanager HTTP/1.1\r\nHo",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["short", "negative", "astronomic", "bad chunk", "short chunk", "half a head", "TLS"],
)
def test_a_request_that_breaks_off_harms_nobody(door: Door, sent: bytes) -> None:
    """Whatever a connection ends with, nothing of it is journalled, and no answer blames the door."""
    with socket.create_connection(("127.0.0.1", door.port)) as sender:
        sender.sendall(sent)
        sender.shutdown(socket.SHUT_WR)
        answer = sender.recv(1000)

    assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    assert door.redis.xlen(KEYS.journal) == 0
    assert alive(door)


@MANY_TIMES
@given(value=json_values, path=st.sampled_from(ADDRESSES))
def test_any_json_is_taken_or_refused(door: Door, value: object, path: str) -> None:
    """Never a 500, whatever it is."""
    assert door.post(path, json.dumps(value).encode()).status_code in EXPECTED


@MANY_TIMES
@given(body=st.binary(max_size=500), path=st.sampled_from(ADDRESSES))
def test_any_bytes_are_taken_or_refused(door: Door, body: bytes, path: str) -> None:
    """Also what is no JSON at all."""
    assert door.post(path, body).status_code in EXPECTED


@MANY_TIMES
@given(value=json_values, path=st.sampled_from(ADDRESSES))
def test_a_good_alert_passes_beside_any_other(door: Door, value: object, path: str) -> None:
    """It is in the journal when the answer comes."""
    alerts = b"[" + json.dumps(value).encode() + b"," + GOOD + b"]"

    answer = door.post(path, alerts if path.endswith("v2/alerts") else b'{"alerts": ' + alerts + b"}")

    assert answer.status_code in ({200} | FAULTY if path == ALERTMANAGERS else {200})
    assert {"alertname": "Good"} in door.journalled(answer.headers["X-Request-Id"])

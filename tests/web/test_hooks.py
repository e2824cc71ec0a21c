"""Alerts come in over HTTP: what is answered, and that 200 means the journal has it."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.servers import RedisServer
from tests.waiting import eventually
from tests.web.door import KEYS, Door, running_door

PAYLOADS = Path(__file__).parents[1] / "sources" / "payloads"
ADDRESSES = ["/api/v1/alertmanager", "/api/v1/grafana", "/api/v1/alerts", "/api/v2/alerts"]
ONE = b'{"alerts": [{"labels": {"alertname": "One"}}]}'


@pytest.mark.parametrize(
    ("path", "payload", "alerts"),
    [
        ("/api/v1/alertmanager", "alertmanager_firing.json", 2),
        ("/api/v1/alertmanager", "alertmanager_partly_resolved.json", 2),
        ("/api/v1/grafana", "grafana_firing.json", 2),
        ("/api/v2/alerts", "prometheus_firing.json", 1),
        ("/api/v1/alerts", "alertmanager_firing.json", 2),
    ],
)
def test_an_accepted_body_is_in_the_journal(door: Door, path: str, payload: str, alerts: int) -> None:
    """What real senders were recorded to post is there when 200 is, under the id of the answer."""
    answer = door.post(path, (PAYLOADS / payload).read_bytes())

    assert answer.status_code == 200
    key = answer.json()["id"]
    assert answer.json() == {"id": key, "accepted": alerts}
    assert answer.headers["X-Request-Id"] == key
    assert len(door.journalled(key)) == alerts


def test_a_curl_line_without_a_content_type_is_enough(door: Door) -> None:
    """By itself curl says that it posts a form."""
    answer = door.post(
        "/api/v1/alerts", b'{"alertname": "FirstAlert"}', Content_Type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 200
    assert door.journalled(answer.json()["id"]) == [{"alertname": "FirstAlert"}]


def test_one_bad_alert_is_set_aside_and_shown_while_the_others_pass(door: Door) -> None:
    """The sender is told, the operator finds it in the store and in the numbers."""
    body = b'{"alerts": [{"labels": {"alertname": "One"}}, {"labels": []}, {"labels": {"alertname": "Two"}}]}'

    answer = door.post("/api/v1/alertmanager", body)

    told = answer.json()
    fault = "alerts[1].labels: expected object, got array"
    assert (answer.status_code, told["accepted"], told["set_aside"], told["faults"]) == (200, 2, 1, [fault])
    assert door.journalled(told["id"]) == [{"alertname": "One"}, {"alertname": "Two"}]
    ((_, kept),) = door.entries(KEYS.set_aside)
    assert kept == {b"reason": fault.encode(), b"raw": b'{"labels": []}'}
    assert 'alertrouter_alerts_set_aside_total{source="alertmanager"} 1.0' in door.http.get("/metrics").text


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_prometheus_address_answers_an_empty_body_as_alertmanager_does(door: Door, body: bytes) -> None:
    """A proxy that loses bodies is told apart from a sender with bad JSON."""
    answer = door.post("/api/v2/alerts", body)

    assert (answer.status_code, answer.json()) == (422, {"code": 602, "message": "alerts in body is required"})


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_body_that_cannot_be_read_is_answered_400_with_its_first_fault(door: Door, path: str) -> None:
    """Nothing of it reaches the journal."""
    answer = door.post(path, b'{"alerts": oops}')

    assert answer.status_code == 400
    told = answer.json()
    fault = told if path == "/api/v2/alerts" else told["error"]
    assert fault in ("$: not JSON (line 1, column 12)", "$: expected array, got object")
    assert door.redis.xlen(KEYS.journal) == 0


def test_ten_thousand_alerts_come_in_as_one_event_and_more_as_several(door: Door) -> None:
    """However large a group is, it is taken; the key of each further event continues that of the first."""
    body = json.dumps([{"labels": {"alertname": "Down", "instance": str(n)}} for n in range(10_001)]).encode()

    answer = door.post("/api/v2/alerts", body)

    assert answer.status_code == 200
    assert len(door.journalled(answer.json()["id"])) == 10_001
    assert door.redis.xlen(KEYS.journal) == 2


@pytest.mark.parametrize("body", [b"[]", b"null", b" null\n"])
def test_prometheus_may_post_nothing(door: Door, body: bytes) -> None:
    """An empty list, which Go writes as `null` too, is fine and writes nothing, as at Alertmanager."""
    answer = door.post("/api/v2/alerts", body)

    assert answer.status_code == 200
    assert door.redis.xlen(KEYS.journal) == 0


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", True),
        ("x", False),
        ("a" * 65, False),
        ('"><script>alert(1)', False),
        ("id with spaces", False),
    ],
)
def test_a_sane_request_id_is_taken_over(door: Door, given: str, taken: bool) -> None:
    """It goes through log and journal, so it must look like an id."""
    answer = door.post("/api/v1/alertmanager", ONE, X_Request_Id=given)

    assert (answer.json()["id"] == given) is taken
    assert answer.headers["X-Request-Id"] == answer.json()["id"]
    assert door.journalled(answer.json()["id"]) == [{"alertname": "One"}]


def test_many_posts_at_once_are_all_journalled(door: Door) -> None:
    """Requests that share a round trip to the store lose nothing to each other."""

    def post(number: int) -> int:
        return door.post("/api/v1/alerts", f'{{"alertname": "A{number}"}}'.encode()).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(post, range(200)))

    assert answers == [200] * 200
    assert door.redis.xlen(KEYS.journal) == 200


@pytest.mark.parametrize("path", ADDRESSES)
def test_other_methods_are_refused(door: Door, path: str) -> None:
    """These addresses only take in; Alertmanager's own also shows what fires."""
    assert door.http.get(path).status_code == (200 if path == "/api/v2/alerts" else 405)
    assert door.http.put(path).status_code == 405


@pytest.fixture(scope="module")
def guarded(emptied_redis: str) -> Iterator[Door]:
    """A door that wants credentials and takes small bodies only."""
    settings = {
        "ALERTROUTER_INGEST_TOKENS": "old-token,new-token",
        "ALERTROUTER_INGEST_USERS": "prometheus:pass-word",
        "ALERTROUTER_MAX_BODY": "2000",
    }
    with running_door(emptied_redis, settings) as door:
        yield door


@pytest.mark.parametrize("path", ADDRESSES)
def test_without_credentials_the_answer_is_401_and_says_what_is_missing(guarded: Door, path: str) -> None:
    """Both ways in are named, and nothing is read."""
    answer = guarded.post(path, b"[" * 5_000)

    assert answer.status_code == 401
    assert answer.headers.get_list("WWW-Authenticate") == [
        'Basic realm="alertrouter", charset="UTF-8"',
        'Bearer realm="alertrouter"',
    ]


def test_each_credential_opens_the_guarded_door(guarded: Door) -> None:
    """Both tokens during a rotation, and the user with its password."""
    tokens = [
        guarded.post("/api/v1/alertmanager", ONE, Authorization=f"Bearer {name}-token") for name in ("old", "new")
    ]
    user = guarded.http.post("/api/v1/alertmanager", content=ONE, auth=("prometheus", "pass-word"))
    wrong = guarded.http.post("/api/v1/alertmanager", content=ONE, auth=("prometheus", "pass-wort"))

    assert [answer.status_code for answer in (*tokens, user, wrong)] == [200, 200, 200, 401]


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(2000, 200), (2001, 413), (3_000_000, 413)])
def test_a_body_beyond_the_limit_is_answered_413(guarded: Door, chunked: bool, size: int, status: int) -> None:
    """However it is sent, and however much of it there is; a byte less is taken."""
    body = ONE + b" " * (size - len(ONE))
    pieces = (body[at : at + 1000] for at in range(0, size, 1000))

    answer = guarded.post("/api/v1/alertmanager", pieces if chunked else body, Authorization="Bearer new-token")

    assert answer.status_code == status


def test_over_its_backlog_the_door_asks_to_try_again(door: Door, emptied_redis: str) -> None:
    """503 with Retry-After, never 429, which Alertmanager would not try again."""
    with running_door(emptied_redis, {"ALERTROUTER_MAX_BACKLOG": "3"}) as narrow:
        answers = [narrow.post("/api/v1/alertmanager", ONE) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [503] * 3
    assert answers[-1].headers["Retry-After"] == "5"
    assert "journal entries wait" in answers[-1].json()["error"]
    assert door.redis.xlen(KEYS.journal) == 3


def test_without_its_store_the_door_asks_to_try_again_and_recovers(own_redis: RedisServer) -> None:
    """Whoever tries again loses nothing; the process itself stays healthy and says why it is not ready."""
    with running_door(own_redis.url) as door:
        assert door.post("/api/v1/alertmanager", ONE).status_code == 200

        own_redis.kill()
        refused = door.post("/api/v1/alertmanager", ONE)
        page, ready, healthy = (door.http.get(path) for path in ("/", "/-/ready", "/-/healthy"))
        incidents, metrics = door.http.get("/api/v1/incidents"), door.http.get("/metrics")

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert (page.status_code, ready.status_code, healthy.status_code) == (503, 503, 200)
        assert "Redis does not answer" in page.text
        assert ready.text.startswith("not ready: Redis does not answer")
        assert (incidents.status_code, incidents.headers["Retry-After"]) == (503, "5")
        assert "alertrouter_store_up 0.0" in metrics.text

        own_redis.start()
        eventually(lambda: door.post("/api/v1/alertmanager", ONE).status_code == 200, "alerts are taken in again")


def test_a_request_under_way_is_finished_after_sigterm(emptied_redis: str) -> None:
    """The door stops listening, takes in what it has begun to read, and ends."""
    with running_door(emptied_redis) as door, socket.create_connection(("127.0.0.1", door.port)) as sender:
        head = f"POST /api/v1/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: {len(ONE)}\r\n\r\n"
        sender.sendall(head.encode() + ONE[:10])
        door.http.get("/-/healthy")

        door.process.send_signal(signal.SIGTERM)
        eventually(lambda: _refused(door), "nobody listens any more")
        sender.sendall(ONE[10:])

        assert sender.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert door.process.wait(timeout=20) in (0, -signal.SIGTERM)


def _refused(door: Door) -> bool:
    try:
        with httpx2.Client() as fresh:
            fresh.get(f"http://127.0.0.1:{door.port}/-/healthy")
    except httpx2.TransportError:
        return True
    return False

"""Who may act through the API when there are no tokens, and how much may be said."""

from __future__ import annotations

import pytest

from tests.web.door import Door, running_door
from tests.web.kept import keep_incident


def test_a_large_body_is_refused_before_anybody_asks_who_sends_it(door: Door) -> None:
    """However it is sent; a body that is no JSON is told so."""
    keep_incident(door, 1)

    whole = door.post("/api/v1/incidents/INC-1/note", b"x" * 100_000)
    in_chunks = door.post("/api/v1/incidents/INC-1/note", (b"x" * 10_000 for _ in range(10)))
    broken = door.post("/api/v1/incidents/INC-1/note", b"\xff{")

    assert [one.status_code for one in (whole, in_chunks, broken)] == [413, 413, 400]
    assert whole.json() == {"error": "body too large, expected at most 65536 bytes"}
    assert door.entries("ar:journal") == []


def test_without_tokens_this_machine_may_act(emptied_redis: str) -> None:
    """As nobody in particular. No router is there: it is written down, and the answer says that."""
    with running_door(emptied_redis) as door:
        keep_incident(door, 1)

        answer = door.http.post("/api/v1/incidents/INC-1/ack")

        assert (answer.status_code, answer.json()["incident"]) == (202, "INC-1")
        assert "no router has answered yet" in answer.json()["text"]
        assert b"anonymous (api)" in door.entries("ar:journal")[-1][1][b"e"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "alerts.example.com"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
    ],
    ids=str,
)
def test_without_tokens_nobody_else_may_act(door: Door, headers: dict[str, str]) -> None:
    """No page of another site in this machine's browser, no name that was bent to point here, nobody behind a proxy."""
    keep_incident(door, 1)

    answer = door.http.post("/api/v1/incidents/INC-1/ack", headers=headers)

    assert answer.status_code == 403
    assert "ALERTROUTER_API_TOKENS" in answer.json()["error"]
    assert door.entries("ar:journal") == []


def test_without_tokens_a_door_for_everybody_takes_no_actions(emptied_redis: str) -> None:
    """Reading stays open, as the pages are."""
    with running_door(emptied_redis, host="0.0.0.0") as door:
        keep_incident(door, 1)

        read = door.http.get("/api/v1/incidents/INC-1")
        write = door.http.post("/api/v1/incidents/INC-1/ack")

    assert (read.status_code, write.status_code) == (200, 403)

"""Alertmanager's API beyond what its own tests ask: who may use it, what it refuses, and what it says meanwhile."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.waiting import eventually
from tests.web.door import Door
from tests.web.routed import TOKENS, fire, routed_door

SILENCE = {
    "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": False}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2100-01-01T00:00:00Z",
    "createdBy": "sam",
    "comment": "new disk",
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door that wants tokens, with a router behind it."""
    with routed_door(tmp_path_factory.mktemp("guarded"), {"ALERTROUTER_API_TOKENS": TOKENS}) as running:
        yield running


def ask(door: Door, token: str, **changed: object) -> httpx2.Response:
    """Ask for a silence."""
    body = json.dumps({**SILENCE, **changed}).encode()
    return door.post("/api/v2/silences", body, Authorization=token)


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("Bearer lena-token", 200),
        ("Basic " + base64.b64encode(b"anybody:lena-token").decode(), 200),
        ("Bearer reading-token", 403),
        ("Bearer wrong", 401),
        ("Basic " + base64.b64encode(b"lena-token:wrong").decode(), 401),
        ("Basic !", 401),
        ("", 401),
    ],
)
def test_a_silence_takes_a_token_that_may_write(door: Door, token: str, status: int) -> None:
    """As a bearer, or as the password that Grafana and amtool can send."""
    assert ask(door, token).status_code == status


@pytest.mark.parametrize("path", ["alerts", "alerts/groups", "silences", "receivers", "status"])
def test_reading_takes_a_token_too(door: Door, path: str) -> None:
    """One that may read is enough."""
    read = door.http.get(f"/api/v2/{path}", headers={"Authorization": "Bearer reading-token"})
    refused = door.http.get(f"/api/v2/{path}", headers={"Authorization": ""})

    assert (read.status_code, refused.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"matchers": []}, 422, "at least 1 items"),
        ({"matchers": [{"name": "a", "value": "b"}]}, 422, "matchers.0.isRegex in body is required"),
        ({"matchers": "all"}, 400, "parsing silence body failed"),
        ({"endsAt": "tomorrow"}, 400, "parsing silence body failed"),
        ({"comment": None}, 422, "comment in body is required"),
        ({"matchers": None}, 422, "matchers in body is required"),
        ({"matchers": [None]}, 400, "parsing silence body failed"),
        ({"matchers": [{"name": "a", "value": None, "isRegex": False}]}, 422, "matchers.0.value in body is required"),
        ({"matchers": [{"name": "", "value": "b", "isRegex": False}]}, 400, "invalid label name"),
        ({"endsAt": "9999-12-31T23:59:59-05:00"}, 400, "endsAt: time out of range"),
        ({"startsAt": "0001-01-01T00:00:00+05:00"}, 400, "startsAt: time out of range"),
        ({"comment": "x" * 5000}, 400, "at most"),
        ({"id": "nobody's"}, 404, "there is no silence"),
        ({"comment": "x" * 70_000}, 413, "too large"),
    ],
)
def test_what_can_be_no_silence_is_refused_in_words(
    door: Door, changed: dict[str, object], status: int, words: str
) -> None:
    """With the status that Alertmanager gives it, as far as it has one."""
    answer = ask(door, "Bearer lena-token", **changed)

    assert answer.status_code == status
    assert words in answer.text


def test_what_alertmanager_takes_for_said_is_taken(door: Door) -> None:
    """A time without an offset is in UTC, `isEqual: null` is as good as absent, and a media type has no case."""
    matcher = {"name": "alertname", "value": "Loose", "isRegex": False, "isEqual": None}
    body = json.dumps({**SILENCE, "matchers": [matcher], "endsAt": "2100-01-01T00:00:00"}).encode()

    asked = door.post("/api/v2/silences", body, Authorization="Bearer lena-token", content_type="Application/JSON")

    assert asked.status_code == 200, asked.text
    kept = door.http.get(f"/api/v2/silence/{asked.json()['silenceID']}").json()
    assert kept["endsAt"] == "2100-01-01T00:00:00Z"
    assert kept["matchers"] == [{**matcher, "isEqual": True}]


def test_a_silence_shows_everywhere_who_wants_it_and_until_when(door: Door) -> None:
    """Given an incident, when it is silenced, then its own API and its page say by whom, why and until when."""
    incident = fire(door, "Loud", node="n7")
    matchers = [{"name": "node", "value": "n[78]", "isRegex": True}]

    silence = ask(door, "Bearer lena-token", matchers=matchers).json()["silenceID"]

    account = f"silenced by S-{silence[:8]} until 2100-01-01 00:00 UTC (sam: new disk)"
    shown = eventually(lambda: _silenced(door, incident), "the incident says that it is silenced")
    assert shown["silenced"] == shown["muted"] == account
    assert account in door.http.get(f"/incidents/{incident}").text
    lines = door.http.get(f"/api/v1/incidents/{incident}/timeline").json()
    assert [one["transition"] for one in lines].count("MUTE") == 1


def _silenced(door: Door, incident: str) -> dict[str, object]:
    """The incident, once it is silenced."""
    shown: dict[str, object] = door.http.get(f"/api/v1/incidents/{incident}").json()
    return shown if shown["silenced"] else {}


def test_only_uuids_name_silences(door: Door) -> None:
    """Anything else is refused, as in Alertmanager."""
    unknown = "11111111-1111-4111-8111-111111111111"

    assert door.http.delete("/api/v2/silence/nope").status_code == 422
    assert door.http.delete(f"/api/v2/silence/{unknown}").status_code == 404
    assert door.http.get(f"/api/v2/silence/{unknown}").status_code == 404
    assert door.http.get("/api/v2/alerts", params={"filter": ["a=b"] * 60}).status_code == 400
    assert door.http.get("/api/v2/alerts", params={"receiver": "("}).status_code == 400

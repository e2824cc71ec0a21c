"""Acting on incidents through the API: a real door, a real router behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.servers import RedisServer
from tests.web.door import Door, running_door
from tests.web.routed import TOKENS, fire, routed_door


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door with tokens, and a router behind it."""
    with routed_door(tmp_path_factory.mktemp("routed"), {"ALERTROUTER_API_TOKENS": TOKENS}) as door:
        yield door


def act(door: Door, incident: str, action: str, body: object = None, **headers: str) -> httpx2.Response:
    """Post an action."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.http.post(f"/api/v1/incidents/{incident}/{action}", json=body, headers=named)


def shown(door: Door, incident: str) -> dict[str, Any]:
    """What the API says of an incident."""
    found: dict[str, Any] = door.http.get(f"/api/v1/incidents/{incident}").json()
    return found


def story(door: Door, incident: str) -> list[str]:
    """The transitions that have happened, and the remarks."""
    lines = door.http.get(f"/api/v1/incidents/{incident}/timeline").json()
    return [line["transition"] or line["text"] for line in lines]


def test_who_acknowledges_is_who_the_token_names(routed: Door) -> None:
    """The answer says what happened; the incident, who has it until when, and that nothing climbs."""
    incident = fire(routed, "Acked")
    before = shown(routed, incident)

    answer = act(routed, incident, "ack")

    after = shown(routed, incident)
    assert (answer.status_code, answer.json()["transition"]) == (200, "ACK")
    assert answer.json()["text"].startswith(f"{incident} is acknowledged by lena (api) until ")
    assert (before["state"], before["escalation"]["level"], before["ack"]) == ("triggered", 1, None)
    assert before["escalation"]["next_at"] is not None
    assert (after["state"], after["ack"]["by"], after["ack"]["others"]) == ("acknowledged", "lena (api)", [])
    assert after["escalation"]["next_at"] is None
    assert after["version"] == answer.json()["version"] > before["version"]


def test_the_pages_show_who_has_it_and_how_far_it_has_climbed(routed: Door) -> None:
    """As the API says it, in words."""
    incident = fire(routed, "Paged")
    before = routed.http.get(f"/incidents/{incident}").text
    act(routed, incident, "snooze", {"for": "2h"})
    act(routed, incident, "ack")

    after = routed.http.get(f"/incidents/{incident}").text

    assert re.search(r"<dt>Escalation</dt>\s*<dd>page, level 1, the next at <time", before)
    assert "Taken by" not in before
    assert re.search(r"<dt>Taken by</dt>\s*<dd>lena \(api\) until <time", after)
    assert "taken by lena (api)" in routed.http.get("/live").text


def test_a_whole_shift_of_actions(routed: Door) -> None:
    """Each leaves its line in the story."""
    incident = fire(routed, "Shift")

    answers = [
        act(routed, incident, "snooze", {"for": "30m"}),
        act(routed, incident, "escalate"),
        act(routed, incident, "ack"),
        act(routed, incident, "extend", {"for": "2h"}),
        act(routed, incident, "note", {"text": "disk ordered"}),
        act(routed, incident, "unack"),
        act(routed, incident, "resolve", {"force": True}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 7
    found = story(routed, incident)
    assert [line for line in found if line.isupper()] == [
        *("NEW", "OPEN", "STEP", "SNOOZE", "WAKE", "STEP", "DONE", "ACK", "EXTEND", "UNACK", "STEP"),
        *("DONE", "CLOSE"),
    ]
    assert "lena (api): disk ordered" in found
    assert (shown(routed, incident)["state"], shown(routed, incident)["closed"]) == ("resolved", "lena (api)")


def test_what_the_engine_refuses_is_a_conflict(routed: Door) -> None:
    """In its words, and nothing changes."""
    incident = fire(routed, "Refused")
    act(routed, incident, "ack")
    version = shown(routed, incident)["version"]

    again = act(routed, incident, "ack")
    firing = act(routed, incident, "resolve")
    past = act(routed, incident, "snooze", {"until": "2020-01-01T00:00:00Z"})
    far = act(routed, incident, "snooze", {"until": "2999-01-01T00:00:00Z"})
    long = act(routed, incident, "snooze", {"for": "367d"})
    ages = act(routed, incident, "snooze", {"for": "999999d"})
    never = act(routed, incident, "extend", {"until": "0000-01-01T00:00:00Z"})

    assert [answer.status_code for answer in (again, firing, past, far, long, ages, never)] == [409] * 7
    assert "you have acknowledged" in again.json()["error"]
    assert "1 alert of" in firing.json()["error"]
    assert "in the past" in past.json()["error"]
    assert "farther than 366 days" in far.json()["error"]
    assert "longer than 366 days" in long.json()["error"]
    assert "too long" in ages.json()["error"]
    assert "no moment of this calendar" in never.json()["error"]
    assert shown(routed, incident)["version"] == version


def test_the_same_idempotency_key_is_the_same_request(routed: Door) -> None:
    """Sent again it changes nothing and is no conflict; for another incident or action it is another request."""
    incident, other = fire(routed, "Twice"), fire(routed, "Other")

    first = act(routed, incident, "note", {"text": "once"}, Idempotency_Key="k-1")
    second = act(routed, incident, "note", {"text": "once"}, Idempotency_Key="k-1")
    acked = act(routed, incident, "ack", Idempotency_Key="k-1")
    elsewhere = act(routed, other, "ack", Idempotency_Key="k-1")

    assert [one.status_code for one in (first, second, acked, elsewhere)] == [200] * 4
    assert story(routed, incident).count("lena (api): once") == 1
    assert (acked.json()["transition"], elsewhere.json()["incident"]) == ("ACK", other)


def test_a_request_sent_again_after_its_answer_was_forgotten_is_still_the_same(routed: Door) -> None:
    """The engine remembers the key as long as the incident matters."""
    incident = fire(routed, "Forgotten")
    act(routed, incident, "ack", Idempotency_Key="k-2")
    routed.redis.delete(*routed.redis.keys("ar:answer:*"))

    again = act(routed, incident, "ack", Idempotency_Key="k-2")

    assert again.status_code == 200
    assert again.json()["text"].startswith("done already: ")
    assert story(routed, incident).count("ACK") == 1


@pytest.mark.parametrize("action", ["ack", "unack", "resolve", "escalate"])
def test_an_incident_that_never_was_is_not_found(routed: Door, action: str) -> None:
    """Nothing is written down for it."""
    before = len(routed.entries("ar:journal"))

    answer = act(routed, "INC-99999", action)

    assert (answer.status_code, answer.json()) == (404, {"error": "there is no incident 'INC-99999'"})
    assert len(routed.entries("ar:journal")) == before


@pytest.mark.parametrize(
    ("token", "read", "write"),
    [
        ("", 401, 401),
        ("Bearer wrong", 401, 401),
        ("Basic lena-token", 401, 401),
        ("Bearer lena-toke", 401, 401),
        ("Bearer reading-token", 200, 403),
        ("Bearer lena-new-token", 200, 200),
    ],
)
def test_a_token_opens_what_its_scope_says(routed: Door, token: str, read: int, write: int) -> None:
    """A 401 says what is wanted; a token that may only read is told so."""
    incident = fire(routed, "Guarded")

    answers = [
        httpx2.request(
            method,
            f"http://127.0.0.1:{routed.port}/api/v1/incidents/{incident}{path}",
            headers={"Authorization": token} if token else {},
            json=body,
        )
        for method, path, body in (("GET", "", None), ("POST", "/note", {"text": "mine"}))
    ]

    assert [answer.status_code for answer in answers] == [read, write]
    challenges = [answer.headers.get("www-authenticate") for answer in answers if answer.status_code == 401]
    assert set(challenges) <= {'Bearer realm="alertrouter"'}
    assert None not in challenges


def test_the_fate_of_each_delivery_is_told(routed: Door) -> None:
    """Nobody delivers here, so they wait."""
    incident = fire(routed, "Told")

    told = routed.http.get(f"/api/v1/incidents/{incident}/deliveries").json()
    unknown = routed.http.get("/api/v1/incidents/INC-99999/deliveries")

    assert [(one["id"], one["destination"], one["state"], one["attempts"]) for one in told] == [
        (f"{incident}.1", "chat/inbox", "pending", 0)
    ]
    assert unknown.status_code == 404


def test_the_alerts_of_an_incident_are_shown_with_their_labels(routed: Door) -> None:
    """Also those that its group does not name."""
    incident = fire(routed, "Labelled", model="gpt-4")

    alerts = routed.http.get(f"/api/v1/incidents/{incident}/alerts").json()

    assert [(one["labels"]["model"], one["firing"], one["suppressed"]) for one in alerts] == [("gpt-4", True, "")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"match": 'model="m1"'}, {"Match1"}),
        ({"match": 'model=~"m[12]"'}, {"Match1", "Match2"}),
        ({"match": ['model=~"m.*"', 'model!="m1"']}, {"Match2"}),
        ({"match": 'model=~"m.*"', "severity": "warning"}, {"Match2"}),
        ({"match": 'model=~"m.*"', "severity": ["warning", "critical"], "state": "triggered"}, {"Match1", "Match2"}),
        ({"match": 'model=~"m.*"', "state": "resolved"}, set()),
    ],
)
def test_the_list_is_narrowed_by_the_labels_of_the_alerts(
    routed: Door, query: dict[str, str | list[str]], found: set[str]
) -> None:
    """All matchers must hold for one alert."""
    fire(routed, "Match1", model="m1")
    fire(routed, "Match2", model="m2", severity="warning")

    listed = routed.http.get("/api/v1/incidents", params=query).json()

    assert {one["group_labels"]["alertname"] for one in listed} == found


def test_a_matcher_that_cannot_be_read_is_refused(routed: Door) -> None:
    """With what is wrong with it."""
    answer = routed.http.get("/api/v1/incidents", params={"match": 'model=~"("'})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("match: ")


def test_the_list_comes_in_pages(routed: Door) -> None:
    """Each names the next; together they are the list, each incident once."""
    for number in range(5):
        fire(routed, f"Page{number}")
    whole = [one["id"] for one in routed.http.get("/api/v1/incidents").json()]

    pages: list[str] = []
    url = "/api/v1/incidents?limit=2"
    while url:
        page = routed.http.get(url)
        pages += [one["id"] for one in page.json()]
        assert len(page.json()) <= 2
        url = page.links.get("next", {}).get("url", "")

    assert len(whole) >= 5
    assert pages == whole


def test_without_redis_the_answer_says_that_trying_again_helps(tmp_path: Path) -> None:
    """Nothing was done."""
    server = RedisServer(tmp_path / "redis")
    with running_door(server.url) as door:
        server.close()

        answer = door.http.post("/api/v1/incidents/INC-1/ack")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

"""What is not Slack's, or is not as Slack writes it, against the running door: refused, and never a 500."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from alertrouter.web.slack_reply import Whisper
from alertrouter.web.slack_signature import SIGNATURE, TIMESTAMP
from tests.slack_requests import click, pressed, signed
from tests.sources.test_hostile_bodies import json_values
from tests.web.door import KEYS, Door
from tests.web.hearing import PREVIOUS

MANY_TIMES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_secret_before_is_taken_too(heard: Door) -> None:
    """So that it can be changed without a click being lost."""
    body = pressed("open_runbook", "")

    assert click(heard.http, body, signed(body, PREVIOUS)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {SIGNATURE: ""},
        {SIGNATURE: "v0="},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: "\u00ff" * 64},
        {TIMESTAMP: ""},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "-1"},
        {TIMESTAMP: "1e9"},
        {TIMESTAMP: "\u00b2" * 10},
        {TIMESTAMP: "9" * 12},
        {TIMESTAMP: "9" * 400},
    ],
    ids=repr,
)
def test_what_is_not_slacks_is_refused(heard: Door, change: dict[str, str]) -> None:
    """401, and nothing is taken down."""
    body = pressed("acknowledge", "INC-1:1")
    headers = [(name.encode(), value.encode("latin-1")) for name, value in (signed(body) | change).items()]

    answer = heard.http.post("/slack/interactivity", content=body, headers=headers)

    assert answer.status_code == 401
    assert heard.entries(KEYS.journal) == []


@pytest.mark.parametrize("age", [301, -301])
def test_an_old_request_is_refused_though_its_signature_is_right(heard: Door, age: float) -> None:
    """Somebody may have recorded it."""
    body = pressed("acknowledge", "INC-1:1")

    assert click(heard.http, body, signed(body, age=age)).status_code == 401


def test_a_signature_is_of_the_very_bytes(heard: Door) -> None:
    """One sign more, and it is another body."""
    body = pressed("acknowledge", "INC-1:1")

    assert click(heard.http, body + b"&", signed(body)).status_code == 401


def test_a_door_without_a_secret_is_closed(door: Door) -> None:
    """404 says what to set."""
    answer = click(door.http, pressed("acknowledge", "INC-1:1"))

    assert answer.status_code == 404
    assert "SLACK_SIGNING_SECRET" in answer.text


VALUES = some.sampled_from(["INC-1:1", "INC-1:1:2h", "INC-1:1:soon", "INC-1", ":", "", "x:99999999999999999999"])
PAYLOADS = some.fixed_dictionaries(
    {},
    optional={
        "type": some.sampled_from(["block_actions", "view_submission"]) | json_values,
        "user": json_values
        | some.fixed_dictionaries({"id": some.text() | json_values}, optional={"username": some.text() | json_values}),
        "response_url": some.sampled_from(["http://169.254.169.254/", "http://[", "file:///etc/passwd"]) | json_values,
        "actions": json_values
        | some.lists(
            some.fixed_dictionaries(
                {"action_id": some.sampled_from(["acknowledge", "snooze", "resolve", "escalate"]) | json_values},
                optional={
                    "value": VALUES | json_values,
                    "action_ts": some.text() | json_values,
                    "selected_option": json_values | some.fixed_dictionaries({"value": VALUES}),
                },
            ),
            max_size=3,
        ),
    },
)


@MANY_TIMES
@given(payload=PAYLOADS | json_values)
def test_any_payload_is_taken_or_refused(routed: Door, payload: object) -> None:
    """Rightly signed, and yet never a 500."""
    body = urlencode({"payload": json.dumps(payload)}).encode()

    assert click(routed.http, body).status_code in (200, 400)


@MANY_TIMES
@given(body=some.binary(max_size=500), path=some.sampled_from(["interactivity", "command"]))
def test_any_bytes_are_taken_or_refused(routed: Door, body: bytes, path: str) -> None:
    """Also what is no form at all."""
    answer = routed.http.post(f"/slack/{path}", content=body, headers=signed(body))

    assert answer.status_code in (200, 400)


HALVES = (
    b'{"type": "block_actions", "user": {"id": "\\ud800"}, '
    b'"actions": [{"action_id": "acknowledge", "action_ts": "\\udfff", "value": "INC-1:1"}]}'
)


@pytest.mark.parametrize(
    "payload",
    [b"[" * 900_000, HALVES, b'{"type": "block_actions", "user": ' * 20_000, b"\xff\xfe"],
    ids=["deep", "halves of signs", "deep user", "no UTF-8"],
)
def test_a_hostile_payload_is_refused(heard: Door, payload: bytes) -> None:
    """400, and the door goes on."""
    body = b"payload=" + payload

    assert click(heard.http, body).status_code == 400
    assert click(heard.http, pressed("open_runbook", "")).status_code == 200


def test_a_body_too_large_is_refused(heard: Door) -> None:
    """Slack's own are far smaller."""
    body = b"payload=" + b"x" * 2_000_000

    assert click(heard.http, body).status_code == 413


def test_nobody_but_slack_is_told_anything() -> None:
    """An address in a payload is no reason to call it."""
    whisper = Whisper("http://127.0.0.1:8080/api/")

    allowed = ["https://hooks.slack.com/actions/1", "https://hooks.slack-gov.com/x", "http://127.0.0.1:8080/x"]
    refused = [
        "http://hooks.slack.com/actions/1",
        "https://hooks.slack.com.evil.example/",
        "https://hooks.slack.com@evil.example/",
        "https://hooks.slack.com:8443/",
        "http://127.0.0.1:8081/x",
        "http://169.254.169.254/latest",
        "https://[",
        "https://hooks.slack.com:x/",
        "",
    ]
    assert [url for url in [*allowed, *refused] if whisper.may_go_to(url)] == allowed

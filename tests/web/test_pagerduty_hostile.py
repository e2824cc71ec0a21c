"""PagerDuty's door, closed to whoever has no secret: no signature, no body and no name breaks it."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from alertrouter.web.pagerduty import signed
from tests.sources.test_hostile_bodies import json_values
from tests.web.answering import answering, fire, journalled
from tests.web.door import Door
from tests.web.pagerduty_webhooks import (
    NEW_SECRET,
    PERSON,
    SECRET,
    happened,
    key_of,
    post,
    signature,
    taken_by_soon,
)

MANY_TIMES = settings_of(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_any_of_several_signatures_by_any_of_our_secrets_opens_the_door(pagerduty_door: Door) -> None:
    """While a secret is being changed PagerDuty signs with both, and so may either side be first."""
    incident = fire(pagerduty_door, "Rotated")
    raw = json.dumps(happened("incident.priority_updated", key_of(incident))).encode()
    bad = "v1=" + "0" * 64

    answers = [
        post(pagerduty_door, raw, *signatures).status_code
        for signatures in (
            (signature(raw, NEW_SECRET),),
            (bad, signature(raw)),
            (bad, " " + signature(raw, NEW_SECRET) + " ", bad),
            ("v0=abc", signature(raw), "v2=def"),
        )
    ]

    assert answers == [200] * 4


@pytest.mark.parametrize(
    "given",
    ["", "v1=", "v1", ",,,", "v1=" + "0" * 64, "v0={right}", "{right}x", "v1={upper}", "v1=\xff\xfe", "v1=" * 3000],
)
def test_a_signature_that_is_none_of_ours_is_401(pagerduty_door: Door, given: str) -> None:
    """Whatever stands there; nothing of the body is looked at."""
    incident = fire(pagerduty_door, "Unsigned")
    raw = json.dumps(happened("incident.acknowledged", key_of(incident))).encode()
    right = signature(raw).removeprefix("v1=")
    header = given.format(right=right, upper=right.upper()) if "{" in given else given
    length = journalled(pagerduty_door)

    answer = pagerduty_door.http.post(
        "/pagerduty/webhook", content=raw, headers={b"X-PagerDuty-Signature": header.encode("latin-1")}
    )

    assert answer.status_code == 401
    assert SECRET not in answer.text
    assert right not in answer.text
    assert journalled(pagerduty_door) == length


def test_a_body_that_was_changed_is_401(pagerduty_door: Door) -> None:
    """The signature is over every byte of it."""
    incident = fire(pagerduty_door, "Changed")
    raw = json.dumps(happened("incident.acknowledged", key_of(incident))).encode()

    assert post(pagerduty_door, raw + b" ", signature(raw)).status_code == 401
    assert post(pagerduty_door, raw.replace(b"Omar", b"Eve!"), signature(raw)).status_code == 401
    assert pagerduty_door.http.post("/pagerduty/webhook", content=raw).status_code == 401


def test_a_door_without_a_secret_is_closed(shared_door: Door) -> None:
    """An empty secret would open it to everybody."""
    raw = json.dumps(happened("incident.acknowledged", None)).encode()

    answer = post(shared_door, raw, signature(raw, ""))

    assert answer.status_code == 401
    assert "PAGERDUTY_WEBHOOK_SECRETS is not set" in answer.text


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"event=1",
    "a list": b"[]",
    "no event": b"{}",
    "null": b'{"event": null}',
    "no type": b'{"event": {"id": "1"}}',
    "no id": b'{"event": {"event_type": "incident.acknowledged"}}',
    "an empty id": b'{"event": {"id": "", "event_type": "incident.acknowledged"}}',
    "a number for a name": b'{"event": {"id": "1", "event_type": "x", "agent": {"summary": 7}}}',
    "no UTF-8": b'{"event": {"id": "\xff", "event_type": "x"}}',
    "a lone surrogate": b'{"event": {"id": "\\ud800", "event_type": "incident.acknowledged"}}',
    "deep": b'{"event":' * 50_000,
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_webhook_is_400(pagerduty_door: Door, raw: bytes) -> None:
    """Even when it is signed, and never 500."""
    answer = post(pagerduty_door, raw)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_webhook_that_is_too_large_is_413(pagerduty_door: Door) -> None:
    """Before its signature is counted out."""
    assert post(pagerduty_door, b" " * 600_000).status_code == 413


@MANY_TIMES
@given(body=json_values)
def test_no_signed_body_breaks_the_door(pagerduty_door: Door, body: object) -> None:
    """Whatever JSON it holds, as a whole or as an event."""
    for sent in (body, {"event": body}, happened("incident.acknowledged", None, agent=body)):
        assert post(pagerduty_door, json.dumps(sent).encode()).status_code in (200, 400)


@MANY_TIMES
@given(body=st.binary(max_size=200), header=st.text(max_size=200), secrets=st.lists(st.binary(max_size=20), max_size=3))
def test_no_header_is_a_signature_by_chance(body: bytes, header: str, secrets: list[bytes]) -> None:
    """And none breaks the check; the right one among others is always found."""
    right = [f"v1={hmac.new(secret, body, hashlib.sha256).hexdigest()}" for secret in secrets]

    assert not signed(body, [header], secrets) or any(one in header for one in right)
    assert all(signed(body, [header, f" v1=00 , {one},"], secrets) for one in right)


def test_a_hostile_name_stays_one_line(pagerduty_door: Door) -> None:
    """A name is text: cut, without line ends or control characters; a missing one is said to be."""
    incident = fire(pagerduty_door, "Hostile")
    post(
        pagerduty_door,
        happened("incident.acknowledged", key_of(incident), PERSON | {"summary": "Eve\n\x1b[31m" + "x" * 500}),
    )
    by = taken_by_soon(pagerduty_door, incident)
    other = fire(pagerduty_door, "Nameless")
    post(pagerduty_door, happened("incident.acknowledged", key_of(other), {"type": "user"}))

    assert by.startswith("Eve [31mxxx")
    assert by.isprintable()
    assert len(by) < 120
    assert taken_by_soon(pagerduty_door, other) == "somebody (pagerduty)"


def test_no_secret_stands_in_what_the_door_logs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the secret nor a signature, for what is taken and what is refused."""
    directory = tmp_path_factory.mktemp("logged")
    secrets: dict[str, str] = {"PAGERDUTY_WEBHOOK_SECRETS": SECRET, "ALERTROUTER_LOG_LEVEL": "debug"}
    with answering(directory, secrets) as door:
        raw = json.dumps(happened("incident.acknowledged", None)).encode()
        post(door, raw)
        post(door, raw, signature(raw, "wrong"))
        logged = (directory / "door.log").read_text(encoding="utf-8")

    assert "PagerDuty's webhook refused" in logged
    assert "PagerDuty's webhook" in logged
    assert SECRET not in logged
    assert signature(raw).removeprefix("v1=") not in logged

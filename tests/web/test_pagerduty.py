"""PagerDuty's webhooks: whoever acts there acts here, and what we did ourselves does not come back."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from typing import Final

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from msgspec.structs import replace

from alertrouter.incident import Incident
from alertrouter.notifiers.pagerduty import dedup_key
from alertrouter.render.samples import sample_notice
from alertrouter.web.pagerduty import signed
from tests.sources.test_hostile_bodies import json_values
from tests.waiting import eventually
from tests.web.answering import answering, end, fire, journalled, resolve, standing, story, taken_by
from tests.web.door import Door

SECRET: Final = "pd-webhook-secret"
NEW_SECRET: Final = "pd-webhook-secret-to-come"
PERSON: Final = {
    "id": "PLH1HKV",
    "type": "user_reference",
    "summary": "Omar Haddad",
    "html_url": "https://x.pagerduty.com",
}
OURSELVES: Final = {"id": "PF9KMXH", "type": "inbound_integration_reference", "summary": "alertrouter"}
MANY_TIMES = settings_of(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door that knows two secrets, with a router behind it."""
    secrets = {"PAGERDUTY_WEBHOOK_SECRETS": f"{SECRET}, {NEW_SECRET}"}
    with answering(tmp_path_factory.mktemp("answering"), secrets) as door:
        yield door


def key_of(incident: Incident, namespace: str = "ar") -> str:
    """The dedup key that our notifier gives PagerDuty."""
    notice = replace(sample_notice(), incident=incident.id, opened_at=incident.opened_at, destination="pager/pagerduty")
    return dedup_key(namespace, notice)


def happened(
    what: str, incident_key: str | None, agent: object = PERSON, **event: object
) -> dict[str, dict[str, object]]:
    """A webhook as PagerDuty's documentation shows it."""
    return {
        "event": {
            "id": f"01BWDWK3ZIVNLLA1IUPTC9{next(NUMBERS):04}",
            "event_type": what,
            "resource_type": "incident",
            "occurred_at": "2026-10-02T18:45:22.169Z",
            "agent": agent,
            "client": None,
            "data": {
                "id": "PGR0VU2",
                "type": "incident",
                "self": "https://api.pagerduty.com/incidents/PGR0VU2",
                "number": 2,
                "status": what.rpartition(".")[2],
                "incident_key": incident_key,
                "title": "A little bump in the road",
                "urgency": "high",
                "resolve_reason": None,
            },
            **event,
        }
    }


def signature(raw: bytes, secret: str = SECRET) -> str:
    """A signature as PagerDuty makes it."""
    return "v1=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def post(door: Door, body: object, *signatures: str, **headers: str) -> httpx2.Response:
    """Post a webhook, signed with the first secret unless signatures are given."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = ",".join(signatures) if signatures else signature(raw)
    return door.post("/pagerduty/webhook", raw, X_PagerDuty_Signature=given, **headers)


def test_who_acknowledges_in_pagerduty_has_the_incident_here(decided: Door) -> None:
    """By the name that PagerDuty shows; the ladder stands still."""
    incident = fire(decided, "Acked")

    answer = post(decided, happened("incident.acknowledged", key_of(incident)), X_Webhook_Id="w-acked")

    assert (answer.status_code, answer.json()) == (
        200,
        {"did": f"{incident.id}: incident.acknowledged, by Omar Haddad (pagerduty)"},
    )
    assert taken_by_soon(decided, incident) == "Omar Haddad (pagerduty)"
    assert "step" not in standing(decided, incident.id).timers


@pytest.mark.parametrize(
    "agent",
    [
        {"id": "PNINA01", "type": "user_reference", "summary": "Nina Petrova"},
        {"id": "PNEW001", "type": "user_reference", "summary": "Nina@Example.org"},
    ],
)
def test_a_person_of_the_policy_acts_by_their_own_name(decided: Door, agent: dict[str, str]) -> None:
    """Known by their id in PagerDuty, or by the address that it shows of a user who has given no name yet."""
    incident = fire(decided, f"Nina's {agent['id']}")

    post(decided, happened("incident.acknowledged", key_of(incident), agent))

    assert taken_by_soon(decided, incident) == "nina (pagerduty)"


def test_who_gives_it_back_in_pagerduty_gives_it_back_here(decided: Door) -> None:
    """Also by opening again what was resolved there."""
    for what in ("incident.unacknowledged", "incident.reopened"):
        incident = fire(decided, f"Back {what}")
        post(decided, happened("incident.acknowledged", key_of(incident)))
        taken_by_soon(decided, incident)

        answer = post(decided, happened(what, key_of(incident)))

        assert answer.status_code == 200
        told_soon(decided, incident, "UNACK given back by Omar Haddad (pagerduty)")
        assert taken_by(decided, incident.id) == ""


def test_who_resolves_it_there_while_its_source_fires_has_taken_it(decided: Door) -> None:
    """What fires is not over because somebody says so."""
    incident = fire(decided, "Closed there")

    answer = post(decided, happened("incident.resolved", key_of(incident)))

    assert answer.status_code == 200
    assert taken_by_soon(decided, incident) == "Omar Haddad (pagerduty)"
    assert standing(decided, incident.id).state == "acknowledged"


def test_who_resolves_it_there_when_nothing_fires_any_more_has_resolved_it(decided: Door) -> None:
    """It need not wait for its group interval."""
    incident = fire(decided, "Ended")
    end(decided, "Ended")

    answer = post(decided, happened("incident.resolved", key_of(incident)))

    assert answer.json() == {"did": f"{incident.id} is resolved"}
    assert standing(decided, incident.id).state == "resolved"
    assert standing(decided, incident.id).ack is None


@pytest.mark.parametrize("agent", [OURSELVES, {"type": "service_reference", "id": "PF9"}, None, {}], ids=str)
@pytest.mark.parametrize("what", ["incident.acknowledged", "incident.resolved", "incident.unacknowledged"])
def test_what_we_did_to_pagerduty_ourselves_does_not_come_back(decided: Door, agent: object, what: str) -> None:
    """Our own events and PagerDuty's timers are by no user: nothing goes into the journal."""
    incident = fire(decided, "Echo")
    length = journalled(decided)

    answer = post(decided, happened(what, key_of(incident), agent))

    assert (answer.status_code, answer.json()) == (
        200,
        {"did": "ignored: done by PagerDuty or by us, not by a person"},
    )
    assert journalled(decided) == length
    assert taken_by(decided, incident.id) == ""


def test_the_same_webhook_twice_counts_once(decided: Door) -> None:
    """PagerDuty sends at least once; neither a known webhook id nor a known event changes anything again."""
    incident = fire(decided, "Twice")
    first = happened("incident.acknowledged", key_of(incident))
    post(decided, first, X_Webhook_Id="w-twice")
    taken_by_soon(decided, incident)
    post(decided, happened("incident.unacknowledged", key_of(incident)), X_Webhook_Id="w-back")
    told_soon(decided, incident, "UNACK given back by Omar Haddad (pagerduty)")
    length = journalled(decided)

    replies = [
        post(decided, first, X_Webhook_Id="w-twice"),
        post(decided, first, X_Webhook_Id="w-by-somebody-who-replays"),
        post(decided, first),
        post(decided, happened("incident.acknowledged", key_of(incident)), X_Webhook_Id="w-twice"),
    ]

    assert [(reply.status_code, reply.json()["did"]) for reply in replies] == [(200, "ignored: seen before")] * 4
    assert journalled(decided) == length
    assert taken_by(decided, incident.id) == ""


def test_any_of_several_signatures_by_any_of_our_secrets_opens_the_door(decided: Door) -> None:
    """While a secret is being changed PagerDuty signs with both, and so may either side be first."""
    incident = fire(decided, "Rotated")
    raw = json.dumps(happened("incident.priority_updated", key_of(incident))).encode()
    bad = "v1=" + "0" * 64

    answers = [
        post(decided, raw, *signatures).status_code
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
def test_a_signature_that_is_none_of_ours_is_401(decided: Door, given: str) -> None:
    """Whatever stands there; nothing of the body is looked at."""
    incident = fire(decided, "Unsigned")
    raw = json.dumps(happened("incident.acknowledged", key_of(incident))).encode()
    right = signature(raw).removeprefix("v1=")
    header = given.format(right=right, upper=right.upper()) if "{" in given else given
    length = journalled(decided)

    answer = decided.http.post(
        "/pagerduty/webhook", content=raw, headers={b"X-PagerDuty-Signature": header.encode("latin-1")}
    )

    assert answer.status_code == 401
    assert SECRET not in answer.text
    assert right not in answer.text
    assert journalled(decided) == length


def test_a_body_that_was_changed_is_401(decided: Door) -> None:
    """The signature is over every byte of it."""
    incident = fire(decided, "Changed")
    raw = json.dumps(happened("incident.acknowledged", key_of(incident))).encode()

    assert post(decided, raw + b" ", signature(raw)).status_code == 401
    assert post(decided, raw.replace(b"Omar", b"Eve!"), signature(raw)).status_code == 401
    assert decided.http.post("/pagerduty/webhook", content=raw).status_code == 401


def test_a_door_without_a_secret_is_closed(shared_door: Door) -> None:
    """An empty secret would open it to everybody."""
    raw = json.dumps(happened("incident.acknowledged", None)).encode()

    answer = post(shared_door, raw, signature(raw, ""))

    assert answer.status_code == 401
    assert "PAGERDUTY_WEBHOOK_SECRETS is not set" in answer.text


def test_an_incident_that_is_none_of_ours_is_answered_200(decided: Door) -> None:
    """A refusal would make PagerDuty stop sending."""
    incident = fire(decided, "Ours")
    over = fire(decided, "Over before")
    resolve(decided, over.id)
    length = journalled(decided)
    keys = [
        None,
        "",
        "srv01/HTTP",
        key_of(incident, "other"),
        key_of(replace(incident, id="INC-99999")),
        key_of(replace(incident, opened_at=incident.opened_at.replace(year=2020))),
        key_of(over),
        "alertrouter/" + "0" * 64,
        f"alertrouter/ar/{incident.id}/٣/pager/pagerduty",
    ]

    answers = [post(decided, happened("incident.acknowledged", key)) for key in keys]

    assert [(one.status_code, one.json()["did"]) for one in answers] == [
        (200, "ignored: no open incident of ours")
    ] * len(keys)
    assert journalled(decided) == length


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": "pagey.ping", "data": {"message": "Hello from your friend Pagey!", "type": "ping"}},
        {"event_type": "incident.annotated", "data": {"type": "incident_note", "content": "looking"}},
        {"event_type": "incident.escalated"},
        {"event_type": "service.updated", "data": None},
    ],
    ids=lambda event: event["event_type"],
)
def test_what_changes_nothing_here_is_answered_200(decided: Door, event: dict[str, object]) -> None:
    """PagerDuty's test and whatever it may send one day."""
    answer = post(decided, happened("incident.acknowledged", None, **event))

    assert (answer.status_code, answer.json()["did"]) == (200, f"ignored: {event['event_type']} changes nothing here")


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
def test_a_malformed_webhook_is_400(decided: Door, raw: bytes) -> None:
    """Even when it is signed, and never 500."""
    answer = post(decided, raw)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_webhook_that_is_too_large_is_413(decided: Door) -> None:
    """Before its signature is counted out."""
    assert post(decided, b" " * 600_000).status_code == 413


@MANY_TIMES
@given(body=json_values)
def test_no_signed_body_breaks_the_door(decided: Door, body: object) -> None:
    """Whatever JSON it holds, as a whole or as an event."""
    for sent in (body, {"event": body}, happened("incident.acknowledged", None, agent=body)):
        assert post(decided, json.dumps(sent).encode()).status_code in (200, 400)


@MANY_TIMES
@given(body=st.binary(max_size=200), header=st.text(max_size=200), secrets=st.lists(st.binary(max_size=20), max_size=3))
def test_no_header_is_a_signature_by_chance(body: bytes, header: str, secrets: list[bytes]) -> None:
    """And none breaks the check; the right one among others is always found."""
    right = [f"v1={hmac.new(secret, body, hashlib.sha256).hexdigest()}" for secret in secrets]

    assert not signed(body, [header], secrets) or any(one in header for one in right)
    assert all(signed(body, [header, f" v1=00 , {one},"], secrets) for one in right)


def test_a_hostile_name_stays_one_line(decided: Door) -> None:
    """A name is text: cut, without line ends or control characters; a missing one is said to be."""
    incident = fire(decided, "Hostile")
    post(
        decided, happened("incident.acknowledged", key_of(incident), PERSON | {"summary": "Eve\n\x1b[31m" + "x" * 500})
    )
    by = taken_by_soon(decided, incident)
    other = fire(decided, "Nameless")
    post(decided, happened("incident.acknowledged", key_of(other), {"type": "user"}))

    assert by.startswith("Eve [31mxxx")
    assert by.isprintable()
    assert len(by) < 120
    assert taken_by_soon(decided, other) == "somebody (pagerduty)"


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


def taken_by_soon(door: Door, incident: Incident) -> str:
    """Who has an incident, as soon as somebody has it."""
    return eventually(lambda: taken_by(door, incident.id), f"somebody has {incident.id}")


def told_soon(door: Door, incident: Incident, line: str) -> None:
    """Wait for a line of an incident's story."""
    eventually(lambda: any(one.startswith(line) for one in story(door, incident.id)), line)

"""PagerDuty's webhooks: whoever acts there acts here, and what we did ourselves does not come back."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from alertrouter.incident import Incident
from tests.waiting import eventually
from tests.web.answering import end, fire, journalled, resolve, standing, story, taken_by
from tests.web.door import Door
from tests.web.pagerduty_webhooks import (
    happened,
    key_of,
    post,
    taken_by_soon,
)

OURSELVES: Final = {"id": "PF9KMXH", "type": "inbound_integration_reference", "summary": "alertrouter"}


def test_who_acknowledges_in_pagerduty_has_the_incident_here(pagerduty_door: Door) -> None:
    """By the name that PagerDuty shows; the ladder stands still."""
    incident = fire(pagerduty_door, "Acked")

    answer = post(pagerduty_door, happened("incident.acknowledged", key_of(incident)), X_Webhook_Id="w-acked")

    assert (answer.status_code, answer.json()) == (
        200,
        {"did": f"{incident.id}: incident.acknowledged, by Omar Haddad (pagerduty)"},
    )
    assert taken_by_soon(pagerduty_door, incident) == "Omar Haddad (pagerduty)"
    assert "step" not in standing(pagerduty_door, incident.id).timers


@pytest.mark.parametrize(
    "agent",
    [
        {"id": "PNINA01", "type": "user_reference", "summary": "Nina Petrova"},
        {"id": "PNEW001", "type": "user_reference", "summary": "Nina@Example.org"},
    ],
)
def test_a_person_of_the_policy_acts_by_their_own_name(pagerduty_door: Door, agent: dict[str, str]) -> None:
    """Known by their id in PagerDuty, or by the address that it shows of a user who has given no name yet."""
    incident = fire(pagerduty_door, f"Nina's {agent['id']}")

    post(pagerduty_door, happened("incident.acknowledged", key_of(incident), agent))

    assert taken_by_soon(pagerduty_door, incident) == "nina (pagerduty)"


def test_who_gives_it_back_in_pagerduty_gives_it_back_here(pagerduty_door: Door) -> None:
    """Also by opening again what was resolved there."""
    for what in ("incident.unacknowledged", "incident.reopened"):
        incident = fire(pagerduty_door, f"Back {what}")
        post(pagerduty_door, happened("incident.acknowledged", key_of(incident)))
        taken_by_soon(pagerduty_door, incident)

        answer = post(pagerduty_door, happened(what, key_of(incident)))

        assert answer.status_code == 200
        told_soon(pagerduty_door, incident, "UNACK given back by Omar Haddad (pagerduty)")
        assert taken_by(pagerduty_door, incident.id) == ""


def test_who_resolves_it_there_while_its_source_fires_has_taken_it(pagerduty_door: Door) -> None:
    """What fires is not over because somebody says so."""
    incident = fire(pagerduty_door, "Closed there")

    answer = post(pagerduty_door, happened("incident.resolved", key_of(incident)))

    assert answer.status_code == 200
    assert taken_by_soon(pagerduty_door, incident) == "Omar Haddad (pagerduty)"
    assert standing(pagerduty_door, incident.id).state == "acknowledged"


def test_who_resolves_it_there_when_nothing_fires_any_more_has_resolved_it(pagerduty_door: Door) -> None:
    """It need not wait for its group interval."""
    incident = fire(pagerduty_door, "Ended")
    end(pagerduty_door, "Ended")

    answer = post(pagerduty_door, happened("incident.resolved", key_of(incident)))

    assert answer.json() == {"did": f"{incident.id} is resolved"}
    assert standing(pagerduty_door, incident.id).state == "resolved"
    assert standing(pagerduty_door, incident.id).ack is None


@pytest.mark.parametrize("agent", [OURSELVES, {"type": "service_reference", "id": "PF9"}, None, {}], ids=str)
@pytest.mark.parametrize("what", ["incident.acknowledged", "incident.resolved", "incident.unacknowledged"])
def test_what_we_did_to_pagerduty_ourselves_does_not_come_back(pagerduty_door: Door, agent: object, what: str) -> None:
    """Our own events and PagerDuty's timers are by no user: nothing goes into the journal."""
    incident = fire(pagerduty_door, "Echo")
    length = journalled(pagerduty_door)

    answer = post(pagerduty_door, happened(what, key_of(incident), agent))

    assert (answer.status_code, answer.json()) == (
        200,
        {"did": "ignored: done by PagerDuty or by us, not by a person"},
    )
    assert journalled(pagerduty_door) == length
    assert taken_by(pagerduty_door, incident.id) == ""


def test_the_same_webhook_twice_counts_once(pagerduty_door: Door) -> None:
    """PagerDuty sends at least once; neither a known webhook id nor a known event changes anything again."""
    incident = fire(pagerduty_door, "Twice")
    first = happened("incident.acknowledged", key_of(incident))
    post(pagerduty_door, first, X_Webhook_Id="w-twice")
    taken_by_soon(pagerduty_door, incident)
    post(pagerduty_door, happened("incident.unacknowledged", key_of(incident)), X_Webhook_Id="w-back")
    told_soon(pagerduty_door, incident, "UNACK given back by Omar Haddad (pagerduty)")
    length = journalled(pagerduty_door)

    replies = [
        post(pagerduty_door, first, X_Webhook_Id="w-twice"),
        post(pagerduty_door, first, X_Webhook_Id="w-by-somebody-who-replays"),
        post(pagerduty_door, first),
        post(pagerduty_door, happened("incident.acknowledged", key_of(incident)), X_Webhook_Id="w-twice"),
    ]

    assert [(reply.status_code, reply.json()["did"]) for reply in replies] == [(200, "ignored: seen before")] * 4
    assert journalled(pagerduty_door) == length
    assert taken_by(pagerduty_door, incident.id) == ""


def test_an_incident_that_is_none_of_ours_is_answered_200(pagerduty_door: Door) -> None:
    """A refusal would make PagerDuty stop sending."""
    incident = fire(pagerduty_door, "Ours")
    over = fire(pagerduty_door, "Over before")
    resolve(pagerduty_door, over.id)
    length = journalled(pagerduty_door)
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

    answers = [post(pagerduty_door, happened("incident.acknowledged", key)) for key in keys]

    assert [(one.status_code, one.json()["did"]) for one in answers] == [
        (200, "ignored: no open incident of ours")
    ] * len(keys)
    assert journalled(pagerduty_door) == length


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
def test_what_changes_nothing_here_is_answered_200(pagerduty_door: Door, event: dict[str, object]) -> None:
    """PagerDuty's test and whatever it may send one day."""
    answer = post(pagerduty_door, happened("incident.acknowledged", None, **event))

    assert (answer.status_code, answer.json()["did"]) == (200, f"ignored: {event['event_type']} changes nothing here")


def told_soon(door: Door, incident: Incident, line: str) -> None:
    """Wait for a line of an incident's story."""
    eventually(lambda: any(one.startswith(line) for one in story(door, incident.id)), line)

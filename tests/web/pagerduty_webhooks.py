"""Webhooks as PagerDuty sends and signs them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import Final

import httpx2
from msgspec.structs import replace

from alertrouter.incident import Incident
from alertrouter.notifiers.pagerduty import dedup_key
from alertrouter.render.samples import sample_notice
from tests.waiting import eventually
from tests.web.answering import taken_by
from tests.web.door import Door

SECRET: Final = "pd-webhook-secret"
NEW_SECRET: Final = "pd-webhook-secret-to-come"
PERSON: Final = {
    "id": "PLH1HKV",
    "type": "user_reference",
    "summary": "Omar Haddad",
    "html_url": "https://x.pagerduty.com",
}
NUMBERS = itertools.count(1)


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


def taken_by_soon(door: Door, incident: Incident) -> str:
    """Who has an incident, as soon as somebody has it."""
    return eventually(lambda: taken_by(door, incident.id), f"somebody has {incident.id}")

"""Somebody takes an incident by the link in a mail, somebody else in PagerDuty: nobody is called for it any more."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

import httpx2
import pytest

from tests.journeys.farsides import SOON, FarSides
from tests.journeys.installation import Alertrouter
from tests.journeys.programs import Programs
from tests.waiting import eventually

PD_SECRET = "webhook-secret-of-pagerduty"
POLICY = """
severities: [info, warning, critical]
receivers:
  mail: {email: {to: [lena@example.org]}}
  oncall: {pagerduty: {routing_key: "${ON_CALL}"}}
  backup: {pagerduty: {routing_key: "${BACKUP}"}}
escalation_policies:
  page:
    ack_timeout: 10m
    levels: [{notify: [mail, oncall]}, {after: 8s, notify: backup}]
route:
  receiver: mail
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  escalate: {info: page, warning: page, critical: page}
"""


@pytest.fixture
def alertrouter(programs: Programs, far: FarSides) -> Alertrouter:
    """All of it, with this policy."""
    secrets = {"ALERTROUTER_LINK_SECRET": "a-secret-that-signs-links", "PAGERDUTY_WEBHOOK_SECRETS": PD_SECRET}
    environ = {**far.settings, **secrets, "ON_CALL": "on-call", "BACKUP": "backup"}
    return Alertrouter(programs, policy=POLICY, environ=environ)


def test_whoever_takes_it_by_link_or_in_pagerduty_nobody_is_called_any_more(
    alertrouter: Alertrouter, far: FarSides
) -> None:
    """Of three incidents only the one that nobody took climbs; what PagerDuty hears from us does not come back."""
    _fire(alertrouter, "ByLink")
    _fire(alertrouter, "InPagerDuty")
    eventually(lambda: len(far.mail.received) == 2 and len(_told(far, "on-call", "trigger")) == 2, "all are told", SOON)
    (link,) = [_link(mail.body("plain")) for mail in far.mail.received if mail.subject == "ByLink"]
    keys = _told(far, "on-call", "trigger")

    looked = httpx2.get(link, trust_env=False).status_code
    pressed = httpx2.post(link, trust_env=False).status_code
    taken = _webhook(alertrouter, keys["InPagerDuty"], {"type": "user_reference", "summary": "Omar"}, "E1")
    eventually(lambda: len(_told(far, "on-call", "acknowledge")) == 2, "PagerDuty hears who has them", SOON)
    echo = _webhook(alertrouter, keys["ByLink"], {"type": "inbound_integration_reference"}, "E2")
    _fire(alertrouter, "NobodyTookIt")
    eventually(lambda: _told(far, "backup", "trigger"), "the next level is called", SOON)

    assert (looked, pressed) == (200, 200)
    assert taken.endswith("incident.acknowledged, by Omar (pagerduty)")
    assert echo == "ignored: done by PagerDuty or by us, not by a person"
    assert set(_told(far, "backup", "trigger")) == {"NobodyTookIt"}
    assert "by lena@example.org (email link) until" in _story(alertrouter, "ByLink")
    assert "by Omar (pagerduty) until" in _story(alertrouter, "InPagerDuty")
    assert all(_story(alertrouter, name).count("ACK") == 1 for name in ("ByLink", "InPagerDuty"))


def _fire(alertrouter: Alertrouter, name: str) -> None:
    body = json.dumps({"labels": {"alertname": name, "severity": "critical"}}).encode()
    assert alertrouter.door.post("/api/v1/alerts", body) == 200


def _told(far: FarSides, who: str, action: str) -> dict[str, str]:
    """The dedup keys that PagerDuty heard with an action, by the alert that they were triggered for."""
    events = [one.json for one in far.pagerduty.received]
    names = {event["dedup_key"]: event["payload"]["class"] for event in events if event["event_action"] == "trigger"}
    heard = [event for event in events if (event["routing_key"], event["event_action"]) == (who, action)]
    return {names[event["dedup_key"]]: event["dedup_key"] for event in heard}


def _link(text: str) -> str:
    found = re.search(r"http://\S+/ack/\S+", text)
    assert found
    return found[0]


def _webhook(alertrouter: Alertrouter, key: str, agent: dict[str, str], event: str) -> str:
    """What PagerDuty is told when it says that somebody acknowledged."""
    kind = "incident.acknowledged"
    body = {"event": {"id": event, "event_type": kind, "agent": agent, "data": {"incident_key": key}}}
    raw = json.dumps(body).encode()
    signature = "v1=" + hmac.new(PD_SECRET.encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-PagerDuty-Signature": signature, "X-Webhook-Id": f"W-{event}"}
    url = f"{alertrouter.door.url}/pagerduty/webhook"
    return str(httpx2.post(url, content=raw, headers=headers, trust_env=False).json()["did"])


def _story(alertrouter: Alertrouter, name: str) -> str:
    incidents = json.loads(alertrouter.door.page("/api/v1/incidents"))
    (incident,) = [one["id"] for one in incidents if one["group_labels"] == {"alertname": name}]
    lines = json.loads(alertrouter.door.page(f"/api/v1/incidents/{incident}/timeline"))
    return "\n".join(f"{line['transition'] or ''} {line['text']}" for line in lines)

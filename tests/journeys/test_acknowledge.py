"""Somebody presses Acknowledge in Slack: everybody sees it, nobody is paged, and it doesn't hold for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import httpx2
import pytest

from tests.journeys.farsides import SOON, FarSides
from tests.journeys.installation import Alertrouter
from tests.journeys.programs import Programs
from tests.slack_requests import LENA, OMAR, SECRET, click, pressed, signed, typed
from tests.standins import SlackMessage
from tests.standins.slack import blocks_of, texts_of
from tests.standins.slack_socket import SlackSocketStandIn
from tests.waiting import eventually

POLICY = """
severities: [info, warning, critical]
receivers:
  chat: {slack: {channel: "#ops"}}
  oncall: {pagerduty: {routing_key: "${ON_CALL}"}}
  backup: {pagerduty: {routing_key: "${BACKUP}"}}
escalation_policies:
  page:
    ack_timeout: 8s
    levels: [{notify: [chat, oncall]}, {after: 4s, notify: backup}]
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  escalate: {info: page, warning: page, critical: page}
"""
FIRES = b'{"labels": {"alertname": "DiskFull", "severity": "critical"}}'
IS_OVER = b'{"labels": {"alertname": "DiskFull", "severity": "critical"}, "status": "resolved"}'


@pytest.fixture
def alertrouter(programs: Programs, far: FarSides) -> Alertrouter:
    """All of it, with this policy."""
    environ = {**far.settings, "SLACK_SIGNING_SECRET": SECRET, "ON_CALL": "on-call", "BACKUP": "backup"}
    return Alertrouter(programs, policy=POLICY, environ=environ)


@pytest.fixture
def door(alertrouter: Alertrouter) -> Iterator[httpx2.Client]:
    """Where Slack knocks."""
    with httpx2.Client(base_url=alertrouter.door.url, trust_env=False, timeout=10) as client:
        yield client


def test_an_acknowledgement_in_slack_holds_until_it_lapses(
    alertrouter: Alertrouter, door: httpx2.Client, far: FarSides, record_property: Callable[[str, object], None]
) -> None:
    """The message changes in place and PagerDuty knows; the next level is told nothing, until the time is over."""
    alertrouter.door.post("/api/v1/alerts", FIRES)
    eventually(lambda: far.slack.messages and far.pagerduty.received, "Slack and the pager are told", SOON)
    value = far.slack.button(_message(far), "acknowledge")
    clicked = time.monotonic()
    answer = click(door, pressed("acknowledge", value, user=LENA))
    answered = time.monotonic()

    assert (answer.status_code, answer.content) == (200, b"")
    eventually(lambda: "*Acknowledged* by @lena (slack)" in _text(_message(far)), "the message says who has it", SOON)
    redrawn = time.monotonic()
    record_property(
        "journey",
        f"a click was answered in {answered - clicked:.3f} s, the message redrawn in {redrawn - clicked:.3f} s",
    )
    assert far.slack.button(_message(far), "unacknowledge")
    eventually(lambda: _events(far) == [("on-call", "trigger"), ("on-call", "acknowledge")], "PagerDuty knows", SOON)

    # Level 2 would have come meanwhile; the level of the acknowledgement comes again, and only then the next one.
    eventually(lambda: len(far.pagerduty.called) >= 3, "the pager is called", SOON)
    assert [key for key, _ in far.pagerduty.called] == ["on-call", "on-call", "backup"]
    eventually(lambda: len(far.slack.thread(_message(far).ts)) == 3, "the thread has its three lines", SOON)
    message = _message(far)
    lines = [str(reply.body["text"]) for reply in far.slack.thread(message.ts)]
    told = ["about to expire", "has expired", "Escalated"]
    assert [word for word, line in zip(told, lines, strict=True) if word in line] == told
    assert far.slack.button(message, "acknowledge")
    assert len(far.slack.messages) == 1

    taken = _command(door, "ack INC-1")
    alertrouter.door.post("/api/v1/alerts", IS_OVER)

    assert taken.startswith("INC-1 is acknowledged by @omar (slack)")
    eventually(lambda: "DiskFull is over" in _text(_message(far)), "the message says that it is over", SOON)
    assert "act:" not in str(_message(far).body), "what is over has no buttons"
    eventually(lambda: set(far.pagerduty.alerts.values()) == {"resolved"}, "PagerDuty's alerts are over", SOON)


def test_without_an_address_of_its_own_it_hears_clicks_by_socket_mode(programs: Programs) -> None:
    """`up` runs what listens; the message changes as it does by HTTP."""
    with SlackSocketStandIn() as slack:
        environ = {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_MESSAGES_PER_SECOND": "0",
        }
        alertrouter = Alertrouter(programs, policy=POLICY, environ=environ)
        alertrouter.door.post("/api/v1/alerts", FIRES)
        eventually(lambda: slack.messages, "Slack is told", SOON)
        body = pressed("acknowledge", slack.button(slack.messages[0], "acknowledge"), user=LENA)
        slack.send("interactive", json.loads(parse_qs(body.decode())["payload"][0]), "click")

        eventually(lambda: "*Acknowledged* by @lena (slack)" in _text(slack.messages[0]), "the message says it", SOON)
        assert slack.confirmation("click") == {"envelope_id": "click"}


def _message(far: FarSides) -> SlackMessage:
    (message,) = far.slack.messages
    return message


def _text(message: SlackMessage) -> str:
    return "\n".join(texts_of(blocks_of(message.body)))


def _events(far: FarSides) -> list[tuple[str, str]]:
    """What PagerDuty was told so far: routing key and action; to hear the same twice in a row changes nothing there."""
    events = [(one.json["routing_key"], one.json["event_action"]) for one in far.pagerduty.received]
    return [event for number, event in enumerate(events) if number == 0 or event != events[number - 1]]


def _command(door: httpx2.Client, text: str) -> str:
    body = typed(text, user=OMAR)
    return str(door.post("/slack/command", content=body, headers=signed(body)).json()["text"])

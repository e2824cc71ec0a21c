"""Requests as Slack makes them: forms, signed over their raw bytes."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx2

from alertrouter.web.slack_signature import SIGNATURE, TIMESTAMP, sign

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OMAR = {"id": "U1", "username": "omar", "name": "omar", "team_id": "T1"}
LENA = {"id": "U2", "username": "lena", "name": "lena", "team_id": "T1"}

NINA = {"id": "U9NINA", "username": "n.petrova", "name": "n.petrova", "team_id": "T1"}
"""In the policies of the tests of the door she is `nina`."""


def pressed(
    action: str,
    value: str,
    *,
    user: dict[str, str] = OMAR,
    moment: str = "1772445660.000100",
    choice: str = "",
    response_url: str = "",
) -> bytes:
    """The body of a click on a button; with `choice`, of a choice from a menu."""
    element: dict[str, Any] = {"type": "button", "action_id": action, "block_id": "act:1", "action_ts": moment}
    chosen = {"selected_option": {"text": {"type": "plain_text", "text": choice}, "value": f"{value}:{choice}"}}
    payload = {
        "type": "block_actions",
        "user": user,
        "api_app_id": "A1",
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "container": {"type": "message", "channel_id": "C1"},
        "response_url": response_url,
        "actions": [{**element, **(chosen if choice else {"value": value})}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def typed(text: str, *, user: dict[str, str] = OMAR, moment: str = "13345224609.738474920") -> bytes:
    """The body of `/alertrouter TEXT`."""
    return urlencode(
        {
            "command": "/alertrouter",
            "text": text,
            "user_id": user["id"],
            "user_name": user["name"],
            "trigger_id": moment,
            "response_url": "",
        }
    ).encode()


def signed(body: bytes, secret: str = SECRET, age: float = 0) -> dict[str, str]:
    """The headers that Slack sends with a body."""
    timestamp = str(int(time.time() - age))
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        TIMESTAMP: timestamp,
        SIGNATURE: sign(secret, timestamp, body),
    }


def click(http: httpx2.Client, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    """Post a click to the door behind `http`, rightly signed unless told otherwise."""
    return http.post("/slack/interactivity", content=body, headers=signed(body) if headers is None else headers)

"""Silence asked for in Slack, against the running door and a running router."""

from __future__ import annotations

from typing import Any

import pytest

from tests.slack_requests import click, pressed
from tests.standins import HttpStandIn
from tests.waiting import eventually
from tests.web.door import Door
from tests.web.hearing import whispered


def silences(door: Door) -> list[dict[str, Any]]:
    """The silences that are in force."""
    found: list[dict[str, Any]] = door.http.get("/api/v2/silences").json()
    return [one for one in found if one["status"]["state"] == "active"]


def silenced(door: Door) -> str:
    """By what INC-1 is silenced."""
    return str(door.http.get("/api/v1/incidents/INC-1").json()["silenced"])


@pytest.mark.parametrize(("choice", "with_alerts"), [("4h", False), ("over", True)])
def test_the_menu_silences_just_this_incident(routed: Door, slack: HttpStandIn, choice: str, with_alerts: bool) -> None:
    """Given an incident, then its group is silenced by who chose, and they read which matchers that is."""
    url = f"{slack.url}/actions/{choice}"

    click(routed.http, pressed("silence", "INC-1:2", choice=choice, response_url=url))

    eventually(lambda: silenced(routed), "INC-1 is silenced")
    (silence,) = silences(routed)
    assert (silence["createdBy"], silence["comment"]) == ("@omar (slack)", "from INC-1 in Slack")
    assert silence.get("withAlerts", False) is with_alerts
    named = ", ".join(f'{one["name"]}="{one["value"]}"' for one in silence["matchers"])
    assert whispered(slack, f"/actions/{choice}").startswith(f"Silenced: {named}. S-")


def test_the_button_ends_it_again(routed: Door) -> None:
    """Given a silence of just this incident, then it is over and the incident is heard."""
    click(routed.http, pressed("silence", "INC-1:2", choice="1h", moment="1"))
    eventually(lambda: silenced(routed), "INC-1 is silenced")

    click(routed.http, pressed("unsilence", "INC-1:3", moment="2"))

    eventually(lambda: not silenced(routed), "INC-1 is heard again")
    assert silences(routed) == []


def test_a_silence_that_hides_more_is_not_ended_here(routed: Door, slack: HttpStandIn) -> None:
    """The person is told whose it is, and where it is ended."""
    body = (
        b'{"matchers": [{"name": "severity", "value": "crit.*", "isRegex": true}], "startsAt": "2026-01-01T00:00:00Z",'
        b' "endsAt": "2100-01-01T00:00:00Z", "createdBy": "sam", "comment": "drill"}'
    )
    assert routed.post("/api/v2/silences", body).status_code == 200
    eventually(lambda: silenced(routed), "INC-1 is silenced")

    click(routed.http, pressed("unsilence", "INC-1:3", response_url=f"{slack.url}/actions/wide"))

    told = whispered(slack, "/actions/wide")
    assert told.startswith("Nothing changed: silenced by S-")
    assert "(sam: drill)" in told
    assert len(silences(routed)) == 1


def test_what_is_over_and_what_is_no_choice_is_refused(routed: Door, slack: HttpStandIn) -> None:
    """In words to the person, or as a request that Slack never makes."""
    click(routed.http, pressed("silence", "INC-9:2", choice="1h", response_url=f"{slack.url}/actions/gone"))

    assert whispered(slack, "/actions/gone") == "Nothing changed: there is no such incident any more."
    assert click(routed.http, pressed("silence", "INC-1:2", choice="ever")).status_code == 400
    assert silences(routed) == []

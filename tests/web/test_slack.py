"""Clicks and commands from Slack, against the running door and a running router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from alertrouter import events
from alertrouter.cli.checkup_channels import SCOPES
from alertrouter.incident import Incident, State
from alertrouter.settings import from_environment
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import slack as slack_door
from alertrouter.web.slack_desk import morning_after
from alertrouter.web.slack_reply import Whisper
from alertrouter.web.slack_signature import SIGNATURE, TIMESTAMP
from tests.cli.running import ROOT
from tests.roles import role
from tests.slack_requests import LENA, OMAR, SECRET, click, pressed, signed, typed
from tests.sources.test_hostile_bodies import json_values
from tests.standins import HttpStandIn
from tests.waiting import eventually
from tests.web.door import KEYS, Door, running_door
from tests.web.kept import keep_incident

PREVIOUS = "the-secret-before-this-one"
MANY_TIMES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

POLICY = """
timezone: Europe/Berlin
severities: [info, warning, critical]
receivers: {chat: {inbox: {}}, pager: {inbox: {}}}
escalation_policies:
  page: {ack_timeout: 30m, levels: [{notify: chat}, {after: 1h, notify: pager}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1h
  escalate: {info: page, warning: page, critical: page}
"""


@pytest.fixture(scope="module")
def slack() -> Iterator[HttpStandIn]:
    """Where Slack would read what only one person is to see."""
    with HttpStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def hearing_door(emptied_redis: str, slack: HttpStandIn) -> Iterator[Door]:
    """A door that takes clicks."""
    environ = {
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_SIGNING_SECRET_PREVIOUS": PREVIOUS,
        "SLACK_API_URL": f"{slack.url}/api/",
    }
    with running_door(emptied_redis, environ) as door:
        yield door


@pytest.fixture
def heard(hearing_door: Door) -> Door:
    """That door before an empty store, with no router behind it."""
    hearing_door.redis.flushall()
    return hearing_door


@pytest.fixture
def routed(heard: Door, emptied_redis: str, tmp_path: Path) -> Iterator[Door]:
    """That door with a router behind it, which has opened INC-1."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "policy.yml").write_text(POLICY, encoding="utf-8")
    environ = {"ALERTROUTER_REDIS_URL": emptied_redis, "ALERTROUTER_POLICY": str(tmp_path / "policy")}
    with role("router", from_environment(environ), tmp_path / "router.log"):
        heard.post("/api/v1/alerts", b'{"labels": {"alertname": "DiskFull", "severity": "critical"}}')
        eventually(lambda: state_of(heard) is State.TRIGGERED, "INC-1 is open", 20)
        yield heard


def stored(door: Door) -> Incident | None:
    """INC-1 from Redis."""
    packed = door.redis.hget(KEYS.incidents, "INC-1")
    return msgspec.msgpack.decode(packed, type=Incident) if isinstance(packed, bytes) else None


def state_of(door: Door) -> State | None:
    """The state of INC-1."""
    found = stored(door)
    return found.state if found else None


def whispered(slack: HttpStandIn, path: str) -> str:
    """What one person was told at an address of their own."""
    got = slack.wait_for(lambda requests: any(one.path == path for one in requests))
    (only,) = [one for one in got if one.path == path]
    assert only.json["response_type"] == "ephemeral"
    assert only.json["replace_original"] is False
    return str(only.json["text"])


def test_a_click_is_an_event_in_the_journal(heard: Door, slack: HttpStandIn) -> None:
    """With no router behind it too: it was taken down, and the person is told so."""
    body = pressed("acknowledge", "INC-7:3", response_url=f"{slack.url}/actions/no-router")

    answer = click(heard.http, body)

    assert (answer.status_code, answer.content) == (200, b"")
    ((_, fields),) = heard.entries(KEYS.journal)
    event = events.decode(fields[b"e"])
    assert isinstance(event, events.Acknowledged)
    assert (event.incident, event.version, event.actor) == ("INC-7", 3, "@omar (slack)")
    assert whispered(slack, "/actions/no-router").startswith("Taken down")


def test_a_click_acknowledges_and_the_same_click_again_changes_nothing(routed: Door, slack: HttpStandIn) -> None:
    """Whoever records a click and sends it again gets a kind word, and one acknowledgement stands."""
    body = pressed("acknowledge", "INC-1:2", response_url=f"{slack.url}/actions/first")
    headers = signed(body)

    answers = [click(routed.http, body, headers) for _ in range(2)]
    again = click(routed.http, pressed("acknowledge", "INC-1:2", moment="2", response_url=f"{slack.url}/actions/again"))

    found = stored(routed)
    assert [one.status_code for one in (*answers, again)] == [200, 200, 200]
    assert found is not None
    assert found.ack is not None
    assert (found.ack.by, found.ack.others, len(found.acted)) == ("@omar (slack)", (), 1)
    assert whispered(slack, "/actions/again").startswith("Nothing changed: you have acknowledged INC-1 already")


def test_an_old_button_tells_who_was_faster(routed: Door, slack: HttpStandIn) -> None:
    """The second person is noted, and told who has it."""
    click(routed.http, pressed("acknowledge", "INC-1:2"))

    click(routed.http, pressed("acknowledge", "INC-1:2", user=LENA, response_url=f"{slack.url}/actions/late"))

    assert whispered(slack, "/actions/late").startswith("Somebody was faster: INC-1 is acknowledged by @omar (slack)")


def test_every_button_does_what_it_says(routed: Door) -> None:
    """In one story: escalate, acknowledge, give back, snooze until morning in the policy's zone, resolve."""
    before = stored(routed)
    assert before is not None

    click(routed.http, pressed("escalate", f"INC-1:{before.version}", moment="1"))
    eventually(lambda: len((stored(routed) or before).destinations) == 2, "the next level was told")
    click(routed.http, pressed("acknowledge", "INC-1:9", moment="2"))
    assert state_of(routed) is State.ACKNOWLEDGED
    click(routed.http, pressed("unacknowledge", "INC-1:9", moment="3"))
    assert state_of(routed) is State.TRIGGERED
    click(routed.http, pressed("snooze", "INC-1:9", choice="morning", moment="4"))
    found = stored(routed)
    assert found is not None
    assert found.snooze is not None
    assert found.snooze.until.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") == "09:00"
    click(routed.http, pressed("resolve", "INC-1:9", moment="5"))
    assert state_of(routed) is State.TRIGGERED
    click(routed.http, pressed("resolve_firing", "INC-1:9", moment="6"))
    assert state_of(routed) is State.RESOLVED


def test_two_people_on_one_button_escalate_once(routed: Door, slack: HttpStandIn) -> None:
    """The second one's button was drawn before the level that the first one set off."""
    before = stored(routed)
    assert before is not None
    value = f"INC-1:{before.version}"

    click(routed.http, pressed("escalate", value, moment="1"))
    click(routed.http, pressed("escalate", value, user=LENA, moment="2", response_url=f"{slack.url}/actions/twice"))

    told = whispered(slack, "/actions/twice")
    assert told == "Nothing changed: INC-1 has been escalated since this message was drawn."


def test_a_click_on_what_is_over_says_so(routed: Door, slack: HttpStandIn) -> None:
    """A late acknowledgement opens nothing again."""
    click(routed.http, pressed("resolve_firing", "INC-1:2", moment="1"))

    click(routed.http, pressed("acknowledge", "INC-1:2", moment="2", response_url=f"{slack.url}/actions/over"))

    assert whispered(slack, "/actions/over").startswith("Nothing changed: INC-1 was resolved by @omar (slack)")
    assert state_of(routed) is State.RESOLVED


def test_the_secret_before_is_taken_too(heard: Door) -> None:
    """So that it can be changed without a click being lost."""
    body = pressed("open_runbook", "")

    assert click(heard.http, body, signed(body, PREVIOUS)).status_code == 200


def test_a_link_button_does_nothing(heard: Door) -> None:
    """Slack tells us of it all the same."""
    assert click(heard.http, pressed("open_runbook", "")).status_code == 200
    assert heard.entries(KEYS.journal) == []


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


def test_only_those_named_may_act(emptied_redis: str, slack: HttpStandIn) -> None:
    """The others are told; looking is free."""
    environ = {
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_ALLOWED_USERS": f"{LENA['id']}, U9",
        "SLACK_API_URL": f"{slack.url}/api/",
    }
    with running_door(emptied_redis, environ) as door:
        door.redis.flushall()
        click(door.http, pressed("acknowledge", "INC-1:1", user=OMAR, response_url=f"{slack.url}/actions/not-you"))
        refused = door.entries(KEYS.journal)
        click(door.http, pressed("acknowledge", "INC-1:1", user=LENA))

        assert refused == []
        assert len(door.entries(KEYS.journal)) == 1
        assert "SLACK_ALLOWED_USERS" in whispered(slack, "/actions/not-you")
        assert "SLACK_ALLOWED_USERS" in _told(door, "ack INC-1")
        assert _told(door, "list") == "Nothing is open."


def test_commands_list_acknowledge_and_help(routed: Door) -> None:
    """Each answer is for the one who asked."""
    before = _told(routed, "list")
    acknowledged = _told(routed, "ack inc-1")
    after = _told(routed, "list")

    assert before == "*INC-1* DiskFull (critical, nobody's)"
    assert acknowledged.startswith("INC-1 is acknowledged by @omar (slack) until")
    assert after == "*INC-1* DiskFull (critical, acknowledged by @omar (slack))"
    assert "no incident INC-9" in _told(routed, "ack INC-9")
    assert "`/alertrouter ack INC-1`" in _told(routed, "dance")
    assert "schedules" in _told(routed, "oncall")


def test_what_is_listed_is_escaped(heard: Door) -> None:
    """A label can't ring the channel."""
    keep_incident(heard, 1, alertname="<!channel> & co")

    assert _told(heard, "list") == "*INC-1* &lt;!channel&gt; &amp; co (critical, nobody's)"


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


def test_the_apps_manifest_names_this_door_and_what_it_needs() -> None:
    """Whoever pastes docs/slack-app-manifest.yml gets an app that fits."""
    manifest = yaml.safe_load((ROOT / "docs" / "slack-app-manifest.yml").read_text(encoding="utf-8"))

    (command,) = manifest["features"]["slash_commands"]
    addresses = {command["url"], manifest["settings"]["interactivity"]["request_url"]}
    own = {route.path for route in slack_door.routes(cast(DoorStore, None), from_environment({}))}
    assert {urlsplit(address).path for address in addresses} == own
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)


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


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        (datetime(2026, 3, 2, 2, 0, tzinfo=UTC), ZoneInfo("Europe/Berlin"), 6),
        (datetime(2026, 3, 2, 8, 0, tzinfo=UTC), ZoneInfo("Europe/Berlin"), 24),
        (datetime(2026, 3, 2, 8, 0, tzinfo=UTC), UTC, 1),
        # The clocks go forward in this night.
        (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), ZoneInfo("Europe/Berlin"), 11),
    ],
)
def test_morning_is_the_next_nine_oclock_of_the_zone(now: datetime, zone: tzinfo, hours: int) -> None:
    """Before nine it is today's."""
    assert morning_after(now, zone) == now + timedelta(hours=hours)


def _told(door: Door, text: str) -> str:
    body = typed(text)
    answer = door.http.post("/slack/command", content=body, headers=signed(body))
    assert answer.status_code == 200
    assert answer.json()["response_type"] == "ephemeral"
    return str(answer.json()["text"])

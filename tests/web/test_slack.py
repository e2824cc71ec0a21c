"""Clicks and commands from Slack, against the running door and a running router."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
import yaml

from alertrouter import events
from alertrouter.cli.checkup_channels import OPTIONAL_SCOPES, SCOPES
from alertrouter.incident import State
from alertrouter.settings import from_environment
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import slack as slack_door
from alertrouter.web.slack_desk import morning_after
from tests.cli.running import ROOT
from tests.slack_requests import LENA, NINA, OMAR, SECRET, click, pressed, signed, typed
from tests.standins import HttpStandIn
from tests.waiting import eventually
from tests.web.door import KEYS, Door, running_door
from tests.web.hearing import state_of, stored, whispered
from tests.web.kept import keep_incident


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


def test_a_person_of_the_policy_acts_by_their_own_name(routed: Door) -> None:
    """Whatever Slack calls them, by a button and by a command; who isn't one of them by their Slack name."""
    click(routed.http, pressed("acknowledge", "INC-1:2", user=NINA, moment="1"))
    first = stored(routed)
    click(routed.http, pressed("unacknowledge", "INC-1:3", moment="2"))
    body = typed("ack INC-1", user=NINA)
    answer = routed.http.post("/slack/command", content=body, headers=signed(body))

    assert first is not None
    assert first.ack is not None
    assert first.ack.by == "nina (slack)"
    assert answer.json()["text"].startswith("INC-1 is acknowledged by nina (slack)")


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


def test_a_link_button_does_nothing(heard: Door) -> None:
    """Slack tells us of it all the same."""
    assert click(heard.http, pressed("open_runbook", "")).status_code == 200
    assert heard.entries(KEYS.journal) == []


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


def test_those_whom_the_policy_names_may_act(heard: Door) -> None:
    """By their name under `people`, or by their id in Slack; nobody else."""
    policy = f"""
receivers: {{desk: {{inbox: {{}}}}}}
people: {{nina: {{slack: {NINA["id"]}}}}}
slack: {{allowed: [nina]}}
route: {{receiver: desk}}
"""
    heard.redis.set(KEYS.active, "named")
    heard.redis.hset(KEYS.policies, "named", msgspec.msgpack.encode({"policy.yml": policy}))

    click(heard.http, pressed("acknowledge", "INC-1:1", user=OMAR))
    refused = heard.entries(KEYS.journal)
    click(heard.http, pressed("acknowledge", "INC-1:1", user=NINA))

    assert refused == []
    assert len(heard.entries(KEYS.journal)) == 1


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


def test_it_says_who_is_on_call(heard: Door) -> None:
    """By the schedules of the policy in force, until when, and who comes then; none are set up without any."""
    policy = """
receivers: {chat: {inbox: {}}}
people: {lena: {slack: U024BE7LH}, omar: {email: omar@example.com}}
schedules: {ops: {layers: [{people: [lena], start: 2020-01-01}], fallback: chat}}
route: {receiver: chat}
"""
    before = _told(heard, "oncall")

    heard.redis.set(KEYS.active, "abc")
    heard.redis.hset(KEYS.policies, "abc", msgspec.msgpack.encode({"policy.yml": policy}))

    assert before == "No on-call schedules are set up."
    assert _told(heard, "oncall") == "*ops* lena (layer 1)"


def test_what_is_listed_is_escaped(heard: Door) -> None:
    """A label can't ring the channel."""
    keep_incident(heard, 1, alertname="<!channel> & co")

    assert _told(heard, "list") == "*INC-1* &lt;!channel&gt; &amp; co (critical, nobody's)"


def test_the_apps_manifest_names_this_door_and_what_it_needs() -> None:
    """Whoever pastes docs/slack-app-manifest.yml gets an app that fits."""
    text = (ROOT / "docs" / "slack-app-manifest.yml").read_text(encoding="utf-8")
    manifest = yaml.safe_load(text)
    everything = yaml.safe_load(text.replace("      # - ", "      - "))

    (command,) = manifest["features"]["slash_commands"]
    addresses = {command["url"], manifest["settings"]["interactivity"]["request_url"]}
    own = {route.path for route in slack_door.routes(cast(DoorStore, None), from_environment({}))}
    assert {urlsplit(address).path for address in addresses} == own
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert everything["oauth_config"]["scopes"]["bot"] == [*SCOPES, *OPTIONAL_SCOPES]


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

"""Socket Mode: the same clicks and commands, over a connection that goes from here to Slack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

import pytest

from alertrouter import events
from alertrouter.settings import from_environment
from alertrouter.store.connection import connect
from tests.cli.running import run
from tests.roles import role, stop
from tests.slack_requests import pressed, typed
from tests.standins.slack_socket import SlackSocketStandIn
from tests.web.door import KEYS


@pytest.fixture
def slack() -> Iterator[SlackSocketStandIn]:
    """Slack's end of the socket."""
    with SlackSocketStandIn() as stand_in:
        yield stand_in


def settings_of(redis_url: str, slack: SlackSocketStandIn, token: str = SlackSocketStandIn.app_token) -> dict[str, str]:
    """The environment of a process that is to hear this Slack."""
    return {"ALERTROUTER_REDIS_URL": redis_url, "SLACK_APP_TOKEN": token, "SLACK_API_URL": f"{slack.url}/api/"}


def clicked(action: str, value: str, response_url: str) -> dict[str, Any]:
    """The payload of a click, as an envelope carries it."""
    form = parse_qs(pressed(action, value, response_url=response_url).decode())
    return cast(dict[str, Any], json.loads(form["payload"][0]))


def test_clicks_and_commands_come_to_the_same_desk(
    emptied_redis: str, slack: SlackSocketStandIn, tmp_path: Path
) -> None:
    """A click is an event and is confirmed; a command is answered in its confirmation; SIGTERM ends it cleanly."""
    command = {name: values[0] for name, values in parse_qs(typed("list").decode()).items()}
    with connect(emptied_redis) as redis:
        redis.flushall()
        with role("slack-socket", from_environment(settings_of(emptied_redis, slack)), tmp_path / "log") as running:
            slack.send("interactive", clicked("acknowledge", "INC-1:4", f"{slack.url}/actions/1"), "click")
            slack.send("slash_commands", command, "command")
            slack.send("interactive", {"type": "block_actions", "user": 7}, "broken")
            slack.send("events_api", {}, "other")

            assert slack.confirmation("click") == {"envelope_id": "click"}
            answer = slack.confirmation("command")["payload"]
            assert answer == {"response_type": "ephemeral", "text": "Nothing is open."}
            assert slack.confirmation("broken") == {"envelope_id": "broken"}
            assert slack.confirmation("other") == {"envelope_id": "other"}
            slack.wait_for(lambda _: slack.told)
            assert slack.told[0]["text"].startswith("Taken down")
            assert stop(running) == 0
        ((_, fields),) = cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange(KEYS.journal))

    event = events.decode(fields[b"e"])
    assert isinstance(event, events.Acknowledged)
    assert (event.incident, event.version, event.actor) == ("INC-1", 4, "@omar (slack)")


def test_a_refused_token_is_told_and_tried_again(emptied_redis: str, slack: SlackSocketStandIn, tmp_path: Path) -> None:
    """The process does not end for it: `up` would call that a crash loop."""
    environ = settings_of(emptied_redis, slack, token="xapp-of-another-app")
    log = tmp_path / "log"
    with role("slack-socket", from_environment(environ), log) as running:
        slack.wait_for(lambda requests: len(requests) >= 2)

        assert running.poll() is None
        assert stop(running) == 0

    assert "invalid_auth" in log.read_text(encoding="utf-8")
    assert "xapp-of-another-app" not in log.read_text(encoding="utf-8")


def test_without_a_token_it_says_what_is_missing() -> None:
    """A wrong setting is exit code 2."""
    ran = run("slack-socket", environ={"SLACK_APP_TOKEN": ""})

    assert (ran.code, ran.out) == (2, "")
    assert "SLACK_APP_TOKEN" in ran.err

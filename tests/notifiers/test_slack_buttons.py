"""The buttons of a Slack message, and what it says of who has the incident."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from alertrouter.incident import Ack, Snooze, State
from alertrouter.notice import Notice
from alertrouter.notifiers import slack_blocks
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render import Renderer
from alertrouter.render.samples import sample_alert, sample_notice
from tests.notifiers.far_sides import made
from tests.standins import SlackStandIn
from tests.standins.slack import blocks_of, texts_of

RENDERER = Renderer()


@pytest.mark.parametrize(
    ("state", "climbs", "expected"),
    [
        (State.TRIGGERED, True, ["acknowledge", "escalate", "snooze", "silence", "resolve_firing"]),
        (State.TRIGGERED, False, ["acknowledge", "snooze", "silence", "resolve_firing"]),
        (State.ACKNOWLEDGED, True, ["unacknowledge", "escalate", "snooze", "silence", "resolve_firing"]),
        (State.RESOLVED, True, []),
    ],
)
def test_the_buttons_are_those_of_the_state(state: State, climbs: bool, expected: list[str]) -> None:
    """What can't be done now has no button; each carries the incident and the version it was drawn from."""
    notice = replace(sample_notice(), state=state, climbs=climbs, version=7)

    elements = _actions(notice)

    assert [one["action_id"] for one in elements] == expected
    values = [one["value"] for one in elements if "value" in one]
    choices = [option["value"] for one in elements for option in one.get("options", [])]
    assert set(values) <= {"INC-1:7"}
    offered = ["30m", "2h", "morning", "1h", "4h", "1d", "over"]
    assert choices == ([f"INC-1:7:{choice}" for choice in offered] if expected else [])


def test_what_is_silenced_can_be_heard_again() -> None:
    """In place of the menu."""
    notice = replace(sample_notice(), version=7, silenced="silenced by S-1f2e3d4c until 11:00 (sam: new disk)")

    names = [one["action_id"] for one in _actions(notice)]

    assert "unsilence" in names
    assert "silence" not in names


def test_resolving_what_fires_asks_first() -> None:
    """And says how many alerts fire; what fires no more is resolved without a question."""
    firing = replace(sample_notice(firing=(sample_alert(1), sample_alert(2))), version=7)
    calm = replace(firing, firing=())

    (asked,) = [one for one in _actions(firing) if one["action_id"] == "resolve_firing"]
    (unasked,) = [one for one in _actions(calm) if one["action_id"] == "resolve"]

    assert asked["confirm"]["text"]["text"].startswith("2 of its alerts fire still")
    assert "confirm" not in unasked


def test_buttons_stand_only_where_a_click_is_heard() -> None:
    """A bot with a signing secret or an app token; neither a deaf bot nor a webhook."""
    ways = [{"SLACK_SIGNING_SECRET": "s"}, {"SLACK_APP_TOKEN": "xapp-1"}, {}]
    with SlackStandIn() as slack:
        for way in ways:
            bot = made(
                SlackOptions(channel="#ai"), {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token} | way
            )
            bot.send(replace(sample_notice(), version=1))
            bot.close()
        hook = made(SlackOptions(webhook_url="${HOOK}"), {"HOOK": slack.webhook_url, "SLACK_SIGNING_SECRET": "s"})
        hook.send(replace(sample_notice(), version=1))
        hook.close()

        shown = ["'acknowledge'" in str(message.body) for message in slack.messages]

    assert shown == [True, True, False, False]


def test_a_test_message_has_no_buttons() -> None:
    """No incident stands behind it."""
    assert _actions(replace(sample_notice(), version=0)) == []


def test_the_message_says_who_has_it_until_when_and_what_it_was_raised_to() -> None:
    """Names are text, times are everybody's own."""
    at = sample_notice().at
    notice = replace(
        sample_notice(),
        ack=Ack(by="@<lena> (slack)", at=at, until=at, level=0, others=("@omar (slack)",)),
        snooze=Snooze(by="@omar (slack)", until=at),
        raised="critical",
    )

    text = "\n".join(texts_of(blocks_of(slack_blocks.message(notice, RENDERER).fields())))

    lines = re.sub(r"<!date[^>]*>", "TIME", text).splitlines()
    assert "✋ *Acknowledged* by @&lt;lena&gt; (slack) TIME, until TIME; also @omar (slack)" in lines
    assert "💤 *Snoozed* until TIME by @omar (slack)" in lines
    assert "⬆️ *Raised to critical*: nobody took it in time" in lines


def _actions(notice: Notice) -> list[dict[str, Any]]:
    """The elements of the row of buttons of a message."""
    blocks = blocks_of(slack_blocks.message(notice, RENDERER, hears=True).fields())
    rows = [block["elements"] for block in blocks if block.get("block_id", "").startswith("act:")]
    return [element for row in rows for element in row]

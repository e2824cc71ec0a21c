"""Someone who is on call is mentioned in the channel of the team, when there is something to do, and then only."""

from __future__ import annotations

from msgspec.structs import replace

from alertrouter.incident import Reason
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render.samples import sample_notice
from tests.notifiers.far_sides import made
from tests.standins import SlackStandIn

LENA = "<@U024BE7LH>"


def test_a_bot_mentions_who_is_to_act_in_the_message_and_in_what_rings(slack: SlackStandIn) -> None:
    """An edited message notifies nobody: what the thread tells the whole channel calls again, the end does not."""
    options = SlackOptions(channel="#ai-models", mention="U024BE7LH")
    bot = made(options, {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token})
    fires = sample_notice()

    sent = bot.send(fires)
    bot.send(replace(fires, sequence=2, reason=Reason.ESCALATED, reference=sent.reference))
    bot.send(replace(fires, sequence=3, reason=Reason.RESOLVED, firing=(), reference=sent.reference))
    bot.close()

    (message,) = slack.messages
    first = slack.received[0].json
    assert first["text"].startswith(f"{LENA} ")
    assert first["blocks"][1]["text"] == {"type": "mrkdwn", "text": LENA, "verbatim": True}
    called, over = [reply.body["text"] for reply in slack.thread(message.ts)]
    assert called.startswith(f"{LENA} ")
    assert LENA not in over
    assert LENA not in str(slack.received[-2].json)


def test_an_incoming_webhook_mentions_them_too(slack: SlackStandIn) -> None:
    """It is the same body."""
    hook = made(SlackOptions(webhook_url="${HOOK}", mention="U024BE7LH"), {"HOOK": slack.webhook_url})

    hook.send(sample_notice())
    hook.close()

    assert slack.received[0].json["text"].startswith(f"{LENA} ")

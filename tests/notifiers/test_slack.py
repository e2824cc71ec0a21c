"""Slack: one message for each incident, posted once, updated in place, and what its answers mean."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertrouter.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.incident import Reason
from alertrouter.notifiers import Notifier
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render.samples import sample_alert, sample_notice
from tests.notifiers.far_sides import made
from tests.standins import Answer, SlackStandIn


def test_the_first_message_is_posted_and_traceable(slack: SlackStandIn, bot: Notifier) -> None:
    """The first notice is posted; its reference is channel and ts, and its metadata name the delivery."""
    sent = bot.send(sample_notice())

    (message,) = slack.messages
    assert sent.reference == f"{message.channel}:{message.ts}"
    assert message.body["metadata"]["event_payload"] == {
        "delivery_id": "INC-1.1",
        "incident": "INC-1",
        "opened": int(sample_notice().opened_at.timestamp()),
    }


@pytest.mark.parametrize(
    ("reason", "replies", "rings"),
    [
        (Reason.JOINED, 0, False),
        (Reason.CHANGED, 0, False),
        (Reason.ACKNOWLEDGED, 0, False),
        (Reason.UNACKNOWLEDGED, 0, False),
        (Reason.SNOOZED, 0, False),
        (Reason.REDRAWN, 0, False),
        (Reason.ESCALATED, 1, True),
        (Reason.RAISED, 1, True),
        (Reason.LAPSING, 1, False),
        (Reason.LAPSED, 1, True),
        (Reason.RESOLVED, 1, False),
        (Reason.REOPENED, 1, True),
        (Reason.REPEATED, 1, True),
    ],
)
def test_a_later_notice_updates_the_message_in_place(
    slack: SlackStandIn, bot: Notifier, reason: Reason, replies: int, rings: bool
) -> None:
    """There is one message for an incident; its thread hears what a reader must know, the channel only of a bell."""
    first = bot.send(sample_notice())

    sent = bot.send(sample_notice(reason=reason, reference=first.reference, sequence=2))

    (message,) = slack.messages
    assert (sent.reference, sent.note) == (first.reference, "")
    assert message.updates == 1
    assert [reply.body["reply_broadcast"] for reply in slack.thread(message.ts)] == [rings] * replies


def test_a_redrawn_message_rings_nowhere(slack: SlackStandIn, bot: Notifier) -> None:
    """The level that was told sits elsewhere: here the thread has a line, and the channel stays quiet."""
    first = bot.send(sample_notice())

    bot.send(replace(sample_notice(reason=Reason.ESCALATED, reference=first.reference, sequence=2), redraw=True))

    (message,) = slack.messages
    assert message.updates == 1
    assert [reply.body["reply_broadcast"] for reply in slack.thread(message.ts)] == [False]


def test_a_deleted_message_is_not_posted_anew_to_be_redrawn(slack: SlackStandIn, bot: Notifier) -> None:
    """Nobody is told anew by a redraw; the next news is posted."""
    first = bot.send(sample_notice())
    slack.delete(slack.messages[0].ts)

    sent = bot.send(replace(sample_notice(reference=first.reference, sequence=2), redraw=True))

    assert slack.messages == []
    assert "message_not_found" in sent.note


def test_a_resolved_message_turns_green(slack: SlackStandIn, bot: Notifier) -> None:
    """The end is shown in the message itself: colour and headline."""
    first = bot.send(sample_notice())

    over = sample_notice(
        firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, reference=first.reference, sequence=2
    )
    bot.send(over)

    (message,) = slack.messages
    assert message.body["attachments"][0]["color"] == "#12a150"
    assert "ModelLatencyHigh is over" in message.body["blocks"][0]["text"]["text"]


def test_a_deleted_message_is_posted_anew(slack: SlackStandIn, bot: Notifier) -> None:
    """Somebody deleted the message: the news still arrives, and later ones go to the new message."""
    first = bot.send(sample_notice())
    slack.delete(slack.messages[0].ts)

    sent = bot.send(sample_notice(reason=Reason.JOINED, reference=first.reference, sequence=2))

    (message,) = slack.messages
    assert sent.reference == f"{message.channel}:{message.ts}"
    assert "message_not_found" in sent.note


def test_a_refused_thread_reply_does_not_undo_the_update(slack: SlackStandIn, bot: Notifier) -> None:
    """The message shows the news already; that the thread was not told is noted."""
    first = bot.send(sample_notice())
    slack.answer_next(
        Answer.of_json({"ok": True}), Answer.of_json({"ok": False, "error": "restricted_action_thread_only_channel"})
    )

    sent = bot.send(sample_notice(reason=Reason.LAPSED, reference=first.reference, sequence=2))

    assert sent.reference == first.reference
    assert "restricted_action" in sent.note


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_auth", "not_in_channel", "no_such_word"])
def test_a_verdict_of_no_is_for_good(slack: SlackStandIn, bot: Notifier, error: str) -> None:
    """Status 200 with `ok: false` is a refusal, and the error says Slack's word for it."""
    slack.answer_next(Answer.of_json({"ok": False, "error": error}))

    with pytest.raises(PermanentFailure, match=error):
        bot.send(sample_notice())


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "fatal_error", "service_unavailable"])
def test_a_verdict_of_not_now_is_temporary(slack: SlackStandIn, bot: Notifier, error: str) -> None:
    """Some refusals are Slack's own trouble."""
    slack.answer_next(Answer.of_json({"ok": False, "error": error}, headers={"Retry-After": "30"}))

    with pytest.raises(TemporaryFailure, match=error) as failure:
        bot.send(sample_notice())

    assert failure.value.retry_after == 30


def test_an_answer_that_can_not_be_read_is_unknown(slack: SlackStandIn, bot: Notifier) -> None:
    """200 with something else than JSON: Slack may have the message."""
    slack.answer_next(Answer(200, b"<html>"))

    with pytest.raises(UnknownOutcome):
        bot.send(sample_notice())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer.of_json({"ok": False, "error": "channel_not_found"}), PermanentFailure),
        (Answer(200, b"no_channel", {"Content-Type": "text/plain"}), PermanentFailure),
        (Answer(200, b"not json", {"Content-Type": "application/json"}), UnknownOutcome),
        (Answer(200, b"ok", {"Content-Type": "text/plain"}), None),
        (Answer.of_json({"ok": True}), None),
    ],
)
def test_a_webhooks_answer_is_read(
    slack: SlackStandIn, hook: Notifier, answer: Answer, outcome: type[Exception] | None
) -> None:
    """An incoming webhook says no with status 200 too."""
    slack.answer_next(answer)

    if outcome is None:
        assert hook.send(sample_notice()).reference is None
    else:
        with pytest.raises(outcome):
            hook.send(sample_notice())


def test_a_token_wins_over_a_webhook(slack: SlackStandIn) -> None:
    """With a channel and a token the bot posts, though there is a webhook too."""
    environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token, "HOOK": slack.webhook_url}
    notifier = made(SlackOptions(channel="#ai", webhook_url="${HOOK}"), environ)

    notifier.send(sample_notice())

    assert [request.path for request in slack.received] == ["/api/chat.postMessage"]
    notifier.close()


def test_environment_proxies_are_not_used_on_loopback(slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for the outside world doesn't catch what stays on this host."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    notifier = made(SlackOptions(webhook_url="${HOOK}"), {"HOOK": slack.webhook_url})

    notifier.send(sample_notice())

    assert len(slack.messages) == 1
    notifier.close()

"""Slack: one message for each incident, within Slack's limits, with nothing in it that a label wrote as mark-up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from alertrouter.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.incident import Ack, Reason, Snooze, State
from alertrouter.links import Links
from alertrouter.notice import Notice, NoticeAlert
from alertrouter.notifiers import Notifier, slack_blocks
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render import Renderer
from alertrouter.render.samples import sample_alert, sample_notice
from alertrouter.settings import from_environment
from tests.notifiers.far_sides import made
from tests.standins import Answer, SlackMessage, SlackStandIn
from tests.standins.slack import blocks_of, texts_of

RENDERER = Renderer()
PAGE = "<http://127.0.0.1:9080/incidents/INC-1|INC-1>"
OURS = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>|" + re.escape(PAGE))
"""The only mark-up in angle brackets that our templates write into text."""


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    """Slack."""
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def bot(slack: SlackStandIn) -> Iterator[Notifier]:
    """A bot that posts to #ai-models."""
    environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}
    notifier = made(SlackOptions(channel="#ai-models"), environ)
    yield notifier
    notifier.close()


@pytest.fixture
def hook(slack: SlackStandIn) -> Iterator[Notifier]:
    """An incoming webhook."""
    notifier = made(SlackOptions(webhook_url="${HOOK}"), {"HOOK": slack.webhook_url})
    yield notifier
    notifier.close()


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
    ("change", "shown"),
    [
        ({}, f" · {PAGE} · "),
        ({"external_url": "http://127.0.0.1:9080/"}, f" · {PAGE} · "),
        ({"external_url": ""}, " · INC-1 · "),
        ({"external_url": "javascript:alert(1)"}, " · INC-1 · "),
        ({"external_url": f"http://{'a' * 200}.example.com"}, " · INC-1 · "),
        ({"incident": "test-20260302T100000"}, " · test-20260302T100000 · "),
        ({"shared": True}, " · INC-1 · "),
    ],
)
def test_the_number_of_the_incident_leads_to_its_page(change: dict[str, object], shown: str) -> None:
    """Where its whole story is; not when the address isn't known or long, or what is told has no page."""
    body = slack_blocks.message(replace(sample_notice(), **change), RENDERER, hears=True).fields()

    assert shown in blocks_of(json.loads(json.dumps(body)))[-1]["elements"][0]["text"]


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


def test_a_link_stands_in_for_the_buttons_where_a_click_is_not_heard(slack: SlackStandIn) -> None:
    """On webhooks and deaf bots, while nobody has the incident; which reader uses it can't be told."""
    secret = {"ALERTROUTER_LINK_SECRET": "a-secret-that-signs-links", "HOOK": slack.webhook_url}
    bot = {**secret, "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}
    hearing = made(SlackOptions(channel="#ai"), {**bot, "SLACK_SIGNING_SECRET": "s"})
    deaf = made(SlackOptions(channel="#ai"), bot)
    hook = made(SlackOptions(webhook_url="${HOOK}"), secret)
    taken = Ack(by="lena (api)", at=sample_notice().at, until=None, level=0)

    for notifier in (hearing, deaf, hook):
        notifier.send(sample_notice())
    hook.send(replace(sample_notice(), state=State.ACKNOWLEDGED, ack=taken))

    shown = [_ack_links(message) for message in slack.messages]
    readers = [Links(from_environment(secret)).read(link.rpartition("/")[2]) for found in shown for link in found]
    assert [len(found) for found in shown] == [0, 1, 1, 0]
    assert [read and read.actor() for read in readers] == [
        "somebody in #ai (slack link)",
        "somebody in ai-channel (slack link)",
    ]
    for notifier in (hearing, deaf, hook):
        notifier.close()


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


def test_many_alerts_are_counted() -> None:
    """The first ones are shown with the labels that tell them apart, the rest is counted."""
    notice = sample_notice(firing=tuple(sample_alert(number) for number in range(47)))

    texts = texts_of(blocks_of(slack_blocks.message(notice, RENDERER).fields()))

    (alerts,) = [text for text in texts if "gpu-0:9100" in text]
    assert len(re.findall(r"`instance=gpu-\d+:9100`", alerts)) == 10
    assert alerts.endswith("… and 37 more")


def test_links_become_buttons() -> None:
    """Runbook, dashboard and source; nothing but http and https."""
    alert = sample_alert(1)
    alert.annotations["dashboard_url"] = "javascript:alert(1)"

    blocks = blocks_of(slack_blocks.message(sample_notice(firing=(alert,)), RENDERER).fields())

    (actions,) = [block for block in blocks if block["type"] == "actions"]
    assert [(button["text"]["text"], button["url"]) for button in actions["elements"]] == [
        ("Runbook", "https://runbooks.example.org/ai/model-latency"),
        ("Source", "https://prometheus.example.org/graph?g0.expr=latency"),
    ]


TEXT = some.text(max_size=40) | some.sampled_from(
    ["<!channel>", "<https://evil.example|click>", "&lt;", "x" * 5000, "<" * 3000, "`", "\n\n", "*_~", "\x00"]
)
TEXTS = some.dictionaries(
    some.sampled_from(["alertname", "instance", "summary", "description", "runbook_url", "dashboard_url"]) | TEXT,
    TEXT | some.just("https://runbooks.example.org/<x>|y?" + "z" * 1400),
    max_size=12,
)
ALERTS = some.builds(
    NoticeAlert,
    status=some.just("firing"),
    labels=TEXTS,
    annotations=TEXTS,
    starts_at=some.just(datetime(2026, 3, 2, 10, tzinfo=UTC)),
    ends_at=some.none() | some.just(datetime(2026, 3, 2, 11, tzinfo=UTC)),
    generator_url=TEXT,
)
MOMENT = datetime(2026, 3, 2, 11, tzinfo=UTC)
STANDINGS = some.fixed_dictionaries(
    {
        "state": some.sampled_from(State),
        "climbs": some.booleans(),
        "version": some.integers(0, 10**6),
        "raised": TEXT,
        "ack": some.builds(
            Ack,
            by=TEXT,
            at=some.just(MOMENT),
            until=some.none() | some.just(MOMENT),
            level=some.just(0),
            others=some.lists(TEXT, max_size=5).map(tuple),
        ),
        "snooze": some.none() | some.builds(Snooze, by=TEXT, until=some.just(MOMENT)),
    }
)
SAMPLES = some.builds(
    sample_notice,
    firing=some.lists(ALERTS, max_size=15).map(tuple),
    resolved=some.lists(ALERTS, max_size=5).map(tuple),
    reason=some.sampled_from(Reason),
    severity=TEXT,
    receiver=TEXT,
)
NOTICES = some.builds(lambda notice, standing: replace(notice, **standing), SAMPLES, STANDINGS)


@settings(deadline=None)  # a busy machine is no fault
@given(NOTICES)
def test_whatever_alerts_say_the_message_is_within_limits_and_escaped(notice: Notice) -> None:
    """No label, annotation or name can break a limit of Slack's or write mark-up."""
    body = json.loads(json.dumps(slack_blocks.message(notice, RENDERER, hears=True).fields()))
    reply = slack_blocks.reply(notice, RENDERER)

    blocks = blocks_of(body)
    texts = texts_of(blocks)
    assert len(blocks) <= 50
    assert sum(map(len, texts)) + len(body["text"]) <= 12_000
    assert all(1 <= len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")
    assert 1 <= len(blocks[0]["text"]["text"]) <= 150
    for text in [*texts, body["text"], reply.text if reply else ""]:
        rest = OURS.sub("", text)
        assert "<" not in rest
        assert ">" not in rest
        assert not text.startswith("https://") or text.isprintable()


@settings(deadline=None)  # a busy machine is no fault
@given(NOTICES)
def test_no_template_fails_on_what_alerts_say(notice: Notice) -> None:
    """The built-in templates cope with any labels and annotations."""
    slack_blocks.message(notice, RENDERER)
    slack_blocks.reply(notice, RENDERER)

    assert [str(fault) for fault in RENDERER.faults()] == []


def _ack_links(message: SlackMessage) -> list[str]:
    buttons = [one for block in blocks_of(message.body) for one in block.get("elements", [])]
    return [str(one["url"]) for one in buttons if one.get("action_id") == "open_ack"]

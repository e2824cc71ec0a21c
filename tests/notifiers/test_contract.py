"""One contract for every way of sending: what the far side's answer means does not depend on the channel."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator

import pytest

from alertrouter.errors import DeliveryError, PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.notice import Notice
from alertrouter.notifiers import Notifier
from alertrouter.policy.receiver import (
    Channel,
    EmailOptions,
    InboxOptions,
    Options,
    PagerDutyOptions,
    SlackOptions,
    WebhookOptions,
)
from alertrouter.render.samples import NOTICES, sample_notice
from tests.notifiers.far_sides import OVER_THE_WIRE, SECRET, Cards, FarSide, made

Pair = tuple[Notifier, FarSide]


@pytest.fixture(params=OVER_THE_WIRE)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A notifier and its far side, for each channel in turn."""
    with OVER_THE_WIRE[request.param]() as (notifier, far_side):
        yield notifier, far_side
        notifier.close()


def test_what_is_taken_is_sent(pair: Pair) -> None:
    """A message that the far side takes is sent, in one attempt."""
    notifier, far_side = pair

    sent = notifier.send(sample_notice())

    assert sent.note == ""
    assert far_side.attempts() == 1


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.incident)
def test_every_kind_of_notice_is_taken(pair: Pair, notice: Notice) -> None:
    """The far sides, which check their limits, take every sample: many alerts, none, hostile text."""
    notifier, _ = pair

    sent = notifier.send(notice)

    assert sent.note == ""


def test_busy_is_temporary(pair: Pair) -> None:
    """A far side that is busy is tried again, when it says, and not by the notifier itself."""
    notifier, far_side = pair
    far_side.be_busy("17")

    with pytest.raises(TemporaryFailure) as failure:
        notifier.send(sample_notice())

    can_say_when = notifier.channel is not Channel.EMAIL
    assert failure.value.retry_after == (17 if can_say_when else None)
    assert far_side.attempts() == (1 if can_say_when else 0)


def test_a_fault_of_the_far_side_is_temporary(pair: Pair) -> None:
    """5xx is tried again, and not by the notifier itself."""
    notifier, far_side = pair
    far_side.be_broken()

    with pytest.raises(TemporaryFailure):
        notifier.send(sample_notice())

    assert far_side.attempts() <= 1


def test_silence_after_the_message_left_is_unknown(pair: Pair) -> None:
    """Who took the message and says nothing may have it."""
    notifier, far_side = pair
    far_side.be_silent()

    with pytest.raises(UnknownOutcome):
        notifier.send(sample_notice())

    assert far_side.attempts() == 1


def test_a_refusal_is_for_good(pair: Pair) -> None:
    """Another 4xx, or an unknown mail address, is not tried again."""
    notifier, far_side = pair
    far_side.refuse()

    with pytest.raises(PermanentFailure):
        notifier.send(sample_notice())

    assert far_side.attempts() <= 1


def test_the_next_message_after_a_failure_gets_through(pair: Pair) -> None:
    """A failure leaves nothing behind."""
    notifier, far_side = pair
    if notifier.channel is not Channel.EMAIL:  # a mail server is told its answer once for all
        far_side.be_broken()
        with pytest.raises(TemporaryFailure):
            notifier.send(sample_notice())

    assert notifier.send(sample_notice()).note == ""


@pytest.mark.parametrize("mishap", ["be_broken", "be_silent", "refuse"])
def test_no_secret_is_told(pair: Pair, mishap: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither errors nor logs nor names hold a credential, not even when the far side echoes it."""
    notifier, far_side = pair
    caplog.set_level(logging.DEBUG)
    getattr(far_side, mishap)()

    with pytest.raises(DeliveryError) as failure:
        notifier.send(sample_notice())

    told = [str(failure.value), repr(failure.value), repr(notifier), notifier.lane()]
    told += [record.getMessage() for record in caplog.records if record.name.split(".")[0] != "mail"]
    assert not [text for text in told if SECRET in text]


CLOSED: dict[str, Options] = {
    "slack bot": SlackOptions(channel="#ai", token="x"),
    "slack webhook": SlackOptions(webhook_url="http://127.0.0.1:{port}/services/x", token=""),
    "pagerduty": PagerDutyOptions(routing_key="x"),
    "webhook": WebhookOptions(url="http://127.0.0.1:{port}/x"),
    "email": EmailOptions(to=("oncall@example.org",)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_refused_connection_is_temporary(name: str) -> None:
    """Nobody listens: tried again."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = str(server.getsockname()[1])
    options = _with_port(CLOSED[name], port)
    environ = {
        "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
        "PAGERDUTY_EVENTS_URL": f"http://127.0.0.1:{port}",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": port,
        "SMTP_TLS": "none",
    }
    notifier = made(options, environ)

    with pytest.raises(TemporaryFailure, match="refused"):
        notifier.send(sample_notice())

    notifier.close()


WITHOUT: dict[str, Options] = {
    "Slack #ai-alerts": SlackOptions(channel="#ai-alerts"),
    "Slack": SlackOptions(webhook_url="${SLACK_WEBHOOK_URL}"),
    "PagerDuty": PagerDutyOptions(routing_key="${PAGERDUTY_SERVICE_KEY}"),
    "email to oncall@example.org": EmailOptions(to=("oncall@example.org",)),
    "a webhook": WebhookOptions(url="${HOOK}"),
    "": InboxOptions(),
}


@pytest.mark.parametrize("instead_of", WITHOUT)
def test_without_credentials_the_inbox_stands_in(instead_of: str) -> None:
    """A channel without credentials delivers to the inbox and says what that stands in for."""
    cards = Cards()
    notifier = made(WITHOUT[instead_of], {}, inbox=cards)

    notifier.send(sample_notice())

    assert notifier.channel is Channel.INBOX
    assert [card.instead_of for card in cards.cards.values()] == [instead_of]


def _with_port(options: Options, port: str) -> Options:
    match options:
        case SlackOptions():
            return SlackOptions(
                channel=options.channel, token=options.token, webhook_url=options.webhook_url.replace("{port}", port)
            )
        case WebhookOptions():
            return WebhookOptions(url=options.url.replace("{port}", port))
    return options

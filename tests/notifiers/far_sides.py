"""The far side of each channel, and a notifier made for it as the worker makes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from alertrouter.notice import InboxMessage
from alertrouter.notifiers import Notifier, Patience, notifier_for
from alertrouter.policy.receiver import (
    Channel,
    EmailOptions,
    Integration,
    Options,
    PagerDutyOptions,
    SlackOptions,
    WebhookOptions,
)
from alertrouter.render import Renderer
from alertrouter.settings import from_environment
from tests.standins import Answer, HttpStandIn, MailStandIn, PagerDutyStandIn, SlackStandIn

SECRET = "s3cret-of-the-receiver"
QUICK = Patience(connect=5, read=1)
"""For far sides that may fall silent, which a test then waits for."""
PATIENT = Patience(connect=5, read=30)
"""For those that always answer, on a machine that may stall."""


class FarSide(Protocol):
    """What a contract test asks of the other end."""

    def be_busy(self, retry_after: str) -> None:
        """Refuse the next message for now, asking for patience where the protocol can."""

    def be_broken(self) -> None:
        """Fail at the next message through a fault of its own."""

    def be_silent(self) -> None:
        """Take the next message and say nothing."""

    def refuse(self) -> None:
        """Refuse the next message for good, echoing the credentials where it can."""

    def attempts(self) -> int:
        """How many messages were tried so far."""


@dataclass
class HttpFarSide:
    """A far side behind HTTP."""

    stand_in: HttpStandIn

    def be_busy(self, retry_after: str) -> None:
        """429."""
        headers = {"Retry-After": retry_after}
        self.stand_in.answer_next(Answer(429, b"slow down", headers))

    def be_broken(self) -> None:
        """503."""
        self.stand_in.answer_next(Answer(503, b"upstream is away"))

    def be_silent(self) -> None:
        """No answer for a minute."""
        self.stand_in.answer_next(Answer(delay=60))

    def refuse(self) -> None:
        """403."""
        self.stand_in.answer_next(Answer(403, f"no: {SECRET} {self.stand_in.url}/{SECRET}".encode()))

    def attempts(self) -> int:
        """Requests so far."""
        return len(self.stand_in.received)


@dataclass
class MailFarSide:
    """A mail server."""

    stand_in: MailStandIn

    def be_busy(self, retry_after: str) -> None:
        """451 to the message; SMTP can't say until when."""
        self.stand_in.reply = "451 try again later"

    def be_broken(self) -> None:
        """452 to the message."""
        self.stand_in.reply = "452 the disk is full"

    def be_silent(self) -> None:
        """Take the message and say nothing."""
        self.stand_in.stall = True

    def refuse(self) -> None:
        """550 to every recipient."""
        self.stand_in.refuse = {"oncall@example.org": f"550 no: {SECRET}"}

    def attempts(self) -> int:
        """Mails taken."""
        return len(self.stand_in.received)


@dataclass
class Cards:
    """An inbox in memory, in the store's place: the latest card on top."""

    cards: dict[str, InboxMessage] = field(default_factory=dict)

    def keep(self, message: InboxMessage) -> None:
        """Keep it."""
        self.cards.pop(message.id, None)
        self.cards[message.id] = message


def made(
    options: Options,
    environ: Mapping[str, str],
    *,
    inbox: Cards | None = None,
    patience: Patience = PATIENT,
    templates: Path | None = None,
) -> Notifier:
    """A notifier for these options, as `notifier_for` makes it from the environment."""
    channel = {
        SlackOptions: Channel.SLACK,
        PagerDutyOptions: Channel.PAGERDUTY,
        EmailOptions: Channel.EMAIL,
        WebhookOptions: Channel.WEBHOOK,
    }.get(type(options), Channel.INBOX)
    integration = Integration(id=f"oncall/{channel}", receiver="oncall", channel=channel, options=options)
    return notifier_for(
        integration, from_environment(environ), Renderer(templates), inbox or Cards(), patience=patience
    )


@contextmanager
def slack_bot() -> Iterator[tuple[Notifier, FarSide]]:
    """Slack, by a bot token."""
    with SlackStandIn() as stand_in:
        stand_in.token = SECRET
        environ = {"SLACK_API_URL": stand_in.api_url, "SLACK_BOT_TOKEN": SECRET}
        yield made(SlackOptions(channel="#ai"), environ, patience=QUICK), HttpFarSide(stand_in)


@contextmanager
def slack_webhook() -> Iterator[tuple[Notifier, FarSide]]:
    """Slack, by an incoming webhook."""
    with SlackStandIn() as stand_in:
        environ = {"SLACK_WEBHOOK_URL": f"{stand_in.url}/services/{SECRET}"}
        yield made(SlackOptions(webhook_url="${SLACK_WEBHOOK_URL}"), environ, patience=QUICK), HttpFarSide(stand_in)


@contextmanager
def pagerduty() -> Iterator[tuple[Notifier, FarSide]]:
    """PagerDuty."""
    with PagerDutyStandIn() as stand_in:
        environ = {"PAGERDUTY_EVENTS_URL": stand_in.url, "PAGERDUTY_SERVICE_KEY": SECRET}
        yield (
            made(PagerDutyOptions(routing_key="${PAGERDUTY_SERVICE_KEY}"), environ, patience=QUICK),
            HttpFarSide(stand_in),
        )


@contextmanager
def webhook() -> Iterator[tuple[Notifier, FarSide]]:
    """A webhook."""
    with HttpStandIn() as stand_in:
        environ = {"HOOK": f"{stand_in.url}/hook/{SECRET}", "HOOK_TOKEN": SECRET}
        yield (
            made(WebhookOptions(url="${HOOK}", bearer_token="${HOOK_TOKEN}"), environ, patience=QUICK),
            HttpFarSide(stand_in),
        )


@contextmanager
def email() -> Iterator[tuple[Notifier, FarSide]]:
    """Email."""
    with MailStandIn(login=("alertrouter", SECRET)) as stand_in:
        environ = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(stand_in.port),
            "SMTP_TLS": "none",
            "SMTP_USERNAME": "alertrouter",
            "SMTP_PASSWORD": SECRET,
        }
        yield made(EmailOptions(to=("oncall@example.org",)), environ, patience=QUICK), MailFarSide(stand_in)


OVER_THE_WIRE = {
    "slack bot": slack_bot,
    "slack webhook": slack_webhook,
    "pagerduty": pagerduty,
    "webhook": webhook,
    "email": email,
}

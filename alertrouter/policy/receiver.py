"""Receivers: named places that messages go to, each with one or more integrations.

Option values may hold placeholders (`${NAME}`, `${NAME:-other}`): they are resolved by the worker at the moment of
sending and never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

SLACK_TOKEN: Final = "${SLACK_BOT_TOKEN:-}"  # noqa: S105 -- a placeholder, not a token


class Channel(StrEnum):
    """The kinds of integration."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"
    WEBHOOK = "webhook"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackOptions:
    """Slack: with a bot token `channel` is posted to and messages are updated in place; else `webhook_url`.

    `mention` is the Slack id of a user who is to see it.
    """

    channel: str = ""
    webhook_url: str = ""
    token: str = SLACK_TOKEN
    mention: str = ""
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutyOptions:
    """PagerDuty: an Events API v2 integration key. `severity` maps the policy's severities to PagerDuty's."""

    routing_key: str
    severity: tuple[tuple[str, str], ...] = ()
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOptions:
    """Email: addresses; `from_address` takes the place of SMTP_FROM."""

    to: tuple[str, ...]
    from_address: str = ""
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """A webhook: posts Alertmanager's v4 body, with a token or, by basic auth, a user. `max_alerts` 0 means all."""

    url: str
    bearer_token: str = ""
    username: str = ""
    password: str = ""
    max_alerts: int = 0
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxOptions:
    """The built-in inbox, shown on the page at `/`."""

    send_resolved: bool = True


Options: TypeAlias = SlackOptions | PagerDutyOptions | EmailOptions | WebhookOptions | InboxOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One way in which a receiver is reached. `id` is `receiver/channel`, then `receiver/channel/1` and so on."""

    id: str
    receiver: str
    channel: Channel
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A named place that messages go to."""

    name: str
    integrations: tuple[Integration, ...]

"""Messages out: one file for each channel, one contract for all (`notifier`), and one test of it.

A channel's libraries are loaded when the first notifier of it is made: each process holds those that it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from alertrouter.notice import Inbox
from alertrouter.notifiers.notifier import Notifier, Patience, Sent, Together
from alertrouter.policy.receiver import (
    EmailOptions,
    InboxOptions,
    Integration,
    PagerDutyOptions,
    SlackOptions,
    WebhookOptions,
)
from alertrouter.settings import Settings

if TYPE_CHECKING:
    from alertrouter.render import Renderer

__all__ = ["Notifier", "Patience", "Sent", "Together", "notifier_for"]

_PATIENCE = Patience()


def notifier_for(
    integration: Integration, settings: Settings, renderer: Renderer, inbox: Inbox, *, patience: Patience = _PATIENCE
) -> Notifier:
    """The notifier of an integration, its placeholders filled in; the inbox when its credentials are missing.

    Make it once for each integration and policy revision, and close it: it keeps connections.
    """
    options = integration.options
    made: Notifier | None
    match options:
        case SlackOptions():
            made = _slack(options, settings, renderer, patience)
            instead_of = f"Slack {settings.resolve(options.channel)}".strip()
        case PagerDutyOptions():
            made, instead_of = _pagerduty(options, settings, renderer, patience), "PagerDuty"
        case EmailOptions():
            made = _email(options, settings, renderer, patience)
            instead_of = f"email to {', '.join(_recipients(options, settings)) or 'nobody'}"
        case WebhookOptions():
            made, instead_of = _webhook(options, settings, patience), "a webhook"
        case InboxOptions():
            made, instead_of = None, ""
        case _:
            assert_never(options)
    if made is None:
        from alertrouter.notifiers.inbox import InboxNotifier

        made = InboxNotifier(inbox, renderer, instead_of)
    return made


def _slack(options: SlackOptions, settings: Settings, renderer: Renderer, patience: Patience) -> Notifier | None:
    channel = settings.resolve(options.channel).strip()
    token, url = settings.resolve(options.token).strip(), settings.resolve(options.webhook_url).strip()
    if not url and not (token and channel):
        return None
    from alertrouter.links import Links
    from alertrouter.notifiers.slack import SlackBot, SlackWebhook

    if token and channel:
        hears = settings.hears_slack
        return SlackBot(
            settings.slack_api_url,
            token,
            channel,
            renderer,
            Links(settings),
            patience,
            hears=hears,
            mention=options.mention,
        )
    return SlackWebhook(url, channel, renderer, Links(settings), patience, mention=options.mention)


def _pagerduty(
    options: PagerDutyOptions, settings: Settings, renderer: Renderer, patience: Patience
) -> Notifier | None:
    key = settings.resolve(options.routing_key).strip()
    if not key:
        return None
    from alertrouter.notifiers.pagerduty import PagerDutyNotifier

    severities = dict(options.severity)
    return PagerDutyNotifier(key, settings.pagerduty_events_url, settings.namespace, severities, renderer, patience)


def _email(options: EmailOptions, settings: Settings, renderer: Renderer, patience: Patience) -> Notifier | None:
    to = _recipients(options, settings)
    if not to or not settings.smtp.host:
        return None
    from alertrouter.links import Links
    from alertrouter.notifiers.email import EmailNotifier

    sender = settings.resolve(options.from_address).strip()
    return EmailNotifier(to, sender, settings.smtp, settings.namespace, renderer, Links(settings), patience)


def _recipients(options: EmailOptions, settings: Settings) -> tuple[str, ...]:
    return tuple(address for address in (settings.resolve(text).strip() for text in options.to) if address)


def _webhook(options: WebhookOptions, settings: Settings, patience: Patience) -> Notifier | None:
    url = settings.resolve(options.url).strip()
    if not url:
        return None
    from alertrouter.notifiers.webhook import Credentials, WebhookNotifier

    texts = (options.bearer_token, options.username, options.password)
    return WebhookNotifier(
        url, Credentials(*(settings.resolve(text).strip() for text in texts)), options.max_alerts, patience
    )

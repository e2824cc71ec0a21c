"""What `up` says when all of it runs: where the page is, a first alert to copy, and where messages go."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Final

from alertrouter import __version__, policydir
from alertrouter.notifiers import notifier_for
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel, Integration
from alertrouter.render import Renderer
from alertrouter.settings import Settings
from alertrouter.store.connection import connect, without_password
from alertrouter.store.embedded import redis_url
from alertrouter.store.inbox import RedisInbox
from alertrouter.store.keys import Keys

LABELS: Final[Mapping[str, str]] = {"alertname": "FirstAlert", "component": "ai", "severity": "critical"}
FIRST_ALERT: Final = {"labels": LABELS, "annotations": {"summary": "Hello from your first alert"}}
NAMES: Final[Mapping[Channel, str]] = {
    Channel.SLACK: "Slack",
    Channel.PAGERDUTY: "PagerDuty",
    Channel.EMAIL: "Email",
    Channel.WEBHOOK: "Webhook",
}
REMEDY: Final[Mapping[Channel, str]] = {
    Channel.SLACK: "set SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL",
    Channel.PAGERDUTY: "set PAGERDUTY_SERVICE_KEY",
    Channel.EMAIL: "set SMTP_HOST",
    Channel.WEBHOOK: "set what its url names",
}


def banner(settings: Settings, policy: Policy) -> str:
    """Write it, in plain words."""
    lines = [
        f"alertrouter {__version__} is ready.",
        "",
        f"  Inbox      {settings.local_url}/",
        f"  Policy     {_policy_from(settings)}",
        f"  Redis      {_redis(settings)}",
        *(f"  {line}" for line in channels(settings, policy)),
        "",
        f"Make a first message arrive{_patience(policy)}:",
        "",
        f"  {first_command(settings)}",
        "",
        "Ctrl-C stops all of it.",
    ]
    return "\n" + "\n".join(lines) + "\n\n"


def first_command(settings: Settings) -> str:
    """The curl line that sends a first alert. A token that senders need is left for the reader to fill in."""
    words = ["curl", "-sS", "-X", "POST", f"{settings.local_url}/api/v1/alerts", "-H", "Content-Type: application/json"]
    if settings.ingest_tokens:
        words += ["-H", "Authorization: Bearer <one of ALERTROUTER_INGEST_TOKENS>"]
    elif settings.ingest_users:
        words += ["-u", "<one of ALERTROUTER_INGEST_USERS>"]
    return shlex.join([*words, "-d", json.dumps(FIRST_ALERT, separators=(",", ":"))])


def channels(settings: Settings, policy: Policy) -> list[str]:
    """One line for each kind of channel that the policy uses: whether its messages go out or to the inbox."""
    integrations = [one for receiver in policy.receivers.values() for one in receiver.integrations]
    reached = {one.id: _really(one, settings) for one in integrations}
    lines = []
    for channel, name in NAMES.items():
        ours = [one for one in integrations if one.channel is channel]
        inside = [one for one in ours if reached[one.id] is Channel.INBOX]
        if ours and not inside:
            lines.append(f"{name:10} has credentials: messages go out")
        elif ours and len(inside) == len(ours):
            lines.append(f"{name:10} has no credentials: messages go to the inbox ({REMEDY[channel]})")
        elif ours:
            lines.append(f"{name:10} messages go out, but to the inbox for {_receivers(inside)}: no credentials")
    return lines


def _really(integration: Integration, settings: Settings) -> Channel:
    """Ask the notifier itself, as the worker will make it. Nothing is sent, and Redis is not spoken to."""
    inbox = RedisInbox(connect(redis_url(settings)), Keys(settings.namespace), settings.inbox_size)
    with closing(notifier_for(integration, settings, Renderer(settings.templates), inbox)) as notifier:
        return notifier.channel


def _receivers(integrations: Iterable[Integration]) -> str:
    return ", ".join(sorted({one.receiver for one in integrations}))


def _policy_from(settings: Settings) -> str:
    if settings.policy == policydir.builtin("policies"):
        return f"the built-in one ({settings.policy})"
    return str(settings.policy)


def _redis(settings: Settings) -> str:
    if settings.redis_url:
        return without_password(settings.redis_url)
    return f"embedded Valkey, its files in {settings.state_dir}"


def _patience(policy: Policy) -> str:
    """How long a reader has to wait for it, by the policy."""
    wait = min(match.route.options.group_wait for match in policy.routes(LABELS))
    return f" in about {max(int(wait.total_seconds()), 1)} s (the route's group_wait)"

"""What `doctor` looks at beyond: Slack, PagerDuty and webhooks as the policy's receivers use them. Nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from alertrouter.cli.checkup_here import skew_of_answer
from alertrouter.cli.checkup_mail import mail_server
from alertrouter.cli.checkup_slack import way_back
from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.errors import AlertrouterError
from alertrouter.notice import InboxMessage
from alertrouter.notifiers import Patience, notifier_for
from alertrouter.notifiers.http import NO_ANSWER, client, excerpt, failure_of
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel, Integration, PagerDutyOptions, SlackOptions, WebhookOptions
from alertrouter.render import Renderer
from alertrouter.settings import Settings

PATIENCE: Final = Patience(connect=5, read=5)
SCOPES: Final[Mapping[str, str]] = {
    "chat:write": "to post at all",
    "chat:write.public": "to post to channels that the bot was not invited to",
    "commands": "for /alertrouter",
}
OPTIONAL_SCOPES: Final = (
    "channels:read",
    "channels:history",
    "groups:read",
    "groups:history",
    "im:write",
    "im:history",
)
"""By these a bot finds out whether a message is there whose posting was not answered."""
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_INCOMING_WEBHOOK: Final = re.compile(r"https://hooks\.slack(-gov)?\.com/(services|workflows|triggers)/\S+")
_INTEGRATION_KEY: Final = re.compile(r"[A-Za-z0-9]{32}")


class _Authenticated(msgspec.Struct):
    """The parts of Slack's answer to auth.test that matter."""

    ok: bool = False
    error: str = ""
    team: str = ""
    user: str = ""


_SLACK: Final = msgspec.json.Decoder(_Authenticated)


class _Nowhere:
    """An inbox for notifiers that are made and never used."""

    def keep(self, message: InboxMessage) -> None:
        """Keep nothing."""


def channels(policy: Policy, settings: Settings) -> Iterator[Finding]:
    """Look at every far side that the policy's receivers use, each once."""
    integrations = [one for name in policy.receivers for one in policy.integrations(name)]
    ready, lacking, unreadable = _sorted(integrations, settings)
    yield from unreadable
    yield from _to_the_inbox(lacking)
    slack = [one.options for one in ready if isinstance(one.options, SlackOptions)]
    tokens = dict.fromkeys(settings.resolve(one.token).strip() for one in slack if _posts_as_bot(one, settings))
    for token in tokens:
        yield from _slack_token(token, settings)
    if tokens:
        yield from way_back(settings)
    urls = (settings.resolve(one.webhook_url).strip() for one in slack if not _posts_as_bot(one, settings))
    yield from _slack_webhooks(tuple(dict.fromkeys(urls)), settings)
    keys = (settings.resolve(one.options.routing_key) for one in ready if isinstance(one.options, PagerDutyOptions))
    yield from _pagerduty(tuple(dict.fromkeys(key.strip() for key in keys)), settings)
    if any(one.channel is Channel.EMAIL for one in ready):
        yield mail_server(settings.smtp)
    for one in ready:
        if isinstance(one.options, WebhookOptions) and not _is_http(settings.resolve(one.options.url).strip()):
            yield wrong("webhook", f"{one.id}: the url is no http(s) address", f"correct it in the policy: {one.id}")


def _sorted(
    integrations: Iterable[Integration], settings: Settings
) -> tuple[list[Integration], list[Integration], list[Finding]]:
    """Tell apart, as the worker would: those with credentials, those that go to the inbox, those that fail."""
    ready: list[Integration] = []
    lacking: list[Integration] = []
    unreadable: list[Finding] = []
    renderer, nowhere = Renderer(), _Nowhere()
    for one in integrations:
        try:
            notifier = notifier_for(one, settings, renderer, nowhere)
        except AlertrouterError as error:
            unreadable.append(wrong(one.channel, f"{one.id}: {error}", "correct the file or the policy"))
            continue
        notifier.close()
        (ready if notifier.channel is one.channel else lacking).append(one)
    return ready, lacking, unreadable


def _to_the_inbox(lacking: Iterable[Integration]) -> Iterator[Finding]:
    """Say for each channel which receivers have no credentials, and which variables would give them some."""
    by_channel: dict[Channel, list[Integration]] = {}
    for one in lacking:
        by_channel.setdefault(one.channel, []).append(one)
    for channel, ones in by_channel.items():
        names = ", ".join(dict.fromkeys(one.receiver for one in ones))
        variables = dict.fromkeys(
            name for one in ones for text in _credentials(one) for name in _PLACEHOLDER.findall(text)
        )
        if channel is Channel.EMAIL:
            variables = {"SMTP_HOST": None}
        yield warning(
            channel,
            f"no credentials: messages to {names} go to the inbox",
            f"set {' or '.join(variables)}" if variables else "give the receivers credentials in the policy",
        )


def _credentials(one: Integration) -> tuple[str, ...]:
    match one.options:
        case SlackOptions(token=token, webhook_url=url):
            return token, url
        case PagerDutyOptions(routing_key=key):
            return (key,)
        case WebhookOptions(url=url):
            return (url,)
        case _:
            return ()


def _posts_as_bot(options: SlackOptions, settings: Settings) -> bool:
    return bool(settings.resolve(options.token).strip() and settings.resolve(options.channel).strip())


def _slack_token(token: str, settings: Settings) -> Iterator[Finding]:
    """Ask Slack who the token is, and what it may do."""
    url = f"{settings.slack_api_url}auth.test"
    renew = "take the Bot User OAuth Token (xoxb-…) of your app at https://api.slack.com/apps"
    try:
        with client(url, PATIENCE) as http:
            answer = http.post(url, headers={"Authorization": f"Bearer {token}"})
            said = _SLACK.decode(answer.content)
    except NO_ANSWER as error:
        yield wrong("slack", str(failure_of(error, url)), "check SLACK_API_URL, proxies and the firewall")
        return
    except (ValueError, RecursionError):
        yield wrong("slack", f"{url} answers, but not as Slack does", "check SLACK_API_URL")
        return
    if not said.ok:
        why = excerpt((said.error or f"answered {answer.status_code}").encode(), (token,))
        yield wrong("slack", f"the token is refused: {why}", renew)
        return
    yield fine("slack", f"the token is {excerpt(said.user.encode())}'s in {excerpt(said.team.encode())}")
    yield from _scopes(answer.headers.get("x-oauth-scopes"))
    yield from skew_of_answer("Slack", answer.headers.get("date", ""), datetime.now(UTC))


def _scopes(header: str | None) -> Iterator[Finding]:
    mend = "add it under OAuth & Permissions at https://api.slack.com/apps, then reinstall the app"
    if header is None:
        yield warning(
            "slack scopes", "Slack did not say which scopes the token has", f"make sure of {', '.join(SCOPES)}"
        )
        return
    has = {scope.strip() for scope in header.split(",")}
    for scope, purpose in SCOPES.items():
        if scope not in has:
            finding = wrong if scope == "chat:write" else warning
            yield finding("slack scopes", f"{scope} is missing: needed {purpose}", mend)
    if has >= SCOPES.keys():
        yield fine("slack scopes", ", ".join(SCOPES))
    without = [scope for scope in OPTIONAL_SCOPES if scope not in has]
    if without:
        text = f"without {', '.join(without)} a message may come twice when Slack fails to answer: docs/slack.md"
        yield fine("slack look-up", text)
    else:
        yield fine("slack look-up", "messages are looked for before they are posted again")


def _slack_webhooks(urls: tuple[str, ...], settings: Settings) -> Iterator[Finding]:
    """Look at their form only: the one way to try an incoming webhook is to post."""
    if not urls:
        return
    slack_itself = _host(settings.slack_api_url).endswith("slack.com")
    bad = [url for url in urls if not (_INCOMING_WEBHOOK.fullmatch(url) if slack_itself else _is_http(url))]
    if bad:
        yield wrong(
            "slack webhooks",
            f"{len(bad)} of {len(urls)} don't have the form https://hooks.slack.com/services/…",
            "copy the address anew from Incoming Webhooks at https://api.slack.com/apps",
        )
    else:
        yield fine("slack webhooks", f"{len(urls)} of the right form; try them: alertrouter send-test RECEIVER")


def _pagerduty(keys: tuple[str, ...], settings: Settings) -> Iterator[Finding]:
    """Look at the keys' form, and knock at the Events API without an event."""
    if not keys:
        return
    url = settings.pagerduty_events_url
    odd = [key for key in keys if not _INTEGRATION_KEY.fullmatch(key)]
    if odd and _host(url).endswith("pagerduty.com"):
        yield wrong(
            "pagerduty",
            f"{len(odd)} of {len(keys)} keys are no integration keys: expected 32 letters and digits",
            "take the Integration Key of an Events API v2 integration of the service, not a REST API key",
        )
    try:
        with client(url, PATIENCE) as http:
            answer = http.get(url)
    except NO_ANSWER as error:
        yield wrong("pagerduty", str(failure_of(error, url)), "check PAGERDUTY_EVENTS_URL, proxies and the firewall")
        return
    yield fine("pagerduty", f"{url} is reached; try the key: alertrouter send-test RECEIVER --resolve")
    yield from skew_of_answer("PagerDuty", answer.headers.get("date", ""), datetime.now(UTC))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://")) and bool(_host(url))

"""`receivers:` → places that messages go to, with no secret written down in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from alertrouter.policy.contacts import PREFIX
from alertrouter.policy.reading.faults import holds_secret
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Fields, Reader, Value, Wrong, one_of, one_or_more
from alertrouter.policy.receiver import (
    SLACK_TOKEN,
    Channel,
    EmailOptions,
    InboxOptions,
    Integration,
    Options,
    PagerDutyOptions,
    Receiver,
    SlackOptions,
    WebhookOptions,
)

PAGERDUTY_SEVERITIES: Final = ("info", "warning", "error", "critical")

MOST_CHARACTERS: Final = 2000

_PLACEHOLDER: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}$]*)?\}")
SECRET_FILE: Final = re.compile(r"/[^{}$\x00]+")
_HINTS: Final = {
    "api_url": "found Alertmanager's key `api_url`, expected `webhook_url`",
    "service_key": "found Alertmanager's key `service_key`, expected `routing_key`",
    "name": 'found `name`: a receiver\'s name is its key, as in `my-channel: {slack: {channel: "#alerts"}}`',
}


def receivers(names: Names, value: Value) -> dict[str, Receiver]:
    """Read all receivers."""
    return value.table(partial(_receiver, names))


def _receiver(names: Names, name: str, value: Value) -> Receiver:
    integrations: list[Integration] = []
    if name.startswith(PREFIX):
        raise Wrong(f"found `{name}`, expected another name: those with `{PREFIX}` are made of `people`")
    with value.fields(_HINTS) as fields:
        for channel in Channel:
            made = fields.take(channel.value, one_or_more(partial(_options, channel, names)), ())
            for number, options in enumerate(made):
                suffix = f"/{number}" if number else ""
                integrations.append(
                    Integration(id=f"{name}/{channel}{suffix}", receiver=name, channel=channel, options=options)
                )
    return Receiver(name=name, integrations=tuple(integrations))


def _options(channel: Channel, names: Names, value: Value) -> Options:
    with value.fields(_HINTS) as fields:
        send_resolved = fields.take("send_resolved", Value.flag, True)
        return _KINDS[channel](fields, send_resolved, names)


def _slack(fields: Fields, send_resolved: bool, _: Names) -> SlackOptions:
    options = SlackOptions(
        channel=fields.take("channel", _public, ""),
        webhook_url=secret(fields, "webhook_url") or "",
        token=secret(fields, "token") or SLACK_TOKEN,
        send_resolved=send_resolved,
    )
    if not {"channel", "webhook_url", "webhook_url_file"} & fields.present:
        fields.wrong("found neither `channel` nor `webhook_url`, expected one of them, or both")
    return options


def _pagerduty(fields: Fields, send_resolved: bool, names: Names) -> PagerDutyOptions:
    if not {"routing_key", "routing_key_file"} & fields.present:
        fields.wrong("found neither `routing_key` nor `routing_key_file`, expected one of them")
    return PagerDutyOptions(
        routing_key=secret(fields, "routing_key") or "",
        severity=tuple(fields.take("severity", partial(_severity_map, names), {}).items()),
        send_resolved=send_resolved,
    )


def _severity_map(names: Names, value: Value) -> dict[str, str]:
    return value.keyed("severity", names.severities, one_of("PagerDuty severity", PAGERDUTY_SEVERITIES))


def _email(fields: Fields, send_resolved: bool, _: Names) -> EmailOptions:
    return EmailOptions(
        to=fields.need("to", one_or_more(address), ()),
        from_address=fields.take("from", address, ""),
        send_resolved=send_resolved,
    )


def _webhook(fields: Fields, send_resolved: bool, _: Names) -> WebhookOptions:
    username, password = fields.take("basic_auth", _basic_auth, ("", ""))
    if "basic_auth" in fields.present and {"bearer_token", "bearer_token_file"} & fields.present:
        fields.wrong("found both `basic_auth` and a bearer token, expected one of them", "basic_auth")
    url = _or_file(fields, "url", _url)
    if not {"url", "url_file"} & fields.present:
        fields.wrong("found neither `url` nor `url_file`, expected one of them")
    return WebhookOptions(
        url=url or "",
        bearer_token=secret(fields, "bearer_token") or "",
        username=username,
        password=password,
        max_alerts=fields.take("max_alerts", Value.count, 0),
        send_resolved=send_resolved,
    )


def _basic_auth(value: Value) -> tuple[str, str]:
    """User and password; either may be missing, as in Prometheus."""
    with value.fields() as fields:
        username, password = _or_file(fields, "username", _public), secret(fields, "password")
        if not fields.present:
            fields.wrong("found neither `username` nor `password`, expected one of them, or both")
        return username or "", password or ""


def _inbox(_: Fields, send_resolved: bool, __: Names) -> InboxOptions:
    return InboxOptions(send_resolved=send_resolved)


_KINDS: Final[Mapping[Channel, Callable[[Fields, bool, Names], Options]]] = {
    Channel.SLACK: _slack,
    Channel.PAGERDUTY: _pagerduty,
    Channel.EMAIL: _email,
    Channel.WEBHOOK: _webhook,
    Channel.INBOX: _inbox,
}


def _public(value: Value) -> str:
    """A text that may be seen by everybody: placeholders are well-formed, and no secret stands in it."""
    text = value.text()
    if len(text) > MOST_CHARACTERS:
        raise value.expected(f"at most {MOST_CHARACTERS} characters")
    if holds_secret(text):
        raise Wrong("found a secret written down, expected `${NAME}` from the environment, or a `…_file` key")
    if "${" in _beside_placeholders(text):
        raise value.expected("placeholders of the form `${NAME}` or `${NAME:-other}`")
    return text


def _placeholder(key: str, value: Value) -> str:
    """A secret: nothing but a placeholder."""
    text = value.text()
    if len(text) > MOST_CHARACTERS or _beside_placeholders(text):
        raise Wrong(f"found a secret written down, expected `${{NAME}}` from the environment, or the key `{key}_file`")
    return _public(value)


def _beside_placeholders(text: str) -> str:
    """What is left of a text without its `${NAME}` and `${NAME:-other}`, which may stand in one another."""
    rest, before = text, ""
    while rest != before:
        rest, before = _PLACEHOLDER.sub("", rest), rest
    return rest


def secret(fields: Fields, key: str) -> str | None:
    """A secret from the environment (`key`) or from a file (`key_file`), as the placeholder that stands for it."""
    return _or_file(fields, key, partial(_placeholder, key))


def _or_file(fields: Fields, key: str, read: Reader[str]) -> str | None:
    """A text, or what stands in a file (`key_file`), as the placeholder for that."""
    written = fields.take(key, read, None)
    from_file = fields.take(f"{key}_file", _file, None)
    if {key, f"{key}_file"} <= fields.present:
        fields.wrong(f"found both `{key}` and `{key}_file`, expected one of them", f"{key}_file")
    return written or from_file


def _file(value: Value) -> str:
    path = value.text()
    if not SECRET_FILE.fullmatch(path):
        raise value.expected("an absolute path without `{`, `}`, `$`")
    return f"${{file:{path}}}"


def address(value: Value) -> str:
    """An email address, or a placeholder for one."""
    text = _public(value)
    if "@" not in text and "${" not in text:
        raise value.expected("an email address")
    return text


def _url(value: Value) -> str:
    url = _public(value)
    if not url.startswith(("http://", "https://", "${")):
        raise value.expected("an http:// or https:// address, or a placeholder")
    return url

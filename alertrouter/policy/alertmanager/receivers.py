"""`receivers:` and `global:` → drafts of receivers, with everything said that a policy has no place for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, items, place_of, section, spoken, text
from alertrouter.policy.alertmanager.mail import Mail, addresses, check_headers, threading
from alertrouter.policy.alertmanager.notes import HIDDEN, Report, placeholders, with_placeholders
from alertrouter.policy.alertmanager.slack import actions, slack_fields
from alertrouter.policy.alertmanager.yamlwriter import listed, pairs, scalar
from alertrouter.policy.reading.faults import Place, holds_secret
from alertrouter.policy.reading.value import Fields, Value, Wrong

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
CHAT_POST_MESSAGE: Final = "https://slack.com/api/chat.postMessage"

_SECRET_QUERIES: Final = ("token", "key", "secret", "sig", "password", "auth", "code")
_LONGEST_OPEN_PART: Final = 20
"""A part of a path that is longer, with letters and digits in it, may be what makes a URL a secret."""

_ALTERNATIVES: Final[Mapping[str, str]] = {
    "opsgenie": "Opsgenie takes mail: give the team's address as `email`, or post to a bridge with `webhook`",
    "victorops": "Splunk On-Call takes mail: give the team's address as `email`, or post to a bridge with `webhook`",
    "incidentio": "post to incident.io's HTTP alert source through a bridge with `webhook`",
    "jira": "post to an automation rule of Jira with `webhook`",
    "sns": "post to a function that publishes to the topic with `webhook`",
}
_USUAL_ALTERNATIVE: Final = "post to a bridge with `webhook`, or use `slack`, `pagerduty` or `email`"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a message in Go's template language: `target` is the template that it becomes.

    `destination` is the id of the integration that it belongs to.
    """

    destination: str
    target: str
    key: str
    place: Place
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """One integration as the policy will have it: its options, written, and the comments before it."""

    channel: str
    options: tuple[tuple[str, str], ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverDraft:
    """One receiver as the policy will have it."""

    name: str
    line: int
    parts: tuple[Part, ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Globals:
    """What `global:` says that receivers fall back on. Options are written already."""

    slack: tuple[tuple[str, str], ...] = ()
    slack_bearer: tuple[tuple[str, str], ...] = ()
    pagerduty_url: str = PAGERDUTY_URL
    mail: Mail = field(default_factory=Mail)
    http: Fields | None = None


@dataclass(slots=True)
class Receivers:
    """Reads receivers against the global settings; gathers texts, variables and notes on the way."""

    report: Report
    globals: Globals
    severities: tuple[str, ...]
    texts: list[Text] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    _destination: str = ""

    def read(self, value: Value) -> tuple[ReceiverDraft, ...]:
        """Read the list."""
        drafts: dict[str, ReceiverDraft] = {}
        for item in items(value):
            draft = item.read(spoken(self._receiver), None)
            if draft is None:
                continue
            if draft.name in drafts:
                first = drafts[draft.name].line
                item.read(partial(_refuse, f"found a second receiver `{draft.name}`, the first is in line {first}"), 0)
            if draft.name:
                drafts.setdefault(draft.name, draft)
        return tuple(drafts.values())

    def _receiver(self, value: Value) -> ReceiverDraft:
        parts: list[Part] = []
        comments: list[str] = []
        with section(value) as fields:
            name = fields.need("name", Value.text, "")
            if "labels" in fields:
                comments.append(
                    self.report.note(
                        place_of(fields, "labels"),
                        f"receivers[{name}].labels",
                        "labels of a receiver are left out",
                        why="a receiver has none here",
                        todo="put them on its route, as `labels`",
                    )
                )
            for channel, read in self._readers().items():
                each = partial(self._each, channel, read, name)
                for place, options in fields.take(f"{channel}_configs", each, ()):
                    parts.append(_part(channel, place, options))
            for kind, keys in grammar.OTHERS.items():
                parts += fields.take(f"{kind}_configs", partial(self._others, kind, keys, name), ())
        return ReceiverDraft(name, value.node.place.line, tuple(parts), tuple(comments))

    def _readers(self) -> Mapping[str, Callable[[str, Fields], _Options]]:
        return {"slack": self._slack, "pagerduty": self._pagerduty, "email": self._email, "webhook": self._webhook}

    def _each(
        self, channel: str, read: Callable[[str, Fields], _Options], name: str, value: Value
    ) -> tuple[tuple[Place, _Options], ...]:
        found: list[tuple[Place, _Options]] = []

        def one(item: Value) -> _Options:
            # The id that the integration will have, by which its texts know their messages.
            self._destination = f"{name}/{channel}/{len(found)}" if found else f"{name}/{channel}"
            with section(item) as fields:
                return read(name, fields)

        for item in items(value):
            options = item.read(spoken(one), None)
            found += [(item.node.place, options)] if options else []
        return tuple(found)

    def _others(self, kind: str, keys: tuple[str, ...], name: str, value: Value) -> tuple[Part, ...]:
        def one(item: Value) -> Part:
            with section(item, keys) as fields:
                fields.take("send_resolved", flag, True)
            said = self.report.note(
                item.node.place,
                f"receivers[{name}].{kind}_configs",
                f"`{kind}` becomes the inbox",
                why=f"alertrouter has no channel for {kind}: without the inbox its alerts would reach nobody",
                todo=_ALTERNATIVES.get(kind, _USUAL_ALTERNATIVE),
            )
            return Part("inbox", (), (said,))

        found = [item.read(spoken(one), None) for item in items(value)]
        return tuple(part for part in found if part is not None)

    # Slack

    def _slack(self, name: str, fields: Fields) -> _Options:
        comments: list[str] = []
        at_most_one(fields, "api_url", "api_url_file", "app_token")
        at_most_one(fields, "api_url", "api_url_file", "app_token_file")
        at_most_one(fields, "app_token", "app_token_file")
        options = [*self._channel(name, fields, comments), *self._slack_secret(name, fields)]
        if not any(key in ("webhook_url", "webhook_url_file", "token", "token_file") for key, _ in options):
            fields.wrong("found no `api_url` and no `app_token`, here or in `global`, expected one")
        if not fields.take("send_resolved", flag, False):
            options.append(("send_resolved", "false"))
        for key, target in (("title", "slack/title.j2"), ("text", "slack/summary.j2")):
            self._text(fields, key, target, f"receivers[{name}].slack_configs")
        fields.take("fields", partial(_all, slack_fields), None)
        fields.take("actions", partial(_all, actions), None)
        self._left_out(name, fields, "slack", grammar.SLACK, comments, _SLACK_WHY)
        return tuple(options), tuple(comments)

    def _channel(self, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
        channel = given(fields, "channel")
        if channel is None:
            return []
        written = with_placeholders(channel[1])
        if "{{" in written:
            variable = _variable("SLACK_CHANNEL", name)
            self.variables[variable] = ""
            comments.append(
                self.report.note(
                    channel[0],
                    f"receivers[{name}].slack_configs.channel",
                    f"the channel `{channel[1]}` is a template",
                    why="a channel is fixed here, so that each keeps its own pace and its message can be updated",
                    todo=f"set {variable}, or make a receiver and a route for each channel",
                )
            )
            written = f"${{{variable}}}"
        return [("channel", scalar(written))]

    def _slack_secret(self, name: str, fields: Fields) -> list[tuple[str, str]]:
        bearer = self._bearer(name, "SLACK_BOT_TOKEN", fields, "token") or list(self.globals.slack_bearer)
        if file := given(fields, "app_token_file"):
            return [self.report.secret_file("token", file, "SLACK_BOT_TOKEN")]
        if token := given(fields, "app_token"):
            return [("token", scalar(self.report.secret(token[1], "SLACK_BOT_TOKEN", token[0])))]
        if file := given(fields, "api_url_file"):
            return [self.report.secret_file("webhook_url", file, f"SLACK_WEBHOOK_URL_{name}")]
        url = fields.take("api_url", http_url, None) and given(fields, "api_url")
        if not url:
            return list(self.globals.slack)
        if url[1] == CHAT_POST_MESSAGE:
            return bearer or [("token", "${SLACK_BOT_TOKEN}")]
        return [("webhook_url", scalar(self.report.secret(url[1], f"SLACK_WEBHOOK_URL_{name}", url[0])))]

    # PagerDuty

    def _pagerduty(self, name: str, fields: Fields) -> _Options:
        comments: list[str] = []
        at_most_one(fields, "routing_key", "routing_key_file")
        at_most_one(fields, "service_key", "service_key_file")
        options = self._pagerduty_key(name, fields, comments)
        options += self._pagerduty_severity(name, fields, comments)
        if not fields.take("send_resolved", flag, True):
            options.append(("send_resolved", "false"))
        url = (given(fields, "url") or (fields.value.node.place, self.globals.pagerduty_url))[1]
        if url.rstrip("/") != PAGERDUTY_URL and "generic" not in url:
            base = urlsplit(url)
            self.variables["PAGERDUTY_EVENTS_URL"] = f"{base.scheme}://{base.netloc}"
        self._text(fields, "description", "pagerduty/summary.j2", f"receivers[{name}].pagerduty_configs")
        self._left_out(name, fields, "pagerduty", grammar.PAGERDUTY, comments, _PAGERDUTY_WHY)
        return tuple(options), tuple(comments)

    def _pagerduty_key(self, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
        old = given(fields, "service_key") or given(fields, "service_key_file")
        key, file = given(fields, "routing_key"), given(fields, "routing_key_file")
        if not (key or file or old):
            fields.wrong("found no `routing_key` and no `service_key`, expected one")
            return []
        if old and not (key or file):
            comments.append(
                self.report.note(
                    old[0],
                    f"receivers[{name}].pagerduty_configs",
                    "`service_key` becomes `routing_key`",
                    why="only PagerDuty's Events API v2 is spoken, the key is one of the Prometheus integration (v1)",
                    todo="add an Events API v2 integration to the PagerDuty service and use its key",
                )
            )
        if old_file := given(fields, "service_key_file"):
            file = file or old_file
        found = key or given(fields, "service_key")
        if found:
            return [("routing_key", scalar(self.report.secret(found[1], f"PAGERDUTY_KEY_{name}", found[0])))]
        return [self.report.secret_file("routing_key", file, f"PAGERDUTY_KEY_{name}")] if file else []

    def _pagerduty_severity(self, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
        given_ = given(fields, "severity")
        severity = given_[1].strip() if given_ else "error"
        if "{{" not in severity:
            if severity not in ("critical", "error", "warning", "info"):
                return []
            return [("severity", pairs((each, severity) for each in self.severities))]
        if given_ and "severity" not in severity:
            comments.append(
                self.report.note(
                    given_[0],
                    f"receivers[{name}].pagerduty_configs.severity",
                    f"the severity `{severity}` is left out",
                    why="what PagerDuty shows goes by the alert's severity",
                    todo="say in `severity` which of the policy's severities is which of PagerDuty's",
                )
            )
        return []

    # Email

    def _email(self, name: str, fields: Fields) -> _Options:
        comments: list[str] = []
        key = f"receivers[{name}].email_configs"
        to = addresses(fields, "to", name, self.report, self.variables, key)
        if not to:
            fields.wrong("found no `to`, expected the address that mails go to")
        options = [("to", listed(map(scalar, to)) if len(to) > 1 else scalar(to[0]))] if to else []
        mail = self.globals.mail.read(fields, self.report, prefix="")
        if not mail.sender:
            fields.wrong("found no `from`, here or as `smtp_from` in `global`, expected one")
        elif mail.sender != self.globals.mail.sender:
            sender = addresses(fields, "from", name, self.report, self.variables, key)
            options += [("from", scalar(sender[0]))] if sender else []
        if self.globals.mail.sender and "{{" not in self.globals.mail.sender:
            self.variables["SMTP_FROM"] = self.globals.mail.sender
        if not mail.host:
            fields.wrong("found no `smarthost`, here or as `smtp_smarthost` in `global`, expected one")
        mail.settle(self.variables, self.report, fields, comments, key)
        if not fields.take("send_resolved", flag, False):
            options.append(("send_resolved", "false"))
        subject = fields.take("headers", check_headers, None)
        if subject:
            self.texts.append(Text(self._destination, "email/subject.j2", f"{key}.headers.Subject", *subject))
        for text_key, target in (("html", "email/body.html.j2"), ("text", "email/body.txt.j2")):
            self._text(fields, text_key, target, key)
        fields.take("threading", threading, None)
        self._left_out(name, fields, "email", grammar.EMAIL, comments, _EMAIL_WHY)
        return tuple(options), tuple(comments)

    # Webhook

    def _webhook(self, name: str, fields: Fields) -> _Options:
        comments: list[str] = []
        at_most_one(fields, "url", "url_file")
        url = fields.take("url", http_url, None) and given(fields, "url")
        file = given(fields, "url_file")
        options: list[tuple[str, str]] = []
        if url:
            options.append(("url", scalar(self._webhook_url(name, url, fields, comments))))
        elif file:
            options.append(("url", f"${{{_variable('WEBHOOK_URL', name)}}}"))
            comments.append(
                self.report.note(
                    file[0],
                    f"receivers[{name}].webhook_configs.url_file",
                    f"the file {file[1]} isn't read",
                    why="a webhook's url comes from the policy or from a variable",
                    todo=f"set {_variable('WEBHOOK_URL', name)} to what stands in the file",
                )
            )
        elif "url" not in fields:
            fields.wrong("found no `url` and no `url_file`, expected one")
        options += self._bearer(name, f"WEBHOOK_TOKEN_{name}", fields, "bearer_token")
        if most := fields.take("max_alerts", Value.count, 0):
            options.append(("max_alerts", str(most)))
        if not fields.take("send_resolved", flag, True):
            options.append(("send_resolved", "false"))
        self._left_out(name, fields, "webhook", grammar.WEBHOOK, comments, _WEBHOOK_WHY)
        return tuple(options), tuple(comments)

    def _webhook_url(self, name: str, url: tuple[Place, str], fields: Fields, comments: list[str]) -> str:
        place, target = url
        variable = f"WEBHOOK_URL_{name}"
        if "{{" in target:
            self.variables[_variable("WEBHOOK_URL", name)] = ""
            comments.append(
                self.report.note(
                    place,
                    f"receivers[{name}].webhook_configs.url",
                    "the url is a template",
                    why="a webhook posts to one address",
                    todo=f"set {_variable('WEBHOOK_URL', name)}, or make a receiver and a route for each address",
                )
            )
            return f"${{{_variable('WEBHOOK_URL', name)}}}"
        user = self._basic_auth(fields)
        if user:
            parts = urlsplit(target)
            target = urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))
        if target == HIDDEN or placeholders(target) is not None or _secret_url(target):
            return self.report.secret(target, variable, place)
        return with_placeholders(target)

    def _basic_auth(self, fields: Fields) -> str:
        """The user and password of `http_config.basic_auth`, as a URL has them."""

        def read(value: Value) -> str:
            with section(value, ("username_file", "password_file")) as inner:
                name, password = given(inner, "username"), given(inner, "password")
                return f"{quote(name[1], safe='')}:{quote(password[1], safe='')}" if name and password else ""

        def config(value: Value) -> str:
            with section(value, grammar.HTTP_CONFIG) as inner:
                return inner.take("basic_auth", read, "")

        return fields.take("http_config", config, "")

    # What several kinds have

    def _bearer(self, name: str, variable: str, fields: Fields, key: str) -> list[tuple[str, str]]:
        return fields.take("http_config", partial(bearer, self.report, variable, key), [])

    def _text(self, fields: Fields, key: str, target: str, path: str) -> None:
        if found := given(fields, key):
            self.texts.append(Text(self._destination, target, f"{path}.{key}", *found))

    def _left_out(
        self,
        name: str,
        fields: Fields,
        kind: str,
        keys: tuple[str, ...],
        comments: list[str],
        why: Mapping[str, tuple[str, str]],
    ) -> None:
        """Say of each key that is there and has no equivalent what to do about it."""
        for key in keys:
            if key in fields and key in why:
                reason, todo = why[key]
                comments.append(
                    self.report.note(
                        place_of(fields, key),
                        f"receivers[{name}].{kind}_configs.{key}",
                        f"`{key}` is left out",
                        why=reason,
                        todo=todo,
                    )
                )
        if "http_config" in fields:
            comments += fields.take("http_config", partial(self._http_left_out, name, kind), [])

    def _http_left_out(self, name: str, kind: str, value: Value) -> list[str]:
        handled = _SLACK_HTTP if kind == "slack" else _WEBHOOK_HTTP if kind == "webhook" else frozenset()
        with section(value, grammar.HTTP_CONFIG) as fields:
            return [
                self.report.note(
                    place_of(fields, key),
                    f"receivers[{name}].{kind}_configs.http_config.{key}",
                    f"`http_config.{key}` is left out",
                    why=_HTTP_WHY.get(key, "alertrouter's own client has its settings"),
                    todo=_HTTP_TODO.get(key, "see whether the far side needs it"),
                )
                for key in grammar.HTTP_CONFIG
                if key in fields and key not in handled
            ]


_Options = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "slack": ("channel", "webhook_url", "webhook_url_file"),
    "pagerduty": ("routing_key", "routing_key_file"),
    "email": ("to",),
    "webhook": ("url",),
}


def _part(channel: str, place: Place, options: _Options) -> Part:
    """The integration; one whose faults leave nothing to reach anybody by becomes the inbox."""
    if not any(key in _NEEDED[channel] for key, _ in options[0]):
        said = f"line {place.line}: `{channel}_configs` is faulty: its alerts go to the inbox until it is mended"
        return Part("inbox", (), (said,))
    return Part(channel, options[0], (f"line {place.line}", *options[1]))


_SLACK_HTTP: Final = frozenset({"authorization", "bearer_token", "bearer_token_file"})
_WEBHOOK_HTTP: Final = _SLACK_HTTP | {"basic_auth"}
_OURS = "alertrouter makes its own message, in blocks, and updates it in place"
_LOOK = "the look of the sender is the Slack app's own"
_SLACK_WHY: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("username", "icon_emoji", "icon_url"), (_LOOK, "set name and icon in the Slack app")),
    **dict.fromkeys(
        ("color", "pretext", "fallback", "footer", "fields", "title_link", "message_text"),
        (_OURS, "put what readers need into templates/slack/summary.j2 (docs/templates.md)"),
    ),
    "actions": (
        "its buttons are alertrouter's own (Acknowledge, …)",
        "links belong into the annotations runbook_url and dashboard_url",
    ),
    **dict.fromkeys(("image_url", "thumb_url"), (_OURS, "link the picture from an annotation")),
    "app_url": ("Slack's address is a setting", "set SLACK_API_URL if it isn't Slack's own"),
}
_PAGERDUTY_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "details": (
        "the details are the alerts' labels and annotations, in full",
        "put what is missing into an annotation of the rule",
    ),
    **dict.fromkeys(
        ("client", "client_url", "source", "class", "component", "group", "images", "links"),
        ("PagerDuty gets the incident's labels, source and links", "see whether a rule in PagerDuty goes by it"),
    ),
}
_EMAIL_WHY: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("hello", "auth_identity", "auth_secret", "auth_secret_file"), ("it isn't needed", "nothing")),
    "tls_config": ("certificates are checked against the system's, or SMTP_CA_FILE", "set SMTP_CA_FILE if need be"),
}
_WEBHOOK_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "payload": ("the body is Alertmanager's, version 4", "let the far side read that, or put a bridge between"),
}
_HTTP_WHY: Final[Mapping[str, str]] = {
    "tls_config": "certificates are checked against the system's",
    "proxy_url": "a proxy is taken from the environment",
    "oauth2": "OAuth 2.0 isn't spoken",
}
_HTTP_TODO: Final[Mapping[str, str]] = {
    "tls_config": "install the authority's certificate in the system",
    "proxy_url": "set HTTPS_PROXY",
    "oauth2": "post to a proxy that adds the token",
}


def _all(read: Callable[[Value], None], value: Value) -> None:
    for item in items(value):
        item.read(spoken(read), None)


def _refuse(message: str, _: Value) -> None:
    raise Wrong(message)


def _variable(base: str, name: str) -> str:
    return f"{base}_{re.sub('[^A-Za-z0-9]+', '_', name).strip('_').upper()}"


def http_url(value: Value) -> str:
    """A URL as Alertmanager takes it: http or https with a host, a template, a placeholder, or a hidden secret."""
    url = text(value)
    if "{{" in url or url == HIDDEN or not url or placeholders(url) is not None or url.startswith("$"):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        raise value.expected("an http:// or https:// address") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Wrong("unsupported scheme, expected an http:// or https:// address with a host")
    return url


def bearer(report: Report, variable: str, key: str, value: Value) -> list[tuple[str, str]]:
    """The token of an `http_config` as an option of a receiver: `authorization`, or the old `bearer_token`."""

    def authorization(inner: Value) -> list[tuple[str, str]]:
        with section(inner, ("type",)) as fields:
            return _token(fields, "credentials")

    def _token(fields: Fields, name: str) -> list[tuple[str, str]]:
        at_most_one(fields, name, f"{name}_file")
        if file := given(fields, f"{name}_file"):
            return [report.secret_file(key, file, variable)]
        if token := given(fields, name):
            return [(key, scalar(report.secret(token[1], variable, token[0])))]
        return []

    with section(value, grammar.HTTP_CONFIG) as fields:
        at_most_one(fields, "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")
        return fields.take("authorization", authorization, []) or _token(fields, "bearer_token")


def _secret_url(url: str) -> bool:
    """Tell whether a URL may be a secret by itself: a password, a token in its query, a long word in its path."""
    if holds_secret(url):
        return True
    parts = urlsplit(url)
    names = [pair.partition("=")[0].lower() for pair in parts.query.split("&")]
    words = [word for word in parts.path.split("/") if len(word) > _LONGEST_OPEN_PART]
    return (
        ("@" in parts.netloc and "$" not in parts.netloc)
        or any(secret in name for name in names for secret in _SECRET_QUERIES)
        or any(any(sign.isdigit() for sign in word) and "$" not in word for word in words)
    )

"""What an integration says that a policy has no place for: for each key why, and what to do instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import place_of, section
from alertrouter.policy.alertmanager.http import is_bearer
from alertrouter.policy.alertmanager.notes import Report
from alertrouter.policy.reading.value import Fields, Value

BEARER: Final = frozenset({"authorization", "bearer_token", "bearer_token_file"})
"""The keys of an `http_config` that a token can stand in."""

_OURS = "alertrouter makes its own message, in blocks, and updates it in place"
_TIMEOUT = ("alertrouter tries again by its own times", "nothing")
_RULE = "see whether a rule in PagerDuty goes by it"
_LOOK = "the look of the sender is the Slack app's own"
_SLACK_WHY: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("username", "icon_emoji", "icon_url"), (_LOOK, "set name and icon in the Slack app")),
    **dict.fromkeys(
        (
            *("color", "pretext", "fallback", "footer", "short_fields", "title_link", "message_text"),
            *("callback_id", "link_names", "mrkdwn_in"),
        ),
        (_OURS, "put what readers need into templates/slack/summary.j2 (docs/templates.md)"),
    ),
    **dict.fromkeys(("image_url", "thumb_url"), (_OURS, "link the picture from an annotation")),
    "app_url": ("Slack's address is a setting", "set SLACK_API_URL if it isn't Slack's own"),
    "timeout": _TIMEOUT,
}
_PAGERDUTY_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "details": (
        "the details are all labels and annotations of the alerts, under names of their own",
        "put what is missing into an annotation of the rule",
    ),
    **dict.fromkeys(("client", "client_url"), ("the client is alertrouter, its link the incident's page", _RULE)),
    "images": ("PagerDuty gets no pictures", "link the picture from the annotation dashboard_url"),
    "timeout": _TIMEOUT,
}
_EMAIL_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "hello": ("this machine's own name is said", "nothing, unless the mail server asks for another one"),
    "auth_identity": ("it isn't needed", "nothing"),
    "tls_config": ("certificates are checked against the system's, or SMTP_CA_FILE", "set SMTP_CA_FILE if need be"),
}
_WEBHOOK_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "payload": ("the body is Alertmanager's, version 4", "let the far side read that, or put a bridge between"),
    "timeout": _TIMEOUT,
}
_HTTP_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "tls_config": (
        "certificates are checked against the system's",
        "install the authority's certificate in the system",
    ),
    "proxy_url": ("a proxy is taken from the environment", "set HTTPS_PROXY"),
    "oauth2": ("OAuth 2.0 isn't spoken", "post to a proxy that adds the token"),
}
_WHY: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "slack": _SLACK_WHY,
    "pagerduty": _PAGERDUTY_WHY,
    "email": _EMAIL_WHY,
    "webhook": _WEBHOOK_WHY,
}


def left_out(
    report: Report, name: str, fields: Fields, kind: str, comments: list[str], carried: Collection[str] = ()
) -> None:
    """Say of each key that is there and has no equivalent what to do about it.

    `carried` are those that this integration could carry over, also those of its `http_config`.
    """
    for key in grammar.CARRIED[kind]:
        if key in fields and key in _WHY[kind] and key not in carried:
            reason, todo = _WHY[kind][key]
            comments.append(
                report.note(
                    place_of(fields, key),
                    f"receivers[{name}].{kind}_configs.{key}",
                    f"`{key}` is left out",
                    why=reason,
                    todo=todo,
                )
            )
    if "http_config" in fields:
        comments += fields.take("http_config", partial(_http_left_out, report, name, kind, carried), [])


def _http_left_out(report: Report, name: str, kind: str, carried: Collection[str], value: Value) -> list[str]:
    with section(value, grammar.HTTP_CONFIG) as fields:
        other = not fields.take("authorization", _is_bearer, True)
        return [
            report.note(
                place_of(fields, key),
                f"receivers[{name}].{kind}_configs.http_config.{key}",
                f"`http_config.{key}` is left out",
                why=why,
                todo=todo,
            )
            for key in grammar.HTTP_CONFIG
            if key in fields and (key not in carried or (key == "authorization" and other))
            for why, todo in (_http_why(key, other=other),)
        ]


def _http_why(key: str, *, other: bool) -> tuple[str, str]:
    """Why a key of an `http_config` is left out, and what to do; `other`: its `authorization` is no bearer token."""
    if key == "authorization" and other:
        return "of these only `Bearer` is spoken", "post to a proxy that adds the header"
    if key in BEARER:
        return "only webhooks and Slack's Web API get a token", "post to a proxy that adds it"
    return _HTTP_WHY.get(key, ("alertrouter's own client has its settings", "see whether the far side needs it"))


def _is_bearer(value: Value) -> bool:
    with section(value, ("credentials", "credentials_file")) as fields:
        return is_bearer(fields)


def mail_left_out(report: Report, fields: Fields) -> None:
    """Say the same of the keys in `global:` by which mail leaves."""
    for key, (reason, todo) in _EMAIL_WHY.items():
        if f"smtp_{key}" in fields:
            place = place_of(fields, f"smtp_{key}")
            report.note(place, f"global.smtp_{key}", f"`smtp_{key}` is left out", why=reason, todo=todo)

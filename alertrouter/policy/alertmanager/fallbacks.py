"""`global:` → what receivers fall back on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import at_most_one, given, place_of, section
from alertrouter.policy.alertmanager.http import bearer, http_url
from alertrouter.policy.alertmanager.left_out import mail_left_out
from alertrouter.policy.alertmanager.mail import Mail
from alertrouter.policy.alertmanager.notes import Report, setting
from alertrouter.policy.alertmanager.yamlwriter import scalar
from alertrouter.policy.reading.value import Fields, Value

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
CHAT_POST_MESSAGE: Final = "https://slack.com/api/chat.postMessage"
_RESOLVE_TIMEOUT: Final = timedelta(minutes=5)
"""Alertmanager's default, and ours."""


@dataclass(slots=True)
class Globals:
    """What `global:` says that receivers fall back on. Options are written already."""

    slack: tuple[tuple[str, str], ...] = ()
    slack_bearer: tuple[tuple[str, str], ...] = ()
    pagerduty_url: str = PAGERDUTY_URL
    mail: Mail = field(default_factory=Mail)


def read_globals(report: Report, variables: dict[str, str], value: Value) -> Globals:
    """Read `global:`; what is a setting of alertrouter here becomes one of `variables`."""
    at = Globals()
    with section(value, grammar.GLOBAL) as fields:
        for key in (
            "slack_api_url",
            "opsgenie_api_key",
            "victorops_api_key",
            "slack_app_token",
            "rocketchat_token",
        ):
            at_most_one(fields, key, f"{key}_file")
        timeout = fields.take("resolve_timeout", Value.duration, None)
        if timeout is not None and timeout != _RESOLVE_TIMEOUT:
            variables["ALERTROUTER_RESOLVE_TIMEOUT"] = f"{timeout.total_seconds():g}"
        at.slack_bearer = tuple(fields.take("http_config", partial(bearer, report, "SLACK_BOT_TOKEN", "token"), ()))
        at.slack = _slack(fields, report, at)
        at.pagerduty_url = fields.take("pagerduty_url", http_url, "") or PAGERDUTY_URL
        if address := fields.take("slack_app_url", http_url, ""):
            place, key = place_of(fields, "slack_app_url"), f"{value.path}.slack_app_url"
            setting(variables, report, "SLACK_API_URL", address.removesuffix("chat.postMessage"), place, key)
        at.mail = at.mail.read(fields, prefix="smtp_")
        mail_left_out(report, fields)
        if "http_config" in fields:
            report.note(
                place_of(fields, "http_config"),
                f"{value.path}.http_config",
                "`http_config` is left out",
                why="proxies come from HTTPS_PROXY, certificates from the system, credentials from each receiver",
                todo="see whether that is enough",
            )
    return at


def _slack(fields: Fields, report: Report, at: Globals) -> tuple[tuple[str, str], ...]:
    if file := given(fields, "slack_api_url_file"):
        return (report.secret_file("webhook_url", file, "SLACK_WEBHOOK_URL"),)
    url = fields.take("slack_api_url", http_url, None) and given(fields, "slack_api_url")
    if url and url[1] == CHAT_POST_MESSAGE:
        return at.slack_bearer or (("token", "${SLACK_BOT_TOKEN}"),)
    if url:
        return (("webhook_url", scalar(report.secret(url[1], "SLACK_WEBHOOK_URL", url[0]))),)
    if file := given(fields, "slack_app_token_file"):
        return (report.secret_file("token", file, "SLACK_BOT_TOKEN"),)
    if token := given(fields, "slack_app_token"):
        return (("token", scalar(report.secret(token[1], "SLACK_BOT_TOKEN", token[0]))),)
    return ()

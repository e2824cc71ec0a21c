"""`slack_configs` → a Slack channel; the parts of a message that only Alertmanager has are checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from alertrouter.policy.alertmanager.fallbacks import CHAT_POST_MESSAGE
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, items, section, spoken, text
from alertrouter.policy.alertmanager.http import http_url
from alertrouter.policy.alertmanager.integration import Options, Reading, Text
from alertrouter.policy.alertmanager.left_out import BEARER, left_out
from alertrouter.policy.alertmanager.notes import with_placeholders
from alertrouter.policy.alertmanager.yamlwriter import scalar
from alertrouter.policy.reading.value import Fields, Value


def slack(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `slack_configs`: its options and comments."""
    comments: list[str] = []
    at_most_one(fields, "api_url", "api_url_file", "app_token")
    at_most_one(fields, "api_url", "api_url_file", "app_token_file")
    at_most_one(fields, "app_token", "app_token_file")
    secret = _secret(reading, name, fields)
    options = [*_channel(reading, name, fields, comments), *secret]
    if not any(key in ("webhook_url", "webhook_url_file", "token", "token_file") for key, _ in options):
        fields.wrong("found no `api_url` and no `app_token`, here or in `global`, expected one")
    if not fields.take("send_resolved", flag, False):
        options.append(("send_resolved", "false"))
    for key, target in (("title", "slack/title.j2"), ("text", "slack/summary.j2")):
        reading.text(fields, key, target, f"receivers[{name}].slack_configs")
    path = f"receivers[{name}].slack_configs"
    fields.take("fields", partial(_all, partial(_field, reading, f"{path}.fields")), None)
    fields.take("actions", partial(_all, partial(_action, reading, f"{path}.actions", comments)), None)
    to_web_api = any(key in ("token", "token_file") for key, _ in secret)
    if to_web_api and "channel" not in fields:
        comments.append(
            reading.report.note(
                fields.value.node.place,
                f"receivers[{name}].slack_configs",
                "becomes the inbox",
                why="no channel is named, and a bot token posts to one",
                todo="name the `channel`",
            )
        )
    left_out(reading.report, name, fields, "slack", comments, BEARER if to_web_api else ())
    return tuple(options), tuple(comments)


def _channel(reading: Reading, name: str, fields: Fields, comments: list[str]) -> list[tuple[str, str]]:
    channel = given(fields, "channel")
    if channel is None:
        return []
    written = with_placeholders(channel[1])
    if "{{" in written:
        variable = reading.variable("SLACK_CHANNEL", name)
        reading.variables[variable] = ""
        comments.append(
            reading.report.note(
                channel[0],
                f"receivers[{name}].slack_configs.channel",
                f"the channel `{channel[1]}` is a template",
                why="a channel is fixed here, so that each keeps its own pace and its message can be updated",
                todo=f"set {variable}, or make a receiver and a route for each channel",
            )
        )
        written = f"${{{variable}}}"
    return [("channel", scalar(written))]


def _secret(reading: Reading, name: str, fields: Fields) -> list[tuple[str, str]]:
    bearer = reading.bearer("SLACK_BOT_TOKEN", fields, "token") or list(reading.globals.slack_bearer)
    if file := given(fields, "app_token_file"):
        return [reading.report.secret_file("token", file, "SLACK_BOT_TOKEN")]
    if token := given(fields, "app_token"):
        return [("token", scalar(reading.report.secret(token[1], "SLACK_BOT_TOKEN", token[0])))]
    if file := given(fields, "api_url_file"):
        return [reading.report.secret_file("webhook_url", file, reading.variable("SLACK_WEBHOOK_URL", name))]
    url = fields.take("api_url", http_url, None) and given(fields, "api_url")
    if not url:
        return list(reading.globals.slack)
    if url[1] == CHAT_POST_MESSAGE:
        return bearer or [("token", "${SLACK_BOT_TOKEN}")]
    return [("webhook_url", scalar(reading.report.secret(url[1], reading.variable("SLACK_WEBHOOK_URL", name), url[0])))]


def _all(read: Callable[[Value], None], value: Value) -> None:
    for item in items(value):
        item.read(spoken(read), None)


def _field(reading: Reading, path: str, value: Value) -> None:
    """Read one entry of `fields`."""
    with section(value) as fields:
        _need(fields, "title", "field")
        _need(fields, "value", "field")
        fields.take("short", flag, None)
        title, content = given(fields, "title"), given(fields, "value")
        if title and content:
            source = f"*{title[1]}*: {content[1]}"
            reading.texts.append(Text(reading.destination, "slack/fields.j2", path, title[0], source, row=True))


def _action(reading: Reading, path: str, comments: list[str], value: Value) -> None:
    """Read one entry of `actions`: a button that opens a link, or one that Alertmanager itself has no answer to."""
    with section(value, ("style", "value")) as fields:
        _need(fields, "type", "action")
        _need(fields, "text", "action")
        fields.take("confirm", _question, None)
        if given(fields, "url"):
            reading.link(fields, ("url", "text"), "slack/links.j2", path)
        elif given(fields, "name"):
            comments.append(
                reading.report.note(
                    value.node.place,
                    path,
                    "a button is left out",
                    why="the buttons that do something are alertrouter's own (Acknowledge, …)",
                    todo="nothing, unless a program of yours is behind it: then let its address be a link",
                )
            )
        else:
            fields.wrong("found neither `url` nor `name` in a Slack action, expected one")


def _question(value: Value) -> None:
    with section(value, ("title", "ok_text", "dismiss_text")) as fields:
        _need(fields, "text", "confirmation")


def _need(fields: Fields, key: str, what: str) -> None:
    if not fields.take(key, text, ""):
        fields.wrong(f"found no `{key}` in a Slack {what}, expected one")

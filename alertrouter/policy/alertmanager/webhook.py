"""`webhook_configs` → an address that gets Alertmanager's own JSON."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, section
from alertrouter.policy.alertmanager.http import http_url, secret_url
from alertrouter.policy.alertmanager.integration import Options, Reading, variable_for
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.notes import HIDDEN, placeholders, with_placeholders
from alertrouter.policy.alertmanager.yamlwriter import scalar
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields, Value


def webhook(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `webhook_configs`: its options and comments."""
    comments: list[str] = []
    at_most_one(fields, "url", "url_file")
    url = fields.take("url", http_url, None) and given(fields, "url")
    file = given(fields, "url_file")
    options: list[tuple[str, str]] = []
    if url:
        options.append(("url", scalar(_url(reading, name, url, fields, comments))))
    elif file:
        options.append(("url", f"${{{variable_for('WEBHOOK_URL', name)}}}"))
        comments.append(
            reading.report.note(
                file[0],
                f"receivers[{name}].webhook_configs.url_file",
                f"the file {file[1]} isn't read",
                why="a webhook's url comes from the policy or from a variable",
                todo=f"set {variable_for('WEBHOOK_URL', name)} to what stands in the file",
            )
        )
    elif "url" not in fields:
        fields.wrong("found no `url` and no `url_file`, expected one")
    options += reading.bearer(f"WEBHOOK_TOKEN_{name}", fields, "bearer_token")
    if most := fields.take("max_alerts", Value.count, 0):
        options.append(("max_alerts", str(most)))
    if not fields.take("send_resolved", flag, True):
        options.append(("send_resolved", "false"))
    left_out(reading.report, name, fields, "webhook", grammar.WEBHOOK, comments)
    return tuple(options), tuple(comments)


def _url(reading: Reading, name: str, url: tuple[Place, str], fields: Fields, comments: list[str]) -> str:
    place, target = url
    variable = f"WEBHOOK_URL_{name}"
    if "{{" in target:
        reading.variables[variable_for("WEBHOOK_URL", name)] = ""
        comments.append(
            reading.report.note(
                place,
                f"receivers[{name}].webhook_configs.url",
                "the url is a template",
                why="a webhook posts to one address",
                todo=f"set {variable_for('WEBHOOK_URL', name)}, or make a receiver and a route for each address",
            )
        )
        return f"${{{variable_for('WEBHOOK_URL', name)}}}"
    user = _basic_auth(fields)
    if user:
        parts = urlsplit(target)
        target = urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))
    if target == HIDDEN or placeholders(target) is not None or secret_url(target):
        return reading.report.secret(target, variable, place)
    return with_placeholders(target)


def _basic_auth(fields: Fields) -> str:
    """The user and password of `http_config.basic_auth`, as a URL has them."""

    def read(value: Value) -> str:
        with section(value, ("username_file", "password_file")) as inner:
            name, password = given(inner, "username"), given(inner, "password")
            return f"{quote(name[1], safe='')}:{quote(password[1], safe='')}" if name and password else ""

    def config(value: Value) -> str:
        with section(value, grammar.HTTP_CONFIG) as inner:
            return inner.take("basic_auth", read, "")

    return fields.take("http_config", config, "")

"""`webhook_configs` → an address that gets Alertmanager's own JSON."""

from __future__ import annotations

from functools import partial

from alertrouter.policy.alertmanager.fields import at_most_one, flag, given
from alertrouter.policy.alertmanager.http import basic_auth, http_url, secret_url
from alertrouter.policy.alertmanager.integration import Options, Reading
from alertrouter.policy.alertmanager.left_out import BEARER, left_out
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
        options.append(("url", scalar(_url(reading, name, url, comments))))
    elif file:
        options.append(reading.report.secret_file("url", file, reading.variable("WEBHOOK_URL", name)))
    elif "url" not in fields:
        fields.wrong("found no `url` and no `url_file`, expected one")
    token = reading.bearer(reading.variable("WEBHOOK_TOKEN", name), fields, "bearer_token")
    user = fields.take("http_config", partial(basic_auth, reading.report, partial(reading.variable, name=name)), "")
    options += token or ([("basic_auth", user)] if user else [])
    if most := fields.take("max_alerts", Value.count, 0):
        options.append(("max_alerts", str(most)))
    if not fields.take("send_resolved", flag, True):
        options.append(("send_resolved", "false"))
    left_out(reading.report, name, fields, "webhook", comments, {*BEARER, "basic_auth"})
    return tuple(options), tuple(comments)


def _url(reading: Reading, name: str, url: tuple[Place, str], comments: list[str]) -> str:
    place, target = url
    if "{{" in target:
        variable = reading.variable("WEBHOOK_URL", name)
        reading.variables[variable] = ""
        said = reading.report.note(
            place,
            f"receivers[{name}].webhook_configs.url",
            "the url is a template",
            why="a webhook posts to one address",
            todo=f"set {variable} to the address, or make a receiver and a route for each",
        )
        comments.append(said)
        return f"${{{variable}}}"
    if target == HIDDEN or placeholders(target) is not None or secret_url(target):
        return reading.report.secret(target, reading.variable("WEBHOOK_URL", name), place)
    return with_placeholders(target)

"""`webhook_configs` → an address that gets Alertmanager's own JSON."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, section
from alertrouter.policy.alertmanager.http import http_url, secret_url
from alertrouter.policy.alertmanager.integration import Options, Reading
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.notes import HIDDEN, placeholders, with_placeholders
from alertrouter.policy.alertmanager.yamlwriter import scalar
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields, Value


@dataclass(frozen=True, slots=True)
class _User:
    """`basic_auth`: `both` is user and password as a URL has them; `file` holds one of them, and isn't read."""

    place: Place
    both: str
    file: str


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
        what, why = f"the file {file[1]} isn't read", "a webhook's url comes from the policy or from a variable"
        by_hand = _by_hand(reading, name, (file[0], "url_file"), what, why, "what stands in the file", comments)
        options.append(("url", by_hand))
    elif "url" not in fields:
        fields.wrong("found no `url` and no `url_file`, expected one")
    options += reading.bearer(reading.variable("WEBHOOK_TOKEN", name), fields, "bearer_token")
    if most := fields.take("max_alerts", Value.count, 0):
        options.append(("max_alerts", str(most)))
    if not fields.take("send_resolved", flag, True):
        options.append(("send_resolved", "false"))
    left_out(reading.report, name, fields, "webhook", grammar.WEBHOOK, comments)
    return tuple(options), tuple(comments)


def _url(reading: Reading, name: str, url: tuple[Place, str], fields: Fields, comments: list[str]) -> str:
    place, target = url
    if "{{" in target:
        todo = "the address, or make a receiver and a route for each"
        said = "the url is a template", "a webhook posts to one address"
        return _by_hand(reading, name, (place, "url"), *said, todo, comments)
    user = fields.take("http_config", _user, None)
    unknown = target == HIDDEN or placeholders(target) is not None
    if user and (user.file or unknown):
        what = f"the file {user.file} isn't read" if user.file else "user and password are left out"
        todo = "the address with them, as http://USER:PASSWORD@…"
        if not unknown and not secret_url(target):
            todo = urlunsplit(urlsplit(target)._replace(netloc=f"USER:PASSWORD@{urlsplit(target).netloc}"))
        why = "a webhook's user and password stand in its url"
        return _by_hand(reading, name, (user.place, "http_config.basic_auth"), what, why, todo, comments)
    if user:
        parts = urlsplit(target)
        target = urlunsplit(parts._replace(netloc=f"{user.both}@{parts.netloc.rpartition('@')[2]}"))
    if unknown or secret_url(target):
        return reading.report.secret(target, reading.variable("WEBHOOK_URL", name), place)
    return with_placeholders(target)


def _by_hand(
    reading: Reading, name: str, where: tuple[Place, str], what: str, why: str, todo: str, comments: list[str]
) -> str:
    """A url that isn't known here: a variable, and a note that says `todo`, what to set it to."""
    variable = reading.variable("WEBHOOK_URL", name)
    reading.variables[variable] = ""
    key = f"receivers[{name}].webhook_configs.{where[1]}"
    comments.append(reading.report.note(where[0], key, what, why=why, todo=f"set {variable} to {todo}"))
    return f"${{{variable}}}"


def _user(config: Value) -> _User | None:
    """The user that an `http_config` has."""

    def read(value: Value) -> _User | None:
        with section(value) as inner:
            at_most_one(inner, "username", "username_file")
            at_most_one(inner, "password", "password_file")
            name, password = given(inner, "username"), given(inner, "password")
            file = given(inner, "username_file") or given(inner, "password_file")
            both = ":".join(quote(one[1], safe="") if one else "" for one in (name, password))
            return _User(value.node.place, both, file[1] if file else "") if name or file else None

    with section(config, grammar.HTTP_CONFIG) as inner:
        return inner.take("basic_auth", read, None)

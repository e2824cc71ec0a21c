"""What Alertmanager says of HTTP: addresses, the token that opens them, and which addresses are secrets themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import at_most_one, given, section, text
from alertrouter.policy.alertmanager.notes import HIDDEN, Report, placeholders
from alertrouter.policy.alertmanager.yamlwriter import pairs, scalar
from alertrouter.policy.reading.faults import holds_secret
from alertrouter.policy.reading.value import Fields, Value, Wrong

_SECRET_QUERIES: Final = ("token", "key", "secret", "sig", "password", "auth", "code")
_LONGEST_OPEN_PART: Final = 20
"""A part of a path that is longer, with letters and digits in it, may be what makes a URL a secret."""


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
        with section(inner) as fields:
            token = _token(fields, "credentials")
            return token if is_bearer(fields) else []

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


def basic_auth(report: Report, variable: Callable[[str], str], value: Value) -> str:
    """The user of an `http_config` as a receiver's `basic_auth`, written; "" when it has none.

    `variable` gives the name of a variable that holds what it is asked for.
    """

    def read(inner: Value) -> str:
        with section(inner) as fields:
            at_most_one(fields, "username", "username_file")
            at_most_one(fields, "password", "password_file")
            options: list[tuple[str, str]] = []
            for key in ("username", "password"):
                wanted = variable(f"WEBHOOK_{key.upper()}")
                if file := given(fields, f"{key}_file"):
                    options.append(report.secret_file(key, file, wanted))
                elif found := given(fields, key):
                    place, content = found
                    shown = key == "username" and "$" not in content and not holds_secret(content)
                    options.append((key, scalar(content if shown else report.secret(content, wanted, place))))
            return pairs(options) if options else ""

    with section(value, grammar.HTTP_CONFIG) as fields:
        return fields.take("basic_auth", read, "")


def is_bearer(authorization: Fields) -> bool:
    """Tell whether an `authorization` is a bearer token: its default, and what is spoken here."""
    kind = authorization.take("type", text, "").strip().lower()
    if kind == "basic":
        authorization.wrong("found `Basic`, which has a key of its own: `basic_auth`", "type")
    return kind in ("", "bearer")


def secret_url(url: str) -> bool:
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

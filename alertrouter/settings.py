"""The only reader of the environment: every setting, parsed. What there is to set stands in `settings_table`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

from alertrouter import settings_file
from alertrouter.errors import SettingsError
from alertrouter.settings_reconcile import Reconcile, reconcile
from alertrouter.settings_table import TABLE

LEAST_LINK_SECRET: Final = 16
"""Characters: whoever guesses it can acknowledge everything."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """Who may use the API: what they do stands in the story under `name`."""

    name: str
    writes: bool
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Smtp:
    """How mail leaves. `tls` is `starttls`, `implicit` or `none`."""

    host: str
    port: int
    tls: str
    from_address: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, parsed. Made once by a door; secrets are kept out of its repr."""

    policy: Path | None
    templates: Path | None
    host: str
    port: int
    external_url: str
    redis_url: str = field(repr=False)
    namespace: str
    state_dir: Path
    durability: str
    workers: int
    ingest_tokens: tuple[str, ...] = field(repr=False)
    ingest_users: tuple[str, ...] = field(repr=False)
    api_tokens: tuple[ApiToken, ...] = field(repr=False)
    api_token: str = field(repr=False)
    link_secrets: tuple[str, ...] = field(repr=False)
    max_body: int
    max_backlog: int
    resolve_timeout: timedelta
    history_days: int
    inbox_size: int
    deadman_url: str = field(repr=False)
    deadman_every: int
    ical_every: int
    log_level: str
    log_format: str
    otlp_endpoint: str
    slack_api_url: str
    slack_signing_secrets: tuple[str, ...] = field(repr=False)
    slack_app_token: str = field(repr=False)
    slack_allowed_users: tuple[str, ...]
    slack_messages_per_second: float
    pagerduty_events_url: str
    pagerduty_webhook_secrets: tuple[str, ...] = field(repr=False)
    smtp: Smtp
    reconcile: Reconcile
    environ: Mapping[str, str] = field(repr=False)

    @property
    def hears_slack(self) -> bool:
        """Tell whether clicks on a message's buttons can reach us."""
        return bool(self.slack_signing_secrets or self.slack_app_token)

    @property
    def local_url(self) -> str:
        """Where this machine reaches the web door."""
        return _local_url(self.host, self.port)

    def resolve(self, text: str) -> str:
        """Fill in `${NAME}` and `${NAME:-other}`; an unset or empty NAME without `:-` gives an empty text.

        The fallback may hold a placeholder itself: `${SLACK_AI_WEBHOOK_URL:-${SLACK_WEBHOOK_URL}}`. `${file:/path}`, as
        a policy's `*_file` keys become, is what that file holds now; raises `SettingsError` when it can't be read.
        """
        return resolve(text, self.environ)


_PLACEHOLDER = re.compile(
    r"\$\{file:(?P<file>[^{}$]+)\}"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<otherwise>(?:[^{}$]|\$(?!\{))*))?\}"
)


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """Fill in the placeholders of `text`, innermost first. What comes out of the environment is not looked at again."""
    values: list[str] = []

    def put(found: re.Match[str]) -> str:
        value = _content(found["file"]) if found["file"] else environ.get(found["name"], "") or found["otherwise"]
        values.append(value or "")
        return f"\x00{len(values) - 1}\x00"

    def back(found: re.Match[str]) -> str:
        return re.sub(r"\x00(\d+)\x00", back, values[int(found[1])])

    text = text.replace("\x00", "")
    while (filled := _PLACEHOLDER.sub(put, text)) != text:
        text = filled
    return re.sub(r"\x00(\d+)\x00", back, text)


def _content(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{file}: a secret that the policy names can't be read: {reason}") from error


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Parse the environment, a line a setting; raises `SettingsError`: which variable, what was found, and expected."""
    env = _Environment(_with_file(dict(os.environ if environ is None else environ)))
    host, port = _listen(env.text("ALERTROUTER_LISTEN"))
    return Settings(
        policy=env.path("ALERTROUTER_POLICY"),
        templates=env.path("ALERTROUTER_TEMPLATES"),
        host=host,
        port=port,
        external_url=(env.text("ALERTROUTER_EXTERNAL_URL") or _local_url(host, port)).rstrip("/"),
        redis_url=_redis_url(env.text("ALERTROUTER_REDIS_URL"), env.text("ALERTROUTER_REDIS_PASSWORD")),
        namespace=_namespace(env.text("ALERTROUTER_NAMESPACE")),
        state_dir=Path(env.text("ALERTROUTER_STATE_DIR")).expanduser(),
        durability=env.one_of("ALERTROUTER_DURABILITY", "always", "everysec"),
        workers=env.whole("ALERTROUTER_WORKERS", least=1),
        ingest_tokens=env.several("ALERTROUTER_INGEST_TOKENS"),
        ingest_users=env.several("ALERTROUTER_INGEST_USERS"),
        api_tokens=_api_tokens(env.several("ALERTROUTER_API_TOKENS")),
        api_token=env.text("ALERTROUTER_API_TOKEN"),
        link_secrets=_long(env, "ALERTROUTER_LINK_SECRET", LEAST_LINK_SECRET),
        max_body=env.whole("ALERTROUTER_MAX_BODY", least=1024),
        max_backlog=env.whole("ALERTROUTER_MAX_BACKLOG", least=1),
        resolve_timeout=timedelta(seconds=env.number("ALERTROUTER_RESOLVE_TIMEOUT", float, 1)),
        history_days=env.whole("ALERTROUTER_HISTORY_DAYS", least=1),
        inbox_size=env.whole("ALERTROUTER_INBOX_SIZE", least=1),
        deadman_url=env.text("ALERTROUTER_DEADMAN_URL"),
        deadman_every=env.whole("ALERTROUTER_DEADMAN_EVERY", least=1),
        ical_every=env.whole("ALERTROUTER_ICAL_EVERY", least=1),
        log_level=env.one_of("ALERTROUTER_LOG_LEVEL", "debug", "info", "warning", "error"),
        log_format=env.one_of("ALERTROUTER_LOG_FORMAT", "json", "text"),
        otlp_endpoint=env.text("OTEL_EXPORTER_OTLP_ENDPOINT").rstrip("/"),
        slack_api_url=env.text("SLACK_API_URL").rstrip("/") + "/",
        slack_signing_secrets=_signing_secrets(env),
        slack_app_token=env.text("SLACK_APP_TOKEN"),
        slack_allowed_users=env.several("SLACK_ALLOWED_USERS"),
        slack_messages_per_second=env.number("SLACK_MESSAGES_PER_SECOND", float, 0),
        pagerduty_events_url=env.text("PAGERDUTY_EVENTS_URL").rstrip("/"),
        pagerduty_webhook_secrets=env.several("PAGERDUTY_WEBHOOK_SECRETS"),
        smtp=_smtp(env),
        reconcile=reconcile(env),
        environ=env.values,
    )


def _with_file(environ: dict[str, str]) -> dict[str, str]:
    """Add what ALERTROUTER_SETTINGS_FILE holds; an empty variable counts as unset here too."""
    name = environ.get("ALERTROUTER_SETTINGS_FILE", "").strip()
    if not name:
        return environ
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"ALERTROUTER_SETTINGS_FILE: {name} can't be read: {reason}") from error
    return {**settings_file.parse(text, name), **{key: value for key, value in environ.items() if value}}


_DEFAULTS: Final[Mapping[str, str]] = {row.name: row.default for row in TABLE}


@dataclass(frozen=True, slots=True)
class _Environment:
    """The variables, read by the rows of `TABLE`: an unset or empty one has its row's default."""

    values: Mapping[str, str] = field(repr=False)

    def text(self, name: str) -> str:
        return self.values.get(name, "").strip() or _DEFAULTS[name]

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value).expanduser() if value else None

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def one_of(self, name: str, *allowed: str) -> str:
        value = self.text(name)
        if value not in allowed:
            raise SettingsError(f"{name}: found {value!r}, expected one of {', '.join(allowed)}")
        return value

    def whole(self, name: str, *, least: int) -> int:
        return self.number(name, int, least)

    def number(self, name: str, kind: Callable[[str], _T], least: float) -> _T:
        value = self.text(name)
        try:
            number = kind(value)
        except ValueError as error:
            raise SettingsError(f"{name}: found {value!r}, expected a number") from error
        if not float(value) >= least:
            raise SettingsError(f"{name}: found {value!r}, expected at least {least:g}")
        return number


def _long(env: _Environment, name: str, least: int) -> tuple[str, ...]:
    secrets = env.several(name)
    if any(len(secret) < least for secret in secrets):
        raise SettingsError(f"{name}: expected at least {least} characters in each secret")
    return secrets


def _redis_url(url: str, password: str) -> str:
    """Put the password into a URL that has none."""
    scheme, _, rest = url.partition("://")
    if not url or not password or "@" in rest:
        return url
    return f"{scheme}://:{quote(password, safe='')}@{rest}"


def _api_tokens(entries: tuple[str, ...]) -> tuple[ApiToken, ...]:
    found: list[ApiToken] = []
    for number, entry in enumerate(entries, start=1):
        # The errors show nothing of the entry: a token may stand anywhere in it.
        name, scope, token = (*(part.strip() for part in entry.split(":", 2)), "", "")[:3]
        if not name.isprintable() or not name or scope not in ("read", "write") or not token:
            raise SettingsError(f"ALERTROUTER_API_TOKENS: entry {number}: expected name:read:token or name:write:token")
        if any(token == other.token for other in found):
            raise SettingsError(f"ALERTROUTER_API_TOKENS: entry {number}: expected a token of its own, found it twice")
        found.append(ApiToken(name=name, writes=scope == "write", token=token))
    return tuple(found)


def _signing_secrets(env: _Environment) -> tuple[str, ...]:
    return tuple(filter(None, (env.text("SLACK_SIGNING_SECRET"), env.text("SLACK_SIGNING_SECRET_PREVIOUS"))))


def _smtp(env: _Environment) -> Smtp:
    return Smtp(
        host=env.text("SMTP_HOST"),
        port=env.whole("SMTP_PORT", least=1),
        tls=env.one_of("SMTP_TLS", "starttls", "implicit", "none"),
        from_address=env.text("SMTP_FROM"),
        username=env.text("SMTP_USERNAME"),
        password=env.values.get("SMTP_PASSWORD", ""),
        ca_file=env.text("SMTP_CA_FILE"),
    )


def _local_url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up, not bound to
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _listen(value: str) -> tuple[str, int]:
    parts = urlsplit(f"//{value}")
    try:
        if parts.hostname and parts.port is not None:
            return parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"ALERTROUTER_LISTEN: found {value!r}, expected host:port") from error
    raise SettingsError(f"ALERTROUTER_LISTEN: found {value!r}, expected host:port")


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise SettingsError(f"ALERTROUTER_NAMESPACE: found {value!r}, expected letters, digits, '_', '.', '-'")
    return value

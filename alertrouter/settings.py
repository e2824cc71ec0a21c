"""The only reader of the environment: every setting, its default, and what it is for.

`TABLE` is the documented table (`docs/settings.md` is written from it and a test holds them equal).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from alertrouter.errors import SettingsError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings."""

    name: str
    default: str
    what: str
    secret: bool = False


TABLE: Final[tuple[Setting, ...]] = (
    Setting("ALERTROUTER_POLICY", "./policies, else the built-in one", "directory of the policy"),
    Setting("ALERTROUTER_TEMPLATES", "", "directory whose templates take the place of the built-in ones"),
    Setting("ALERTROUTER_LISTEN", "127.0.0.1:9080", "address and port of the web door"),
    Setting("ALERTROUTER_EXTERNAL_URL", "http://<listen>", "alertrouter's address as people reach it, for links"),
    Setting("ALERTROUTER_REDIS_URL", "", "redis://, rediss://, unix:// or redis+sentinel://host:26379,…/name; empty: embedded Valkey"),
    Setting("ALERTROUTER_NAMESPACE", "ar", "prefix of every Redis key; several alertrouters may share one Redis"),
    Setting("ALERTROUTER_STATE_DIR", "~/.local/state/alertrouter", "directory of the embedded Valkey's files"),
    Setting("ALERTROUTER_DURABILITY", "always", "fsync of the embedded Valkey: always, or everysec (a power cut may cost a second)"),
    Setting("ALERTROUTER_WORKERS", "2", "worker processes that `up` starts"),
    Setting("ALERTROUTER_INGEST_TOKENS", "", "bearer tokens that senders may use, comma-separated; empty: open", secret=True),
    Setting("ALERTROUTER_INGEST_USERS", "", "user:password pairs for basic auth of senders, comma-separated", secret=True),
    Setting("ALERTROUTER_MAX_BODY", "16777216", "largest body in bytes that the door takes; beyond it 413"),
    Setting("ALERTROUTER_MAX_BACKLOG", "20000", "unread journal entries beyond which the door answers 503"),
    Setting("ALERTROUTER_HISTORY_DAYS", "30", "days that the history is kept"),
    Setting("ALERTROUTER_INBOX_SIZE", "200", "messages that the built-in inbox keeps"),
    Setting("ALERTROUTER_LOG_LEVEL", "info", "debug, info, warning or error"),
    Setting("ALERTROUTER_LOG_FORMAT", "json", "json, or text for people"),
    Setting("SLACK_API_URL", "https://slack.com/api/", "where Slack's Web API is reached"),
    Setting("SLACK_BOT_TOKEN", "", "bot token (xoxb-…) for posting and updating messages", secret=True),
    Setting("SLACK_WEBHOOK_URL", "", "incoming webhook of the default channel", secret=True),
    Setting("SLACK_AI_WEBHOOK_URL", "", "incoming webhook of the AI channel", secret=True),
    Setting("SLACK_SECURITY_WEBHOOK_URL", "", "incoming webhook of the security channel", secret=True),
    Setting("SLACK_MESSAGES_PER_SECOND", "1", "pace for one Slack channel; 0: unlimited"),
    Setting("PAGERDUTY_EVENTS_URL", "https://events.pagerduty.com", "where PagerDuty's Events API is reached"),
    Setting("PAGERDUTY_SERVICE_KEY", "", "integration key (Events API v2)", secret=True),
    Setting("SMTP_HOST", "", "mail server; empty: email goes to the inbox"),
    Setting("SMTP_PORT", "587", "its port"),
    Setting("SMTP_TLS", "starttls", "starttls, implicit or none"),
    Setting("SMTP_FROM", "alertrouter@localhost", "sender of every mail"),
    Setting("SMTP_USERNAME", "", "user, if the server asks for one"),
    Setting("SMTP_PASSWORD", "", "its password", secret=True),
    Setting("SMTP_CA_FILE", "", "certificates to trust instead of the system's"),
)


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
    max_body: int
    max_backlog: int
    history_days: int
    inbox_size: int
    log_level: str
    log_format: str
    slack_api_url: str
    slack_messages_per_second: float
    pagerduty_events_url: str
    smtp: Smtp
    environ: Mapping[str, str] = field(repr=False)

    def resolve(self, text: str) -> str:
        """Fill in `${NAME}` and `${NAME:-other}`; an unset or empty NAME without `:-` gives an empty text.

        The fallback may hold a placeholder itself: `${SLACK_AI_WEBHOOK_URL:-${SLACK_WEBHOOK_URL}}`.
        """
        return resolve(text, self.environ)


_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:[^{}$]|\$(?!\{))*))?\}")


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """Fill in the placeholders of `text`, innermost first. What comes out of the environment is not looked at again."""
    values: list[str] = []

    def put(found: re.Match[str]) -> str:
        value = environ.get(found[1], "") or (found[2] or "")
        values.append(value)
        return f"\x00{len(values) - 1}\x00"

    def back(found: re.Match[str]) -> str:
        return re.sub(r"\x00(\d+)\x00", back, values[int(found[1])])

    text = text.replace("\x00", "")
    while (filled := _PLACEHOLDER.sub(put, text)) != text:
        text = filled
    return re.sub(r"\x00(\d+)\x00", back, text)


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Parse the environment; raises `SettingsError` naming the variable, what was found and what was expected."""
    env = dict(os.environ if environ is None else environ)

    def text(name: str, default: str) -> str:
        return env.get(name, "").strip() or default

    host, port = _listen(text("ALERTROUTER_LISTEN", "127.0.0.1:9080"))
    shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return Settings(
        policy=_path(text("ALERTROUTER_POLICY", "")),
        templates=_path(text("ALERTROUTER_TEMPLATES", "")),
        host=host,
        port=port,
        external_url=text("ALERTROUTER_EXTERNAL_URL", f"http://{shown_host}:{port}").rstrip("/"),
        redis_url=text("ALERTROUTER_REDIS_URL", ""),
        namespace=_namespace(text("ALERTROUTER_NAMESPACE", "ar")),
        state_dir=Path(text("ALERTROUTER_STATE_DIR", "~/.local/state/alertrouter")).expanduser(),
        durability=_one_of("ALERTROUTER_DURABILITY", text("ALERTROUTER_DURABILITY", "always"), ("always", "everysec")),
        workers=_number("ALERTROUTER_WORKERS", text("ALERTROUTER_WORKERS", "2"), int, 1),
        ingest_tokens=_list(text("ALERTROUTER_INGEST_TOKENS", "")),
        ingest_users=_list(text("ALERTROUTER_INGEST_USERS", "")),
        max_body=_number("ALERTROUTER_MAX_BODY", text("ALERTROUTER_MAX_BODY", str(16 * 1024 * 1024)), int, 1024),
        max_backlog=_number("ALERTROUTER_MAX_BACKLOG", text("ALERTROUTER_MAX_BACKLOG", "20000"), int, 1),
        history_days=_number("ALERTROUTER_HISTORY_DAYS", text("ALERTROUTER_HISTORY_DAYS", "30"), int, 1),
        inbox_size=_number("ALERTROUTER_INBOX_SIZE", text("ALERTROUTER_INBOX_SIZE", "200"), int, 1),
        log_level=_one_of("ALERTROUTER_LOG_LEVEL", text("ALERTROUTER_LOG_LEVEL", "info"), ("debug", "info", "warning", "error")),
        log_format=_one_of("ALERTROUTER_LOG_FORMAT", text("ALERTROUTER_LOG_FORMAT", "json"), ("json", "text")),
        slack_api_url=text("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
        slack_messages_per_second=_number("SLACK_MESSAGES_PER_SECOND", text("SLACK_MESSAGES_PER_SECOND", "1"), float, 0),
        pagerduty_events_url=text("PAGERDUTY_EVENTS_URL", "https://events.pagerduty.com").rstrip("/"),
        smtp=Smtp(
            host=text("SMTP_HOST", ""),
            port=_number("SMTP_PORT", text("SMTP_PORT", "587"), int, 1),
            tls=_one_of("SMTP_TLS", text("SMTP_TLS", "starttls"), ("starttls", "implicit", "none")),
            from_address=text("SMTP_FROM", "alertrouter@localhost"),
            username=text("SMTP_USERNAME", ""),
            password=env.get("SMTP_PASSWORD", ""),
            ca_file=text("SMTP_CA_FILE", ""),
        ),
        environ=env,
    )


def _listen(value: str) -> tuple[str, int]:
    parts = urlsplit(f"//{value}")
    try:
        if parts.hostname and parts.port is not None:
            return parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"ALERTROUTER_LISTEN: found {value!r}, expected host:port") from error
    raise SettingsError(f"ALERTROUTER_LISTEN: found {value!r}, expected host:port")


def _path(value: str) -> Path | None:
    return Path(value).expanduser() if value else None


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise SettingsError(f"ALERTROUTER_NAMESPACE: found {value!r}, expected letters, digits, '_', '.', '-'")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingsError(f"{name}: found {value!r}, expected one of {', '.join(allowed)}")
    return value


def _number(name: str, value: str, kind: Callable[[str], _T], least: float) -> _T:
    try:
        number = kind(value)
    except ValueError as error:
        raise SettingsError(f"{name}: found {value!r}, expected a number") from error
    if not float(value) >= least:
        raise SettingsError(f"{name}: found {value!r}, expected at least {least:g}")
    return number

"""The documented table of settings is the one that is read."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from alertrouter.settings import Settings, from_environment
from alertrouter.settings_table import TABLE, table_as_markdown

CHECKOUT = Path(__file__).resolve().parent.parent
_WITH_ANOTHER = ("ALERTROUTER_REDIS_PASSWORD", "ALERTROUTER_SETTINGS_FILE", "ALERTROUTER_RECONCILE_URLS")
"""Those that need more than a value of their own; tests below show what they change."""

FILLED_IN_BY_POLICIES = {
    "PAGERDUTY_SERVICE_KEY",
    "SLACK_AI_WEBHOOK_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_SECURITY_WEBHOOK_URL",
    "SLACK_WEBHOOK_URL",
}


def test_the_page_of_settings_is_the_table() -> None:
    """docs/settings.md holds what `make docs` writes."""
    page = (CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert page == table_as_markdown(), "run `make docs`"


def test_each_documented_setting_changes_something() -> None:
    """A row of the table that nobody reads, and a default that can't be read, would both be lies."""
    rows = {row.name: row for row in TABLE}
    unset = from_environment({})

    for name, value in _OTHER_VALUES.items():
        settings = from_environment({name: value})

        assert _without_environ(settings) != _without_environ(unset), f"{name} changes nothing"

    assert set(rows) == set(_OTHER_VALUES) | FILLED_IN_BY_POLICIES | set(_WITH_ANOTHER)


def test_a_file_of_settings_changes_something(tmp_path: Path) -> None:
    """What it holds counts as set."""
    file = tmp_path / "settings"
    file.write_text("ALERTROUTER_LISTEN=0.0.0.0:1\n", encoding="utf-8")

    assert from_environment({"ALERTROUTER_SETTINGS_FILE": str(file)}).port == 1


def test_a_password_beside_the_url_is_the_urls() -> None:
    """A URL with one of its own keeps it."""
    beside = {"ALERTROUTER_REDIS_PASSWORD": "p@ss"}

    def url(text: str) -> str:
        return from_environment({**beside, "ALERTROUTER_REDIS_URL": text}).redis_url

    assert url("redis://redis:6379/0") == "redis://:p%40ss@redis:6379/0"
    assert url("redis+sentinel://a:1,b:2/main") == "redis+sentinel://:p%40ss@a:1,b:2/main"
    assert url("redis://:own@redis/0") == "redis://:own@redis/0"
    assert url("") == ""


def test_each_default_in_the_table_is_the_one_in_force() -> None:
    """Setting every variable to its documented default changes nothing."""
    written_out = {row.name: row.default for row in TABLE if row.default}

    settings = from_environment(written_out)

    assert _without_environ(settings) == _without_environ(from_environment({}))


def test_no_secret_shows_in_the_repr_of_settings() -> None:
    """Settings may be printed, logged or stand in a traceback."""
    urls, receivers = "ALERTROUTER_RECONCILE_URLS", "ALERTROUTER_RECONCILE_RECEIVERS"
    secrets = {row.name: f"hidden-{row.name.lower()}:read:x" for row in TABLE if row.secret}
    secrets[urls] = "http://user:hidden-password@am:9093"

    for name, value in secrets.items():
        assert "hidden-" not in repr(from_environment({name: value, receivers: "alertrouter"})), name


_OTHER_VALUES: Mapping[str, str] = {
    "ALERTROUTER_POLICY": "/elsewhere",
    "ALERTROUTER_TEMPLATES": "/elsewhere",
    "ALERTROUTER_LISTEN": "0.0.0.0:1",
    "ALERTROUTER_EXTERNAL_URL": "https://alerts.example.com",
    "ALERTROUTER_REDIS_URL": "redis://elsewhere",
    "ALERTROUTER_NAMESPACE": "other",
    "ALERTROUTER_STATE_DIR": "/elsewhere",
    "ALERTROUTER_DURABILITY": "everysec",
    "ALERTROUTER_WORKERS": "7",
    "ALERTROUTER_RESOLVE_TIMEOUT": "60",
    "ALERTROUTER_INGEST_TOKENS": "a,b",
    "ALERTROUTER_INGEST_USERS": "a:b",
    "ALERTROUTER_API_TOKENS": "a:read:b",
    "ALERTROUTER_API_TOKEN": "b",
    "ALERTROUTER_LINK_SECRET": "a-secret-of-our-own",
    "ALERTROUTER_MAX_BODY": "2048",
    "ALERTROUTER_MAX_BACKLOG": "7",
    "ALERTROUTER_HISTORY_DAYS": "7",
    "ALERTROUTER_INBOX_SIZE": "7",
    "ALERTROUTER_DEADMAN_URL": "https://elsewhere.example.com/ping",
    "ALERTROUTER_DEADMAN_EVERY": "7",
    "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter",
    "ALERTROUTER_RECONCILE_EVERY": "7",
    "ALERTROUTER_RECONCILE_POLLS": "7",
    "ALERTROUTER_RECONCILE_SETTLED_AFTER": "7",
    "ALERTROUTER_RECONCILE_USERNAME": "a",
    "ALERTROUTER_RECONCILE_PASSWORD": "a",
    "ALERTROUTER_RECONCILE_PASSWORD_FILE": "/elsewhere",
    "ALERTROUTER_RECONCILE_TOKEN": "a",
    "ALERTROUTER_RECONCILE_TOKEN_FILE": "/elsewhere",
    "ALERTROUTER_RECONCILE_CA_FILE": "/elsewhere",
    "ALERTROUTER_ICAL_EVERY": "7",
    "ALERTROUTER_LOG_LEVEL": "debug",
    "ALERTROUTER_LOG_FORMAT": "text",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:4318",
    "SLACK_API_URL": "http://127.0.0.1:1/",
    "SLACK_SIGNING_SECRET": "a",
    "SLACK_SIGNING_SECRET_PREVIOUS": "a",
    "SLACK_APP_TOKEN": "xapp-a",
    "SLACK_ALLOWED_USERS": "U1,U2",
    "SLACK_MESSAGES_PER_SECOND": "0",
    "PAGERDUTY_EVENTS_URL": "http://127.0.0.1:1",
    "PAGERDUTY_WEBHOOK_SECRETS": "a,b",
    "SMTP_HOST": "mail.example.com",
    "SMTP_PORT": "25",
    "SMTP_TLS": "none",
    "SMTP_FROM": "a@example.com",
    "SMTP_USERNAME": "a",
    "SMTP_PASSWORD": "a",
    "SMTP_CA_FILE": "/elsewhere",
}


def _without_environ(settings: Settings) -> dict[str, object]:
    return {row.name: getattr(settings, row.name) for row in dataclasses.fields(settings) if row.name != "environ"}

"""Every setting, its default, and what it is for: `docs/settings.md` is written from this table."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings. `shown` is the default in words, where the bare value doesn't say it."""

    name: str
    default: str
    what: str
    secret: bool = False
    shown: str = ""


TABLE: Final[tuple[Setting, ...]] = (
    Setting(
        "ALERTROUTER_SETTINGS_FILE",
        "",
        "file of further settings, NAME=VALUE a line, also those that the policy's `${NAME}` means; "
        "a variable that is set outside of it wins",
    ),
    Setting("ALERTROUTER_POLICY", "", "directory of the policy", shown="./policies, else the built-in one"),
    Setting("ALERTROUTER_TEMPLATES", "", "directory whose templates take the place of the built-in ones"),
    Setting("ALERTROUTER_LISTEN", "127.0.0.1:9080", "address and port of the web door"),
    Setting(
        "ALERTROUTER_EXTERNAL_URL",
        "",
        "alertrouter's address as people reach it, for links",
        shown="http://, then ALERTROUTER_LISTEN",
    ),
    Setting(
        "ALERTROUTER_REDIS_URL",
        "",
        "redis://, rediss://, unix:// or redis+sentinel://host:26379,…/name; empty: embedded Valkey",
    ),
    Setting(
        "ALERTROUTER_REDIS_PASSWORD", "", "Redis's password, when none stands in ALERTROUTER_REDIS_URL", secret=True
    ),
    Setting("ALERTROUTER_NAMESPACE", "ar", "prefix of every Redis key; several alertrouters may share one Redis"),
    Setting("ALERTROUTER_STATE_DIR", "~/.local/state/alertrouter", "directory of the embedded Valkey's files"),
    Setting(
        "ALERTROUTER_DURABILITY",
        "always",
        "fsync of the embedded Valkey: always, or everysec (a power cut may cost a second)",
    ),
    Setting("ALERTROUTER_WORKERS", "2", "worker processes that `up` starts"),
    Setting(
        "ALERTROUTER_INGEST_TOKENS", "", "bearer tokens that senders may use, comma-separated; empty: open", secret=True
    ),
    Setting(
        "ALERTROUTER_INGEST_USERS", "", "user:password pairs for basic auth of senders, comma-separated", secret=True
    ),
    Setting(
        "ALERTROUTER_LINK_SECRET",
        "",
        "signs the links that acknowledge; several, comma-separated: the first signs, all are read; empty: no links",
        secret=True,
    ),
    Setting(
        "ALERTROUTER_API_TOKENS",
        "",
        "who may use the API, as name:scope:token, comma-separated; scope is read or write; empty: everybody may read, "
        "and write only on this machine, while ALERTROUTER_LISTEN is a loopback address",
        secret=True,
    ),
    Setting("ALERTROUTER_API_TOKEN", "", "the token that commands show to the API of a running server", secret=True),
    Setting("ALERTROUTER_MAX_BODY", "16777216", "largest body in bytes that the door takes; beyond it 413"),
    Setting("ALERTROUTER_MAX_BACKLOG", "20000", "unread journal entries beyond which the door answers 503"),
    Setting(
        "ALERTROUTER_RESOLVE_TIMEOUT",
        "300",
        "seconds that an alert without `endsAt`, posted to /api/v2/alerts, fires unless it is sent again; "
        "Alertmanager's `resolve_timeout`",
    ),
    Setting("ALERTROUTER_HISTORY_DAYS", "30", "days that the history is kept"),
    Setting("ALERTROUTER_INBOX_SIZE", "200", "messages that the built-in inbox keeps"),
    Setting(
        "ALERTROUTER_DEADMAN_URL",
        "",
        "address of a dead man's switch elsewhere, asked for (GET) while all is well; empty: none",
        secret=True,
    ),
    Setting("ALERTROUTER_DEADMAN_EVERY", "60", "seconds between two of these requests"),
    Setting(
        "ALERTROUTER_RECONCILE_URLS",
        "",
        "Alertmanagers that are asked what fires there, to heal what their webhooks miss: replicas of one cluster "
        "with `,` between them, clusters with `;`; empty: nobody is asked (docs/alertmanager-compatibility.md)",
        secret=True,
    ),
    Setting(
        "ALERTROUTER_RECONCILE_RECEIVERS",
        "",
        "names of the receivers in their configuration that post to alertrouter, comma-separated",
    ),
    Setting("ALERTROUTER_RECONCILE_EVERY", "60", "seconds between two polls"),
    Setting("ALERTROUTER_RECONCILE_POLLS", "3", "polls in a row that must agree before anything is healed, 2 or more"),
    Setting(
        "ALERTROUTER_RECONCILE_SETTLED_AFTER",
        "300",
        "seconds that an Alertmanager must have been up before what it does not list counts as over",
    ),
    Setting("ALERTROUTER_RECONCILE_USERNAME", "", "user for basic auth at these Alertmanagers"),
    Setting("ALERTROUTER_RECONCILE_PASSWORD", "", "its password", secret=True),
    Setting("ALERTROUTER_RECONCILE_PASSWORD_FILE", "", "file with the password, read at each poll"),
    Setting("ALERTROUTER_RECONCILE_TOKEN", "", "bearer token for these Alertmanagers", secret=True),
    Setting("ALERTROUTER_RECONCILE_TOKEN_FILE", "", "file with the token, read at each poll"),
    Setting("ALERTROUTER_RECONCILE_CA_FILE", "", "certificates to trust there instead of the system's"),
    Setting("ALERTROUTER_ICAL_EVERY", "300", "seconds between two readings of the calendars of schedules"),
    Setting("ALERTROUTER_LOG_LEVEL", "info", "debug, info, warning or error"),
    Setting(
        "ALERTROUTER_LOG_FORMAT",
        "json",
        "json, or text for people",
        shown="`json`; `text` when `up` runs in a terminal",
    ),
    Setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "where traces go, as http://alloy:4318 (needs the extra `otel`); empty: nothing is traced",
    ),
    Setting("SLACK_API_URL", "https://slack.com/api/", "where Slack's Web API is reached"),
    Setting("SLACK_BOT_TOKEN", "", "bot token (xoxb-…) for posting and updating messages", secret=True),
    Setting("SLACK_WEBHOOK_URL", "", "incoming webhook of the default channel", secret=True),
    Setting("SLACK_AI_WEBHOOK_URL", "", "incoming webhook of the AI channel", secret=True),
    Setting("SLACK_SECURITY_WEBHOOK_URL", "", "incoming webhook of the security channel", secret=True),
    Setting(
        "SLACK_SIGNING_SECRET", "", "shows that a click or a command comes from Slack; empty: no buttons", secret=True
    ),
    Setting("SLACK_SIGNING_SECRET_PREVIOUS", "", "taken too, while the signing secret is being changed", secret=True),
    Setting(
        "SLACK_APP_TOKEN", "", "app-level token (xapp-…): clicks come by Socket Mode, no address needed", secret=True
    ),
    Setting("SLACK_ALLOWED_USERS", "", "ids of the Slack users who may act, comma-separated; empty: everyone"),
    Setting("SLACK_MESSAGES_PER_SECOND", "1", "pace for one Slack channel; 0: unlimited"),
    Setting("PAGERDUTY_EVENTS_URL", "https://events.pagerduty.com", "where PagerDuty's Events API is reached"),
    Setting("PAGERDUTY_SERVICE_KEY", "", "integration key (Events API v2)", secret=True),
    Setting(
        "PAGERDUTY_WEBHOOK_SECRETS",
        "",
        "secrets of PagerDuty's webhook subscriptions, comma-separated; empty: /pagerduty/webhook is closed",
        secret=True,
    ),
    Setting("SMTP_HOST", "", "mail server; empty: email goes to the inbox"),
    Setting("SMTP_PORT", "587", "its port"),
    Setting("SMTP_TLS", "starttls", "starttls, implicit or none"),
    Setting("SMTP_FROM", "alertrouter@localhost", "sender of every mail"),
    Setting("SMTP_USERNAME", "", "user, if the server asks for one"),
    Setting("SMTP_PASSWORD", "", "its password", secret=True),
    Setting("SMTP_CA_FILE", "", "certificates to trust instead of the system's"),
)


def table_as_markdown() -> str:
    """Write `docs/settings.md`."""
    lines = ["# Settings", "", "Written from `alertrouter/settings_table.py` by `make docs`; edit it there.", ""]
    lines += ["Every setting is an environment variable; an empty one counts as unset.", ""]
    lines += ["| variable | default | what it is |", "| --- | --- | --- |"]
    for row in TABLE:
        default = row.shown or (f"`{row.default}`" if row.default else "")
        lines.append(f"| `{row.name}` | {default} | {row.what}{' (secret)' if row.secret else ''} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_as_markdown())

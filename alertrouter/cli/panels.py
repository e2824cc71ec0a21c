"""Under which headings `alertrouter --help` shows the commands: by what one wants to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import typer
from typer.models import CommandInfo, TyperInfo

PANELS: Final[Mapping[str, tuple[str, ...]]] = {
    "Run it": ("up", "web", "router", "worker", "slack-socket", "demo", "doctor", "send-test", "healthcheck"),
    "On call": (
        *("incidents", "ack", "unack", "snooze", "resolve", "escalate", "note", "silence", "oncall"),
        *("explain", "report"),
    ),
    "Write a policy and try it": ("check", "test-route", "diff", "replay", "import", "schema"),
    "Bring it to the server": ("publish", "activate", "rollback", "policies", "shadow"),
    "Keep what there is": ("backup", "restore", "history"),
}


def arrange(app: typer.Typer) -> None:
    """Put each command under its heading, in this order; a command that has none would raise."""
    order = [name for names in PANELS.values() for name in names]
    panel_of = {name: panel for panel, names in PANELS.items() for name in names}
    registered: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for one in registered:
        one.rich_help_panel = panel_of[_name(one)]
    app.registered_commands.sort(key=lambda one: order.index(_name(one)))


def _name(one: CommandInfo | TyperInfo) -> str:
    return str(one.name or getattr(one.callback, "__name__", ""))

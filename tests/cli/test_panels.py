"""`alertrouter --help` as a newcomer reads it."""

from __future__ import annotations

import re

from alertrouter.cli.panels import PANELS
from tests.cli.running import run


def test_the_help_shows_the_commands_under_what_one_wants_to_do() -> None:
    """Each once, under its heading; `up` comes first."""
    shown = run("--help", environ={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}).out

    headings = [heading.strip() for heading in re.findall(r"╭─ ([^─]+) ─", shown)]
    commands = re.findall(r"^│ ([a-z][a-z-]*) ", shown, re.MULTILINE)
    assert headings == ["Options", *PANELS]
    assert sorted(commands) == sorted(name for names in PANELS.values() for name in names)
    assert commands[0] == "up"

"""docs/cli.md shows what the commands really print, and names every command and option."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alertrouter.cli.app import app
from tests.cli.running import ROOT, run

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
REVISION = re.compile(r"(?<=revision )[0-9a-f]{12}")
GROUPS = {"silence": ("add", "list", "expire"), "history": ("export", "import")}
ACTIONS = ("ack", "unack", "snooze", "resolve", "escalate", "note", "explain")
ROLL_OUT = ("publish", "shadow", "activate", "rollback", "policies")
COMMANDS = (
    "up",
    "web",
    "router",
    "worker",
    "slack-socket",
    "healthcheck",
    "demo",
    "check",
    "test-route",
    "doctor",
    "send-test",
    "incidents",
    "oncall",
    "import",
    "replay",
    "report",
    "diff",
    "schema",
    "backup",
    "restore",
    *ACTIONS,
    *ROLL_OUT,
    *(f"{group} {command}" for group, commands in GROUPS.items() for command in commands),
)


def told_to_type(session: str) -> tuple[list[str], str]:
    """The commands of a session, and all that they print."""
    lines = session.splitlines()
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return commands, "".join(f"{line}\n" for line in lines if not line.startswith("$ "))


def typed(commands: list[str], directory: Path) -> str:
    """What a shell prints in which they are typed, in this directory."""
    return subprocess.run(
        ["bash", "-c", "\n".join(commands)],
        cwd=directory,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.splitlines()[-1][:40])
def test_each_example_prints_what_the_page_shows(session: str, tmp_path: Path) -> None:
    """Typed into a shell beside the default policies; the revision changes with every edit of those."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    commands, shown = told_to_type(session)

    printed = typed(commands, tmp_path)

    assert REVISION.sub("…", printed) == REVISION.sub("…", shown)


def test_the_page_has_examples() -> None:
    """A page whose examples were marked otherwise would pass unread."""
    assert len(SESSIONS) == 10


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_and_each_of_its_options_stands_on_the_page(command: str) -> None:
    """With its own options; those that all share stand at the top."""
    help_text = run(*command.split(), "--help", environ={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}).out
    options = set(re.findall(r"--[a-z][a-z.-]+", help_text)) - {"--help"}

    assert f"`{command}`" in PAGE or f"alertrouter {command}" in PAGE
    assert {option for option in options if f"`{option}" not in PAGE} <= {"--output"}
    with_output = {
        "check",
        "test-route",
        "doctor",
        "send-test",
        "incidents",
        "oncall",
        "import",
        "diff",
        "replay",
        "report",
        *ACTIONS,
        *ROLL_OUT,
    }
    with_output |= {one for one in COMMANDS if " " in one} - {"history export", "history import"}
    assert ("--output" in options) is (command in with_output)


def test_no_command_is_missing_from_this_test() -> None:
    """Every command that is registered is looked at above."""
    names = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names |= {
            f"{group.name} {one.name or getattr(one.callback, '__name__', '')}"
            for one in group.typer_instance.registered_commands
        }

    assert names == set(COMMANDS)

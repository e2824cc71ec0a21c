"""The command line's root: the version, the commands there are, and what an exit code says."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from alertrouter import __version__
from alertrouter.cli.app import app as commands


def test_the_version_is_the_package_s() -> None:
    """`--version` names the program and its version, to be quoted in a report."""
    shown = CliRunner().invoke(commands, ["--version"])

    assert shown.output == f"alertrouter {__version__}\n"
    assert shown.exit_code == 0


def test_every_command_says_what_it_does() -> None:
    """Each has a line of help, and all that the documentation names are there."""
    named = {command.name or command.callback.__name__ for command in commands.registered_commands if command.callback}

    assert named >= {"up", "web", "router", "worker", "demo", "check", "test-route"}
    for command in commands.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__, command.name


def test_a_wrong_setting_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, what was found and what was expected; exit code 2, no traceback."""
    monkeypatch.setenv("ALERTROUTER_LISTEN", "nowhere")

    refused = CliRunner().invoke(commands, ["up"])

    assert refused.exit_code == 2
    assert refused.stderr == "alertrouter: ALERTROUTER_LISTEN: found 'nowhere', expected host:port\n"


def test_a_policy_that_is_not_there_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--policy` takes the place of ALERTROUTER_POLICY, and its directory must be there; exit code 1."""
    monkeypatch.setenv("ALERTROUTER_POLICY", "policies")

    refused = CliRunner().invoke(commands, ["up", "--policy", "no/such/directory"])

    assert refused.exit_code == 1
    # A process of its own looks at the policy, and says so on the same stderr.
    assert "no/such/directory: there is no such directory" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["healthcheck", "cron"], ["incidents", "--state", "cron"], ["history", "cron"]])
def test_a_wrong_word_is_told_in_ours(words: list[str]) -> None:
    """Not in those of the library that reads options."""
    refused = CliRunner().invoke(commands, words, env={"COLUMNS": "200"})

    assert refused.exit_code == 2
    assert "cron" in refused.stderr
    assert "Value error" not in refused.stderr


def test_an_unknown_command_is_wrong_usage() -> None:
    """As a program of its own, by `python -m alertrouter`: exit code 2."""
    refused = subprocess.run(
        [sys.executable, "-m", "alertrouter", "explode"], capture_output=True, text=True, check=False
    )

    assert refused.returncode == 2
    assert "No such command 'explode'" in refused.stderr

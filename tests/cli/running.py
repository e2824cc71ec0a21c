"""Running a command as a terminal does, in this process: what it prints on each stream, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import alertrouter.cli as _commands  # noqa: F401  every command registers itself by being imported
from alertrouter.cli.app import app

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """Every line of stdout as JSON: nothing else may stand there."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str, stdin: str | bytes = "", environ: Mapping[str, str] | None = None) -> Ran:
    """Run `alertrouter ARGUMENTS`; anything but a wanted exit is raised."""
    runner = CliRunner()
    result = runner.invoke(app, arguments, input=stdin, env=dict(environ or {}), catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)

"""Programs that judge the stack's files: those that pip brings stand beside this Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.journeys.programs import installed, missing

CHECKOUT: Final = Path(__file__).resolve().parents[2]
MONITORING: Final = CHECKOUT / "monitoring"


def tool(name: str) -> str:
    """The path of a program of the development environment."""
    path = Path(sys.executable).parent / name
    if not path.is_file():
        missing(f"{name} is not installed beside {sys.executable}")
    return str(path)


def run(
    *command: str, directory: Path = CHECKOUT, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program and give what it printed, on both streams together."""
    return subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def debian(name: str) -> str:
    """The path of a program of the system, under Debian's name or its own."""
    return installed(f"prometheus-{name}", name.replace("-", "_"), name)

"""Asks the real `amtool` where alerts go, many label sets at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from alertrouter.alert import Labels
from alertrouter.errors import NotFound, PayloadError

_LONGEST: Final = 30.0
_AT_ONCE: Final = 2 * (os.cpu_count() or 1)


def find() -> str:
    """The program. Raises `NotFound` when it isn't installed."""
    found = shutil.which("amtool")
    if not found:
        raise NotFound("amtool is not on PATH: there is nothing to compare with; it comes with Alertmanager")
    return found


def routes(program: str, configuration: str, label_sets: Sequence[Labels]) -> list[tuple[str, ...]]:
    """The receivers of each label set by `amtool config routes test`, in order.

    Each is a process of some 20 ms, so they run side by side. Raises `PayloadError` with amtool's own words when it
    can't read the configuration.
    """
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(_AT_ONCE) as threads:
        file = Path(directory) / "alertmanager.yml"
        file.write_text(configuration, encoding="utf-8")
        return list(threads.map(lambda labels: _ask(program, file, labels), label_sets))


def _ask(program: str, file: Path, labels: Labels) -> tuple[str, ...]:
    words = [f"{name}={_quoted(value)}" for name, value in labels.items()]
    ran = subprocess.run(  # noqa: S603 -- the program was looked up, its arguments are one word each
        [program, "config", "routes", "test", f"--config.file={file}", "--", *words],
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if ran.returncode:
        why = ran.stderr.strip().rpartition("\n")[2].removeprefix("amtool: error: ") or f"exit {ran.returncode}"
        raise PayloadError(f"amtool can't read the file, so nothing was compared: {why}")
    return tuple(ran.stdout.strip("\n").split(","))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

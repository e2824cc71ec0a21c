"""The processes that an alertrouter consists of, as the kernel lists them: which plays what part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.journeys.programs import missing

ROLES: Final = ("router", "worker", "web", "valkey")
"""The parts that the processes under `alertrouter up` play."""

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A living process: its parent, its command line, and when it started (ticks since the machine did)."""

    pid: int
    parent: int
    command: tuple[str, ...]
    started: int

    @property
    def role(self) -> str:
        """What part it plays: one of `ROLES`, `up`, or "" for anything else."""
        if self.command and "-server" in Path(self.command[0].split(" ")[0]).name:
            return "valkey"
        words = [word for word in self.command if word in (*ROLES, "up")]
        return words[0] if words and "alertrouter" in " ".join(self.command) else ""


def living() -> list[Process]:
    """All processes of this machine that have not ended; zombies are none."""
    if sys.platform != "linux":
        missing("Linux's /proc")
    return [process for entry in _PROC.iterdir() if entry.name.isdigit() and (process := _read(entry))]


def under(root: int) -> list[Process]:
    """The living descendants of a process, in order of their ids."""
    everything = living()
    found: list[Process] = []
    parents = {root}
    while parents:
        children = [process for process in everything if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return sorted(found, key=lambda process: process.pid)


def of_directory(directory: Path) -> list[Process]:
    """The living processes that work in a directory, or whose command line or environment names it.

    Valkey writes its own title over both of these, but works in its state directory.
    """
    wanted = str(directory)
    return [process for process in living() if any(wanted in text for text in _texts(process))]


def _read(entry: Path) -> Process | None:
    try:
        command = (entry / "cmdline").read_bytes()
        stat = (entry / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # it ended while we looked
    state, parent, *rest = stat.rpartition(")")[2].split()
    if state in "ZX":
        return None
    words = tuple(command.decode(errors="replace").rstrip("\0").split("\0"))
    return Process(int(entry.name), int(parent), words, int(rest[17]))


def _texts(process: Process) -> Iterator[str]:
    yield " ".join(process.command)
    entry = _PROC / str(process.pid)
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is another user's
        yield str((entry / "cwd").readlink())
        yield (entry / "environ").read_bytes().decode(errors="replace")

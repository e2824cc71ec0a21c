"""Programs under measurement: started on loopback, bound to the bench's life, and their CPU time and memory."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

_T = TypeVar("_T")

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)
_PROC: Final = Path("/proc")
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A measurement failed: what it gave is no figure."""


def bound_to_this_process() -> None:
    """Have the kernel kill the process that calls this when its parent is gone. To be called between fork and exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], _T], *, within: float, what: str, every: float = 0.01) -> _T:
    """Look until there is something to see, and give that; raises `BenchError` after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise BenchError(f"not within {within:g} s: {what}")
        time.sleep(every)
    return found


class Program:
    """One program; what it says goes to a file in its directory."""

    def __init__(self, name: str, command: Sequence[str], directory: Path, environ: Mapping[str, str]) -> None:
        """Start it with exactly this environment, and PATH and HOME."""
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  the programs that this bench is about
                command,
                cwd=directory,
                env={"PATH": os.defpath, "HOME": str(directory), **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=bound_to_this_process,  # noqa: PLW1509  it makes one system call
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """The end of what it said."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def stop(self, within: float = 20.0) -> None:
        """Ask it to end, and kill it when it doesn't."""
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True, slots=True)
class Process:
    """A living process: what it is called here, and its CPU seconds so far."""

    pid: int
    name: str
    cpu: float


def tree(root: int, name: Callable[[Sequence[str]], str]) -> list[Process]:
    """A process and its living descendants, each named by its command line."""
    parents = {
        pid: stat for entry in _PROC.iterdir() if entry.name.isdigit() and (stat := _stat(pid := int(entry.name)))
    }
    found, wanted = [], {root}
    while wanted:
        found += sorted(wanted)
        wanted = {pid for pid, stat in parents.items() if stat[0] in wanted}
    return [Process(pid, name(_command(pid)), parents[pid][1]) for pid in found if pid in parents]


def cpu_by_name(processes: Sequence[Process]) -> dict[str, float]:
    """The CPU time so far, by what processes are called."""
    seconds: dict[str, float] = {}
    for process in processes:
        seconds[process.name] = seconds.get(process.name, 0.0) + process.cpu
    return seconds


def memory_mib(pid: int) -> tuple[float, float]:
    """RSS, and PSS, in which pages that several processes share count once in all."""
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return kib["Rss"] / 1024, kib["Pss"] / 1024


def _stat(pid: int) -> tuple[int, float] | None:
    """Parent, and CPU seconds with those of children that ended (Valkey's rewrites); None for what has ended itself."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, *rest = text.rpartition(")")[2].split()
    return None if state in "ZX" else (int(parent), sum(map(int, rest[9:13])) * _TICK)


def _command(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []

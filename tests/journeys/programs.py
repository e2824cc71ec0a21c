"""Real programs as processes of a test: they start on loopback, keep their logs, and die with the test."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

import pytest

LOG_TAIL: Final = 200
"""Lines of each log that a failed test shows."""

_SET_PARENT_DEATH_SIGNAL: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def installed(*names: str) -> str:
    """Find a program by one of its names. A missing one skips the test, and fails it in continuous integration."""
    found = [path for name in names if (path := shutil.which(name))]
    if not found:
        missing(f"{' or '.join(names)} is not installed")
    return found[0]


def missing(what: str) -> NoReturn:
    """Skip the test for what this machine doesn't have; in continuous integration fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and in continuous integration nothing may be left out")
    pytest.skip(what)


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One process of the test, leader of a session of its own; what it says goes to `log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        directory: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start it in `directory`, with exactly the environment given (default: none but PATH)."""
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env={"PATH": os.environ["PATH"], **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_the_test,  # noqa: PLW1509  it makes one system call, on a library loaded before
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Tell whether it has not ended."""
        return self.process.poll() is None

    def text(self) -> str:
        """All that it has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.running:
            self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 20) -> int:
        """Ask it to end and give its exit code; one that doesn't listen is killed, and gives -9."""
        self.send(number)
        try:
            return self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill it with all of its session (`kill -9`)."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.send(signal.SIGKILL)
        return self.process.wait()


class Programs:
    """The programs of one test, and how to get rid of them."""

    def __init__(self, directory: Path) -> None:
        """Keep their logs in `directory`."""
        self.directory = directory
        self.started: list[Program] = []

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> Program:
        """Start a program that ends with the test."""
        program = Program(name, command, directory=self.directory, environ=environ)
        self.started.append(program)
        return program

    def stop(self) -> None:
        """End all of them, the latest first."""
        for program in reversed(self.started):
            program.stop()

    def logs(self) -> list[tuple[str, str]]:
        """The end of each program's log, for the report of a failed test."""
        return [
            (f"{program.name} ({_ending(program)})", "\n".join(program.text().splitlines()[-LOG_TAIL:]))
            for program in self.started
        ]


def _ending(program: Program) -> str:
    code = program.process.poll()
    return "running" if code is None else f"ended with {code}"


def _die_with_the_test() -> None:
    """Have the kernel end this process when the test's process is gone, however that ended."""
    if _LIBC is not None:
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)

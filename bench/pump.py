"""The pump (`c/`): the load generator and the endpoint, one C program, compiled here and run by the rows."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from bench.programs import BenchError, bound_to_this_process

SOURCES: Final = Path(__file__).parent / "c"


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds."""

    count: int
    least: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0


class Pumped(msgspec.Struct, frozen=True, kw_only=True):
    """What the pump saw. `latency_ms` counts from the moment that an alert was sent to its first mark at the endpoint.

    `_ns` are of the machine's monotonic clock, which Python's `time.monotonic_ns` reads too.
    """

    started_ns: int
    answered_ns: int
    first_arrival_ns: int
    last_arrival_ns: int
    starts: str
    requests: int
    answered: int
    refused: int
    arrived: int
    notifications: int
    response_ms: Spread
    latency_ms: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to post; the words are those of `Options` in `c/pump.h`."""

    alerts: int
    batch: int = 64
    rounds: int = 1
    connections: int = 8
    groups: int = 1000
    group_from: int = 0
    services: int = 4
    first: int = 0
    role: str = "plain"
    changing: int = 0
    starts: str = ""
    starts_ahead_ms: int = 0
    pace_us: int = 0
    expect: int = 0
    skip: int = 0
    delay_ms: int = 0
    status: str = "200 OK"
    answer: str = "ok"
    timeout_ms: int = 60_000

    @property
    def posted(self) -> int:
        """How many alerts the system gets, repeats counted."""
        return self.alerts * self.rounds

    def options(self) -> list[str]:
        """The pump's command line."""
        words = []
        for name in self.__slots__:
            value = getattr(self, name)
            if value != "":
                words += [f"--{name.replace('_', '-')}", str(value)]
        return words


class Endpoint:
    """The address that the systems notify. It outlives the pumps, which serve it one after the other."""

    def __init__(self) -> None:
        """Listen on loopback."""
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1024)
        self._socket.set_inheritable(True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        """The socket, for the pump to inherit."""
        return self._socket.fileno()

    def __enter__(self) -> Endpoint:
        """Use it in a `with`."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Listen no longer."""
        self._socket.close()


class Pump:
    """The compiled program."""

    def __init__(self, directory: Path) -> None:
        """Compile it into a directory."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise BenchError("no C compiler: the load generator is C; on Debian: apt-get install gcc libc6-dev")
        self._binary = directory / "pump"
        self._last: subprocess.Popen[str] | None = None
        sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
        command = [compiler, "-O2", "-Wall", "-D_GNU_SOURCE", "-o", str(self._binary), *sources]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own sources
        if done.returncode:
            raise BenchError(f"the load generator does not compile:\n{done.stderr}")

    def close(self) -> None:
        """End the last pump, which has most often ended by itself."""
        if self._last is not None:
            self._last.kill()
            self._last.communicate()
            self._last = None

    def run(self, load: Load, *, port: int, endpoint: Endpoint) -> Pumped:
        """Post a load to a port of 127.0.0.1, and return as soon as the pump has reported.

        Raises `BenchError` when something was refused or is missing: a figure of half the work is none.
        """
        command = [str(self._binary), "--port", str(port), "--listener", str(endpoint.fileno()), *load.options()]
        self.close()
        self._last = subprocess.Popen(  # noqa: S603  the program that was compiled above
            command,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[endpoint.fileno()],
            preexec_fn=bound_to_this_process,  # noqa: PLW1509  it makes one system call
        )
        line = self._last.stdout.readline() if self._last.stdout else ""
        if not line:
            raise BenchError(f"the pump failed (its words stand above): {' '.join(command)}")
        pumped = msgspec.json.decode(line, type=Pumped)
        if pumped.answered < pumped.requests or pumped.refused:
            raise BenchError(f"{pumped.requests} requests, {pumped.answered} answered, {pumped.refused} not with 200")
        if pumped.arrived < load.expect:
            raise BenchError(f"only {pumped.arrived} of {load.expect} alerts arrived within {load.timeout_ms} ms")
        return pumped

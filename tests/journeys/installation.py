"""An alertrouter as an operator runs it: `alertrouter up`, or its processes one by one, on loopback, in a directory."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.processes import Process, of_directory, under
from tests.journeys.programs import Program, Programs, free_port
from tests.waiting import eventually

CHECKOUT: Final = Path(__file__).resolve().parents[2]


class Door:
    """The web door of an alertrouter, as others reach it."""

    def __init__(self, address: str) -> None:
        """Speak to `address` (host:port)."""
        self.address = address
        self.url = f"http://{address}"

    def post(self, path: str, body: bytes, *, within: float = 10) -> int:
        """Post JSON and give the status; raises `OSError` when nobody answers."""
        request = Request(self.url + path, data=body, headers={"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=within) as answer:
                return int(answer.status)
        except HTTPError as refusal:
            with refusal:
                return refusal.code

    def page(self, path: str) -> str:
        """What stands at `path`."""
        with urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def ready(self) -> bool:
        """Tell whether it says that it is ready."""
        try:
            return bool(self.page("/-/ready"))
        except (URLError, OSError):
            return False

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        families = text_string_to_metric_families(self.page("/metrics"))
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())


class Alertrouter:
    """`alertrouter up` with a policy of its own."""

    def __init__(
        self, programs: Programs, *, policy: str | None, environ: Mapping[str, str], home: Path | None = None
    ) -> None:
        """Start it and wait until it is ready; `policy` is a policy file's text, None for the built-in policy.

        `home` is the home directory of whoever starts it; with that of an earlier one it finds what that one kept.
        """
        self.home = home or programs.directory / "home"
        self.home.mkdir(exist_ok=True)
        self.door = Door(f"127.0.0.1:{free_port()}")
        self._programs = programs
        self._environ = {"ALERTROUTER_LISTEN": self.door.address, **environ}
        if policy is not None:
            self._environ["ALERTROUTER_POLICY"] = str(policy_directory(programs.directory, policy))
        self.up = self._start()

    def processes(self, role: str) -> list[Process]:
        """Its living processes that play a part: `router`, `worker`, `web` or `valkey`."""
        return [process for process in under(self.up.pid) if process.role == role]

    def kill(self, process: Process) -> None:
        """Kill one of its processes (`kill -9`) and wait until another one plays its part."""
        before = len(self.processes(process.role))
        os.kill(process.pid, signal.SIGKILL)
        eventually(
            lambda: len([one for one in self.processes(process.role) if one != process]) >= before,
            within=20,
            what=f"a new {process.role} runs",
        )

    def cut_power(self) -> list[Process]:
        """Kill all of its processes at once, and start it again; gives those that were killed."""
        victims = self.left()
        for process in victims:
            with contextlib.suppress(ProcessLookupError):  # it went with its parent, as it should
                os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not self.left(), within=10, what="all processes are gone")
        self.up = self._start()
        return victims

    def left(self) -> list[Process]:
        """All living processes that were started for it, wherever they hang."""
        return of_directory(self.home)

    def _start(self) -> Program:
        up = start(self._programs, "up", "up", home=self.home, environ=self._environ)

        def ready() -> bool:
            assert up.running, f"alertrouter ended:\n{up.text()}"
            return self.door.ready()

        eventually(ready, within=30, what="alertrouter is ready")
        return up


def start(programs: Programs, name: str, command: str, *, home: Path, environ: Mapping[str, str]) -> Program:
    """Start one of alertrouter's commands as if `home` were the user's home directory."""
    settings = {"HOME": str(home), "PYTHONPATH": str(CHECKOUT), **environ}
    return programs.start(name, [sys.executable, "-m", "alertrouter", command], settings)


def policy_directory(parent: Path, text: str) -> Path:
    """Make a policy directory that holds one file."""
    directory = parent / "policy"
    directory.mkdir()
    (directory / "policy.yml").write_text(text, encoding="utf-8")
    return directory

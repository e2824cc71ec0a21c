"""`make profile`: where an ingest and a storm spend their time, process by process."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from alertrouter.store import embedded
from bench.programs import Process, Program, tree
from bench.pump import Endpoint, Load, Pump
from bench.rows import Bench
from bench.shape import Shape
from bench.systems import Alertrouter
from bench.work.storm import storm

ROLES: Final = ("router", "worker", "web")


class Sampled(Alertrouter):
    """alertrouter with a profiler in each of its processes, and one worker; its Valkey is started beside it."""

    def launch(self) -> None:
        """Start each process by itself."""
        state = self.directory / "state"
        self._lock = embedded.lock(state)
        self.program = Program("valkey", embedded.command(state, "always"), self.directory, {})
        self._roles = {
            role: Program(
                role,
                [sys.executable, "-m", "bench.sampled", str(self.directory / role), role],
                self.directory,
                self.environ,
            )
            for role in ROLES
        }

    def processes(self) -> list[Process]:
        """Valkey's and those that are profiled."""
        programs = [self.program, *self._roles.values()]
        return [process for program in programs for process in tree(program.pid, self.role)]

    def forget(self) -> None:
        """Begin to look anew."""
        for program in self._roles.values():
            os.kill(program.pid, signal.SIGUSR1)

    def stop(self) -> None:
        """End all of it; then the reports are written."""
        for program in self._roles.values():
            program.stop()
        super().stop()
        self._lock.close()

    def reports(self) -> dict[str, str]:
        """What each profiler saw, after the stop."""
        return {role: (self.directory / role).read_text() for role in ROLES if (self.directory / role).exists()}


def _new(services: int, bench: Bench, system: Sampled) -> None:
    system.forget()
    bench.load(system, Load(alerts=bench.scaled(100_000), services=services))


def _again(bench: Bench, system: Sampled) -> None:
    new = bench.load(system, Load(alerts=bench.scaled(20_000)))
    system.forget()
    bench.load(system, Load(alerts=bench.scaled(20_000), rounds=20, starts=new.pumped.starts))


def _storm(bench: Bench, system: Sampled) -> None:
    system.forget()
    alerts = bench.scaled(10_000)
    bench.load(system, storm(alerts=alerts, groups=alerts // 10))


def _latency(bench: Bench, system: Sampled) -> None:
    load = Load(alerts=500, batch=1, connections=4, groups=500, pace_us=20_000, expect=500, starts_ahead_ms=60_000)
    system.forget()
    bench.load(system, load)


CASES: Final[dict[str, tuple[Shape, Callable[[Bench, Sampled], None]]]] = {
    "ingest-new": (Shape(), partial(_new, 4)),
    "ingest-new-1000-routes": (Shape(routes=1000), partial(_new, 1000)),
    "ingest-re-sent": (Shape(), _again),
    "storm": (Shape(group_wait="1s", group_interval="30s"), _storm),
    "one-alert-at-a-time": (Shape(group_wait="0s"), _latency),
}


def main(arguments: Sequence[str]) -> None:
    """Profile the cases that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the alerts (1)")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, Endpoint() as endpoint:
        bench = Bench(Pump(Path(directory)), endpoint, Path(directory), scale=asked.scale)
        for case in asked.cases or CASES:
            sys.stdout.write(_profile(case, bench))
            sys.stdout.flush()


def _profile(case: str, bench: Bench) -> str:
    shape, work = CASES[case]
    system = Sampled(bench.fresh_directory(case), shape, bench.endpoint.port)
    try:
        before = {process.pid: process.cpu for process in system.processes()}
        work(bench, system)
        cpu = [(process.name, process.cpu - before.get(process.pid, 0.0)) for process in system.processes()]
    finally:
        bench.pump.close()
        system.stop()
    shares = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in cpu)
    parts = [f"==== {case}: CPU {shares}\n"]
    parts += [f"---- {case}: {role}\n{report}" for role, report in system.reports().items()]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])

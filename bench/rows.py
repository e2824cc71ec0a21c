"""What a row is, what it may use, and the list of all rows."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bench.figures import Figure
from bench.programs import cpu_by_name
from bench.pump import Endpoint, Load, Pump, Pumped
from bench.shape import Shape
from bench.systems import ALERTMANAGER, ALERTROUTER, EVERYSEC, Alertmanager, Alertrouter, System

BOTH: tuple[str, ...] = (ALERTMANAGER, ALERTROUTER)
ALL: tuple[str, ...] = (ALERTMANAGER, ALERTROUTER, EVERYSEC)
OURS: tuple[str, ...] = (ALERTROUTER,)
WARM_UP = 2000
PROCESSES = ("web", "router", "worker", "valkey", "up")
APART = 90_000_000
"""Numbers of alerts and groups from here on belong to no measurement."""

Measured: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Applied:
    """A load that a system has dealt with: how long that took, from the first byte sent, and what it cost."""

    pumped: Pumped
    seconds: float
    cpu_of: Mapping[str, float]
    alerts: int

    @property
    def cpu(self) -> float:
        """CPU seconds of all its processes."""
        return sum(self.cpu_of.values())

    @property
    def rate(self) -> float:
        """Alerts a second."""
        return self.alerts / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds of all its processes for 1,000 alerts."""
        return self.cpu / self.alerts * 1000

    def shares(self, prefix: str) -> dict[str, float]:
        """How many percent of the CPU time each kind of process took, as figures."""
        return {f"{prefix}{name}": seconds / self.cpu * 100 for name, seconds in self.cpu_of.items() if self.cpu}


@dataclass(slots=True)
class Bench:
    """What rows measure with. `scale` shrinks counts of alerts for a quick look; ratios then say less."""

    pump: Pump
    endpoint: Endpoint
    directory: Path
    scale: float = 1.0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def scaled(self, count: int) -> int:
        """So many alerts, or fewer; always a multiple of 1,000, or of 100 below that."""
        step = 1000 if count >= 1000 else 100
        return max(step, round(count * self.scale / step) * step)

    @contextmanager
    def running(
        self, name: str, shape: Shape, environ: Mapping[str, str] | None = None, *, warm: bool = True
    ) -> Iterator[System]:
        """Start a system, warm it up, and be rid of it afterwards."""
        directory = self.fresh_directory(name)
        try:
            system = self.start(name, shape, directory, environ)
            try:
                if warm:
                    self.load(system, Load(alerts=WARM_UP, rounds=2, first=APART, group_from=APART))
                yield system
            finally:
                self.pump.close()
                system.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def fresh_directory(self, name: str) -> Path:
        """A directory for one system; short, for a socket lies in it."""
        return Path(tempfile.mkdtemp(prefix=f"{next(self._numbers)}-{name[:6]}-", dir=self.directory))

    def start(self, name: str, shape: Shape, directory: Path, environ: Mapping[str, str] | None = None) -> System:
        """Start a system in a directory."""
        if name == ALERTMANAGER:
            return Alertmanager(directory, shape, self.endpoint.port)
        durability = "everysec" if name == EVERYSEC else "always"
        return Alertrouter(directory, shape, self.endpoint.port, durability=durability, environ=environ)

    def load(self, system: System, load: Load) -> Applied:
        """Post a load; it ends when the system has applied it and the endpoint has heard of what the load expects."""
        before, applied = cpu_by_name(system.processes()), system.applied()
        pumped = self.pump.run(load, port=system.port, endpoint=self.endpoint)
        ended = system.wait_until_applied(applied + load.posted, pumped.answered_ns)
        if load.expect:
            ended = max(ended, pumped.last_arrival_ns)
        after = cpu_by_name(system.processes())
        cpu_of = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
        return Applied(pumped, (ended - pumped.started_ns) / 1e9, cpu_of, load.posted)

    def rest(self, seconds: float) -> None:
        """Let a system come to rest."""
        time.sleep(seconds)


def share_figures(prefix: str) -> tuple[Figure, ...]:
    """The figures of `Applied.shares`."""
    return tuple(Figure(f"{prefix}{name}", "% of CPU") for name in PROCESSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One piece of work, measured anew on a fresh system in each repetition.

    A `long` one is left out unless it is named.
    """

    name: str
    about: str
    figures: tuple[Figure, ...]
    measure: Callable[[Bench, str], Measured]
    systems: tuple[str, ...] = BOTH
    long: bool = False

"""The systems under measurement, each as its own processes in a directory of its own: Alertmanager and alertrouter."""

from __future__ import annotations

import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast
from urllib.error import URLError
from urllib.request import urlopen

import redis

from alertrouter.store.connection import connect
from alertrouter.store.embedded import embedded_url
from alertrouter.store.keys import Keys
from bench.programs import BenchError, Process, Program, eventually, free_port, tree
from bench.shape import Shape, alertmanager_yaml, policy_yaml

ALERTMANAGER: Final = "alertmanager"
ALERTROUTER: Final = "alertrouter"
EVERYSEC: Final = "alertrouter-everysec"
READY_WITHIN: Final = 60.0
APPLIED_WITHIN: Final = 120.0
CHECKOUT: Final = Path(__file__).resolve().parents[1]
"""What is measured is the alertrouter beside this bench, whichever one is installed."""

ROLES: Final = ("web", "router", "worker", "up")


class System(ABC):
    """One running system. `applied` is the heart: work counts when it was done, not when it was accepted."""

    name: str
    port: int
    program: Program

    @abstractmethod
    def applied(self) -> int:
        """How many reported alerts have gone all the way into its groups so far."""

    @abstractmethod
    def role(self, command: Sequence[str]) -> str:
        """What one of its processes is called in the table."""

    def processes(self) -> list[Process]:
        """All its processes."""
        return tree(self.program.pid, self.role)

    def wait_until_applied(self, count: int, answered_ns: int) -> int:
        """Wait until so many are applied; gives when that was seen. The first look counts as the last answer's time."""
        deadline = time.monotonic() + APPLIED_WITHIN
        seen_at = answered_ns
        while (now := self.applied()) < count:
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name}: {now} of {count} alerts applied within {APPLIED_WITHIN:g} s")
            time.sleep(0.002)
            seen_at = time.monotonic_ns()
        if now > count:
            raise BenchError(f"{self.name}: {now} alerts applied, {count} were posted")
        return seen_at

    def stop(self) -> None:
        """End it."""
        self.program.stop()

    def _until_ready(self) -> None:
        def ready() -> bool:
            if not self.program.running:
                raise BenchError(f"{self.name} ended:\n{self.program.last_words()}")
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as answer:
                    return bool(answer.status == 200)
            except (URLError, OSError):
                return False

        eventually(ready, within=READY_WITHIN, what=f"{self.name} is ready")


class Alertmanager(System):
    """Debian's Alertmanager, without clustering."""

    def __init__(self, directory: Path, shape: Shape, endpoint: int) -> None:
        """Start it, and wait until it is ready."""
        binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if binary is None:
            raise BenchError("no Alertmanager to compare with; on Debian: apt-get install prometheus-alertmanager")
        self.name = ALERTMANAGER
        self.port = free_port()
        config = directory / "alertmanager.yml"
        config.write_text(alertmanager_yaml(shape, f"http://127.0.0.1:{endpoint}/notify"))
        self.program = Program(
            self.name,
            [
                binary,
                f"--config.file={config}",
                f"--storage.path={directory / 'storage'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            directory,
            {},
        )
        self._until_ready()

    def role(self, command: Sequence[str]) -> str:
        """It is one process."""
        return "alertmanager"

    def applied(self) -> int:
        """Ask what the dispatcher has handled, which follows what the API has accepted."""
        wanted = "alertmanager_dispatcher_alert_processing_duration_seconds_count "
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(wanted):
                    return int(float(line.removeprefix(wanted)))
        return 0


class Alertrouter(System):
    """`alertrouter up` with its embedded Valkey: supervisor, Valkey, router, two workers, web."""

    def __init__(
        self,
        directory: Path,
        shape: Shape,
        endpoint: int,
        *,
        durability: str = "always",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start it, and wait until it is ready; in the directory of an earlier one it finds that one's state."""
        self.name = EVERYSEC if durability == "everysec" else ALERTROUTER
        self.port = free_port()
        self.directory = directory
        policy = directory / "policy"
        policy.mkdir(exist_ok=True)
        (policy / "policy.yml").write_text(policy_yaml(shape, f"http://127.0.0.1:{endpoint}/notify"))
        self.environ = {
            "PYTHONPATH": str(CHECKOUT),
            "ALERTROUTER_LISTEN": f"127.0.0.1:{self.port}",
            "ALERTROUTER_POLICY": str(policy),
            "ALERTROUTER_STATE_DIR": str(directory / "state"),
            "ALERTROUTER_DURABILITY": durability,
            **far_sides(endpoint),
            **(environ or {}),
        }
        self.launch()
        self.redis: redis.Redis = connect(embedded_url(directory / "state"))
        self.keys = Keys("ar")
        self._until_ready()

    def launch(self) -> None:
        """Start its processes."""
        self.program = Program("up", command("up"), self.directory, self.environ)

    def role(self, command: Sequence[str]) -> str:
        """By the command's word."""
        if command and "-server" in command[0]:
            return "valkey"
        return next((word for word in command if word in ROLES), "other")

    def applied(self) -> int:
        """What the router counted in its commits; it counts together with what it writes."""
        counters = self.redis.hmget(self.keys.counters, ["alerts_received:firing", "alerts_received:resolved"])
        return sum(int(number or 0) for number in cast(list[bytes | None], counters))

    def start_another(self, role: str) -> Program:
        """Start one more process beside those of `up`."""
        environ = {**self.environ, "ALERTROUTER_REDIS_URL": embedded_url(self.directory / "state")}
        return Program(f"another-{role}", command(role), self.directory, environ)

    def stop(self) -> None:
        """End all of it."""
        self.redis.close()
        self.program.stop()


def command(*words: str) -> list[str]:
    """The command line of one of alertrouter's commands."""
    return [sys.executable, "-P", "-m", "alertrouter", *words]


def far_sides(endpoint: int) -> dict[str, str]:
    """The settings that send each channel's messages to the endpoint. Mail has an endpoint of its own."""
    return {
        "SLACK_API_URL": f"http://127.0.0.1:{endpoint}/api/",
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_MESSAGES_PER_SECOND": "0",
        "PAGERDUTY_EVENTS_URL": f"http://127.0.0.1:{endpoint}",
        "PAGERDUTY_SERVICE_KEY": "b" * 32,
    }

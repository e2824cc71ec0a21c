"""A backup of what runs, the loss of all of it, and the way back: scripts/backup_monitoring.sh on real programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import redis
import yaml
from msgspec.structs import replace

from alertrouter.settings import Settings
from alertrouter.store.backup import Record, unpack
from alertrouter.store.keys import Keys
from tests.journeys.installation import CHECKOUT
from tests.journeys.programs import Program, Programs, free_port, installed
from tests.journeys.stack import answers
from tests.roles import role
from tests.waiting import eventually

POLICY = """
receivers: {people: {inbox: {}}}
route: {receiver: people, group_wait: 0s, group_by: [alertname]}
"""
PASSWORD = "journey-password"
SOON = 30.0


class Machine:
    """Prometheus, a Redis with a password, and a docker that is stood in for."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.site = programs.directory / "site"
        self.site.mkdir()
        for name in ("scripts", "policies", "monitoring"):
            shutil.copytree(CHECKOUT / name, self.site / name)
        for file in CHECKOUT.glob("docker-compose*.yml"):
            shutil.copy(file, self.site)
        self.notes = programs.directory / "notes"
        (self.notes / "pids").mkdir(parents=True)
        (programs.directory / "bin").mkdir()
        shutil.copy(Path(__file__).with_name("docker_standin.sh"), programs.directory / "bin" / "docker")
        self.redis_port = free_port()
        redis_command = [installed("redis-server"), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        programs.start("redis", [*redis_command, "--requirepass", PASSWORD, "--save", "", "--appendonly", "no"])
        self.redis_url = f"redis://:{PASSWORD}@127.0.0.1:{self.redis_port}/0"
        self.address = f"127.0.0.1:{free_port()}"
        self.data = programs.directory / "prometheus"
        self.prometheus = self.start_prometheus()

    def start_prometheus(self) -> Program:
        """Start it on what data there is; it scrapes itself."""
        config = {
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{"job_name": "prometheus", "static_configs": [{"targets": [self.address]}]}],
        }
        (self.programs.directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        program = self.programs.start(
            "prometheus",
            [
                installed("prometheus"),
                f"--config.file={self.programs.directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.data}",
                f"--web.listen-address={self.address}",
                "--web.enable-admin-api",
            ],
        )
        (self.notes / "pids" / "prometheus").write_text(f"{program.pid}\n")
        eventually(lambda: answers(f"http://{self.address}/-/ready"), "Prometheus is ready", SOON)
        return program

    def samples(self, until: float) -> list[list[object]]:
        """The samples of `up` that were taken within a minute before a moment."""
        query = urlencode({"query": 'up{job="prometheus"}[1m]', "time": until})
        with urlopen(f"http://{self.address}/api/v1/query?{query}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return list(found[0]["values"]) if found else []

    def script(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            ["bash", "scripts/backup_monitoring.sh", *arguments],
            cwd=self.site,
            env={
                "PATH": f"{self.programs.directory / 'bin'}:{os.environ['PATH']}",
                "STAND_IN": str(self.notes),
                "VOLUME": str(self.data),
                "PYTHON": sys.executable,
                "REDIS_PORT": str(self.redis_port),
                "REDIS_PASSWORD": PASSWORD,
                "PROMETHEUS_URL": f"http://{self.address}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def test_what_was_backed_up_is_there_again_after_all_is_lost(
    programs: Programs, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """Prometheus answers with the same samples, alertrouter with the same incident, and goes on counting from there."""
    machine = Machine(programs)
    listen = f"127.0.0.1:{free_port()}"
    settings = settings_for(POLICY, {"ALERTROUTER_REDIS_URL": machine.redis_url, "ALERTROUTER_LISTEN": listen})
    (machine.notes / "environ").write_text("\n".join(f"{name}={value}" for name, value in settings.environ.items()))
    keys = Keys(settings.namespace)
    parts = [part for name in ("alertrouter", "redis", "prometheus", "configuration") for part in ("--only", name)]

    with ExitStack() as running, redis.Redis.from_url(machine.redis_url) as client:
        running.enter_context(role("web", settings, tmp_path / "web.log"))
        for name in ("router", "worker"):
            process = running.enter_context(role(name, settings, tmp_path / f"{name}.log"))
            (machine.notes / "pids" / f"alertrouter-{name}").write_text(f"{process.pid}\n")
        eventually(lambda: answers(f"http://{listen}/-/ready"), "alertrouter is ready", SOON)
        report(listen, "Kept")
        eventually(lambda: client.hlen(keys.inbox) == 1, "it is told", SOON)
        eventually(lambda: len(machine.samples(now(client))) > 5, "there are samples", SOON)
        at = now(client)
        samples = machine.samples(at)

        ran = machine.script(*parts)
        assert ran.returncode == 0, ran.stdout
        (backup,) = (machine.site / "backups").iterdir()
        held = {one.name: one.fields for one in unpack((backup / "alertrouter.backup").read_bytes()).records}
        kept = dict(zip(held["incidents"][::2], held["incidents"][1::2], strict=True))
        assert list(kept) == [b"INC-1"]

        # All is lost.
        machine.prometheus.kill()
        shutil.rmtree(machine.data)
        machine.prometheus = machine.start_prometheus()
        assert machine.samples(at) == []
        client.flushall()
        report(listen, "Afterwards")

        restored = machine.script("--restore", f"backups/{backup.name}", "--yes", *parts)
        assert restored.returncode == 0, restored.stdout
        machine.prometheus = machine.start_prometheus()
        assert [one for one in machine.samples(at) if one in samples] == samples
        assert client.hgetall(keys.incidents) == kept

        running.enter_context(role("router", settings, tmp_path / "router-2.log"))
        running.enter_context(role("worker", settings, tmp_path / "worker-2.log"))
        eventually(lambda: answers(f"http://{listen}/-/ready"), "alertrouter is ready again", SOON)
        report(listen, "New")
        eventually(lambda: client.hlen(keys.incidents) == 2, "the next incident has the next number", SOON)
        assert client.get(keys.last_number) == b"2"
        assert client.hget(keys.backups, "prometheus") is None, "noted after the backup of alertrouter, so not in it"


def test_a_damaged_backup_is_not_put_back(programs: Programs) -> None:
    """Its sums are looked at first, and nothing is stopped for it."""
    machine = Machine(programs)
    (machine.notes / "environ").write_text(f"ALERTROUTER_REDIS_URL={machine.redis_url}")
    machine.script("--only", "redis")
    (backup,) = (machine.site / "backups").iterdir()
    assert machine.script("--verify", f"backups/{backup.name}").returncode == 0
    (backup / "redis.rdb").write_bytes(b"REDIS")

    ran = machine.script("--restore", f"backups/{backup.name}", "--yes")

    assert ran.returncode == 1
    assert "is damaged" in ran.stdout
    assert "compose stop" not in (machine.notes / "calls").read_text()


def test_a_backup_whose_sums_are_right_but_that_nobody_could_read_is_found(programs: Programs) -> None:
    """What was damaged before it was summed: `--verify` reads each entry, and `--restore` stops nothing for it."""
    machine = Machine(programs)
    (machine.notes / "environ").write_text(f"ALERTROUTER_REDIS_URL={machine.redis_url}")
    assert machine.script("--only", "alertrouter").returncode == 0
    (backup,) = (machine.site / "backups").iterdir()
    assert machine.script("--verify", f"backups/{backup.name}").returncode == 0
    file = backup / "alertrouter.backup"
    silence = Record(name="silences", kind="hash", ends_at=None, fields=(b"S-1", b"\xc0"))
    file.write_bytes(replace(unpack(file.read_bytes()), records=(silence,)).pack())
    (backup / "manifest.txt").write_text(f"{sha256(file.read_bytes()).hexdigest()}  ./alertrouter.backup\n")

    looked = machine.script("--verify", f"backups/{backup.name}")
    restored = machine.script("--restore", f"backups/{backup.name}", "--yes")

    for ran in (looked, restored):
        assert ran.returncode == 1
        assert "is whole: 1 files" in ran.stdout
        assert "silences S-1: Expected `object`, got `None`" in ran.stdout
        assert ran.stdout.endswith("can't be restored as it is\n")
    assert "compose stop" not in (machine.notes / "calls").read_text()


def report(listen: str, name: str) -> None:
    """Report an alert."""
    body = json.dumps({"labels": {"alertname": name}}).encode()
    with urlopen(f"http://{listen}/api/v1/alerts", body, timeout=10) as answer:
        assert answer.status == 200


def now(client: redis.Redis) -> float:
    """The time, as all see it."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6

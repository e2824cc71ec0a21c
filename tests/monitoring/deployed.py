"""A copy of the stack beside a Docker that only writes down what it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.monitoring.tools import CHECKOUT, run, tool

SCRIPTS = sorted((CHECKOUT / "scripts").glob("*.sh"))
GENERATED = {
    "GRAFANA_ADMIN_PASSWORD",
    "GRAFANA_SECRET_KEY",
    "ALERTROUTER_REDIS_PASSWORD",
    "ALERTROUTER_INGEST_TOKENS",
    "ALERTROUTER_API_TOKEN",
    "ALERTROUTER_API_TOKENS",
    "ALERTROUTER_LINK_SECRET",
    "AI_EXPORTER_TOKEN",
}


class Site:
    """A checkout of its own, on a machine whose `docker` and `curl` are stood in for."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "site"
        self.notes = directory / "notes"
        self.notes.mkdir()
        for name in ("scripts", "monitoring", "policies"):
            shutil.copytree(CHECKOUT / name, self.root / name)
        for file in (*CHECKOUT.glob("docker-compose*.yml"), CHECKOUT / ".env.monitoring.example"):
            shutil.copy(file, self.root)
        programs = directory / "bin"
        programs.mkdir()
        for name in ("docker", "curl"):
            shutil.copy(Path(__file__).with_name("docker_standin.sh"), programs / name)
        self.environ = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STAND_IN": str(self.notes),
            "REAL_COMPOSE": tool("docker-compose"),
            "VERIFY_PATIENCE": "2",
            "VERIFY_PAUSE": "0",
        }
        dashboards = len(list((self.root / "monitoring/grafana/dashboards").rglob("*.json")))
        if not dashboards:
            (self.root / "monitoring/grafana/dashboards/one.json").write_text("{}")
        self.tell("dashboards", ",".join(['{"uid":"x"}'] * max(dashboards, 1)))
        self.tell("services", "prometheus running healthy\nalertrouter-slack running \n")
        self.tell("system", "Debian GNU/Linux 13")
        for nothing in ("fails", "down", "calls"):
            self.tell(nothing, "")

    def tell(self, name: str, text: str) -> None:
        """Say what the stand-in answers."""
        (self.notes / name).write_text(text)

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return run("bash", "scripts/deploy_monitoring.sh", *arguments, directory=self.root, environ=self.environ)

    def back_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the other one."""
        return run("bash", "scripts/backup_monitoring.sh", *arguments, directory=self.root, environ=self.environ)

    def make_ready(self) -> None:
        """Do all that production asks for."""
        self.deploy("--prepare")
        with (self.root / ".env.monitoring").open("a") as file:
            file.write("ALERTROUTER_DEADMAN_URL=https://hc.example/ping\nSLACK_BOT_TOKEN=xoxb-1\n")
        overrides = self.root / "monitoring/prometheus/overrides.yml"
        overrides.write_text(overrides.read_text().replace("alerts: {}", "alerts: {HostHighCpu: {threshold: 0.95}}"))
        shutil.copytree(CHECKOUT / "docs/runbooks", self.root / "docs/runbooks")
        (self.root / "backups/20251124T031500Z").mkdir(parents=True)
        (self.root / "backups/20251124T031500Z/manifest.txt").touch()

    @property
    def backups(self) -> list[str]:
        """Which there are, oldest first."""
        return sorted(path.name for path in (self.root / "backups").iterdir())

    @property
    def calls(self) -> list[str]:
        """What docker and curl were called with."""
        return (self.notes / "calls").read_text().splitlines()

    @property
    def settings(self) -> Mapping[str, str]:
        """What .env.monitoring holds."""
        lines = (self.root / ".env.monitoring").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def secret(self, name: str) -> str:
        """What a container is told."""
        return (self.root / "secrets" / name).read_text()

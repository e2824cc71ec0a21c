"""The monitoring stack on loopback: its own configuration and rules, read by the real programs.

Addresses and times are the test's. Grafana, Loki, Alloy and cAdvisor are a bare page of metrics each; Docker's API is
stood in for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, cast
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml

from tests.journeys.farsides import FarSides
from tests.journeys.installation import CHECKOUT, Alertrouter
from tests.journeys.monitoring import Faults
from tests.journeys.programs import Program, Programs, free_port, installed
from tests.standins import Answer, HttpStandIn, Received
from tests.waiting import eventually

MONITORING: Final = CHECKOUT / "monitoring"
TOKEN: Final = "stack-journey-ingest-token"
PASSWORD: Final = "stack-journey-redis-password"
OFTEN: Final = "500ms"
"""How often Prometheus scrapes and evaluates, where the configuration says 15 seconds."""

SOON: Final = 45.0
READY: Final = 30.0


class DockerStandIn(HttpStandIn):
    """Docker's API, as far as Prometheus asks it: containers that want to be scraped, and one that doesn't."""

    def __init__(self, exporters: Mapping[str, str]) -> None:
        """List a container for each of `exporters`: its job, and where it listens."""
        self._exporters = exporters
        super().__init__()

    def respond(self, request: Received) -> Answer:
        """List containers and networks."""
        if request.path.endswith("/_ping"):
            return Answer(200, b"OK", {"Api-Version": "1.41"})
        if "/networks" in request.path:
            return Answer.of_json([{"Id": "n1", "Name": "alertrouter_monitoring", "Scope": "local"}])
        wanted = [
            _container(
                job, address, {"prometheus.scrape": "true", "prometheus.job": job, "prometheus.tier": "exporter"}
            )
            for job, address in self._exporters.items()
        ]
        return Answer.of_json([*wanted, _container("app", "127.0.0.1:1", {})])


def _container(name: str, address: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    port = address.rpartition(":")[2]
    network = {"NetworkID": "n1", "IPAddress": "127.0.0.1"}
    return {
        "Id": name,
        "Names": [f"/{name}"],
        "Labels": {**labels, "prometheus.port": port},
        "State": "running",
        "HostConfig": {"NetworkMode": "alertrouter_monitoring"},
        "NetworkSettings": {"Networks": {"alertrouter_monitoring": network}},
        # As of an image that exposes another port: the label says which one is meant.
        "Ports": [{"PrivatePort": 1, "Type": "tcp"}],
    }


class Stack:
    """All of it, running. `loki` and the like are what is scraped in their place: closing one is an outage."""

    def __init__(self, programs: Programs, far: FarSides, open_until_the_end: ExitStack) -> None:
        self.programs = programs
        self.directory = programs.directory
        (self.directory / "token").write_text(TOKEN)
        self._secrets()
        self.pages = {name: Faults() for name in ("grafana", "loki", "alloy", "cadvisor")}
        self._open_until_the_end = open_until_the_end
        for page in self.pages.values():
            open_until_the_end.callback(page.close)
        self.addresses = {f"{name}:{port}": self.pages[name].address for name, port in PLACES}
        found = {"postgres": self._exporters(), "ai-exporter": self._ai_exporter()}
        docker = open_until_the_end.enter_context(DockerStandIn(found))
        self.addresses["docker-socket-proxy:2375"] = docker.url.removeprefix("http://")
        self.alertrouter = Alertrouter(
            programs,
            policy=None,
            environ={
                **far.settings,
                "ALERTROUTER_POLICY": str(self._policy()),
                "ALERTROUTER_INGEST_TOKENS": TOKEN,
            },
        )
        self.addresses["alertrouter:9080"] = self.alertrouter.door.address
        self.alertmanagers = self._alertmanagers()
        self.prometheus_address = f"127.0.0.1:{free_port()}"
        for name in ("localhost", "prometheus", "prometheus-2", "prometheus-global"):
            self.addresses[f"{name}:9090"] = self.prometheus_address
        self.data = self.directory / "prometheus"
        self.prometheus = self.start_prometheus()

    def start_prometheus(self) -> Program:
        """Start Prometheus with the stack's rules and configuration, on what data there is."""
        directory = self.directory / "etc"
        (directory / "rules").mkdir(parents=True, exist_ok=True)
        for path in (MONITORING / "prometheus" / "rules").glob("*.yml"):
            text = re.sub(r"^( *for: ).*$", r"\g<1>1s", path.read_text("utf-8"), flags=re.MULTILINE)
            text = re.sub(r"^( *interval: ).*$", rf"\g<1>{OFTEN}", text, flags=re.MULTILINE)
            (directory / "rules" / path.name).write_text(text)
        config = yaml.safe_load(self.rendered(MONITORING / "prometheus" / "prometheus-ha.yml"))
        del config["remote_write"]  # the long memory is another machine's
        config["global"] |= {"scrape_interval": OFTEN, "scrape_timeout": OFTEN, "evaluation_interval": OFTEN}
        for job in config["scrape_configs"]:
            # The blackbox exporter keeps half a second of the timeout for itself; PostgreSQL's waits for PostgreSQL.
            often = "3s" if job["job_name"] in ("probe", "docker") else OFTEN
            job |= {"scrape_interval": often, "scrape_timeout": often}
            for static in job.get("static_configs", ()):
                static["targets"] = sorted(set(static["targets"]))
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        (directory / "targets").mkdir(exist_ok=True)
        probes = self.rendered(MONITORING / "prometheus" / "targets" / "probes.yml")
        probes = re.sub(r"(?<!-)/ready|/api/health", "/metrics", probes)
        (directory / "targets" / "probes.yml").write_text(probes)
        program = self.programs.start(
            "prometheus",
            [
                installed("prometheus"),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.data}",
                f"--web.listen-address={self.prometheus_address}",
                "--web.enable-admin-api",
                "--enable-feature=expand-external-labels",
                "--rules.alert.resend-delay=1s",
            ],
            {"CLUSTER": "journey", "REPLICA": "1"},
        )
        eventually(lambda: answers(f"http://{self.prometheus_address}/-/ready"), "Prometheus is ready", READY)
        return program

    def restart(self, name: str) -> None:
        """Have a page that was closed answer again, where it did."""
        self.pages[name] = Faults(int(self.pages[name].address.rpartition(":")[2]))
        self._open_until_the_end.callback(self.pages[name].close)

    def query(self, expression: str) -> list[dict[str, str]]:
        """The label sets that Prometheus finds."""
        return [one["metric"] for one in self._query(expression)]

    def value(self, expression: str) -> float:
        """The one value that Prometheus finds; 0 without any."""
        found = self._query(expression)
        return float(found[0]["value"][1]) if found else 0.0

    def rendered(self, path: Path) -> str:
        """A file's text with the addresses of this machine."""
        text = path.read_text("utf-8")
        for service, address in sorted(self.addresses.items(), key=lambda pair: -len(pair[0])):
            text = re.sub(rf"(?<![\w-]){re.escape(service)}\b", address, text)
        return text.replace("/run/secrets/alertrouter_ingest_token", str(self.directory / "token"))

    def _query(self, expression: str) -> list[dict[str, Any]]:
        address = f"http://{self.prometheus_address}/api/v1/query"
        with urlopen(Request(address, urlencode({"query": expression}).encode()), timeout=10) as answer:
            return cast(list[dict[str, Any]], json.load(answer)["data"]["result"])

    def _secrets(self) -> None:
        """What scripts/deploy_monitoring.sh writes for Valkey and its exporter."""
        (self.directory / "redis_auth").write_text(f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n")

    def _policy(self) -> Path:
        """The stack's policy with its heartbeat; it waits for others of a group, and for a beat, for less long."""
        directory = self.directory / "policies"
        directory.mkdir()
        for path in (CHECKOUT / "policies").glob("*.yml"):
            text = path.read_text("utf-8").replace("group_wait: 30s", "group_wait: 1s")
            (directory / path.name).write_text(text.replace("group_interval: 1m", "group_interval: 1s"))
        beats = (MONITORING / "alertrouter" / "heartbeats.yml").read_text("utf-8")
        (directory / "heartbeats.yml").write_text(
            beats.replace("every: 1m", "every: 2s").replace("grace: 4m", "grace: 3s")
        )
        return directory

    def _ai_exporter(self) -> str:
        """Start the AI metrics exporter, and give its address."""
        address = f"127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "ai_metrics_exporter", f"--listen={address}", "--model=gpt-4"]
        self.programs.start("ai-exporter", command, {"PYTHONPATH": str(MONITORING)})
        eventually(lambda: answers(f"http://{address}/-/healthy"), "the AI metrics exporter answers", READY)
        return address

    def _exporters(self) -> str:
        """Start the exporters of node, Redis, PostgreSQL and blackbox, and a Redis; give PostgreSQL's address.

        The server reads the stack's own file for Valkey. There is no PostgreSQL.
        """
        redis = free_port()
        config = (MONITORING / "valkey" / "valkey.conf").read_text("utf-8")
        config = config.replace("/run/secrets/redis_auth", str(self.directory / "redis_auth"))
        (self.directory / "redis-data").mkdir()
        config = config.replace("dir /data", f"dir {self.directory / 'redis-data'}").replace("6379", str(redis))
        (self.directory / "valkey.conf").write_text(config.replace("bind * -::*", "bind 127.0.0.1"))
        self.programs.start("redis", [installed("redis-server"), str(self.directory / "valkey.conf")])
        passwords = self.directory / "redis_exporter_passwords"
        passwords.write_text(json.dumps({f"redis://127.0.0.1:{redis}": PASSWORD}))
        self._exporter("node-exporter", 9100, "--path.rootfs=/", "--web.listen-address=")
        self._exporter(
            "redis-exporter",
            9121,
            f"--redis.addr=redis://127.0.0.1:{redis}",
            f"--redis.password-file={passwords}",
            "--web.listen-address=",
        )
        self._exporter("postgres-exporter", 9187, "--web.listen-address=")
        blackbox = MONITORING / "blackbox" / "blackbox.yml"
        self._exporter("blackbox-exporter", 9115, f"--config.file={blackbox}", "--web.listen-address=")
        return self.addresses["postgres-exporter:9187"]

    def _exporter(self, name: str, port: int, *arguments: str) -> None:
        address = f"127.0.0.1:{free_port()}"
        *others, listen = arguments
        environ = {"DATA_SOURCE_NAME": "postgresql://nobody@127.0.0.1:1/none?sslmode=disable"}
        self.programs.start(name, [installed(f"prometheus-{name}"), *others, listen + address], environ)
        self.addresses[f"{name.removesuffix('-exporter') if 'blackbox' in name else name}:{port}"] = address
        eventually(lambda: answers(f"http://{address}/"), f"{name} answers", READY)

    def _alertmanagers(self) -> list[Program]:
        """Two, clustered, each with the stack's file."""
        config = yaml.safe_load(self.rendered(MONITORING / "alertmanager" / "alertmanager.yml"))
        route = config["route"]
        route |= {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "30s"}
        for child in route["routes"]:
            if "group_wait" in child:
                child |= {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "900ms"}
        path = self.directory / "alertmanager.yml"
        path.write_text(yaml.safe_dump(config))
        gossip = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        started = []
        for number, name in enumerate(("alertmanager", "alertmanager-2")):
            address = self.addresses[f"{name}:9093"] = f"127.0.0.1:{free_port()}"
            command = [
                installed("prometheus-alertmanager", "alertmanager"),
                f"--config.file={path}",
                f"--storage.path={self.directory / name}",
                f"--web.listen-address={address}",
                f"--cluster.listen-address={gossip[number]}",
                f"--cluster.peer={gossip[1 - number]}",
                "--cluster.peer-timeout=1s",
                "--cluster.gossip-interval=50ms",
                "--cluster.pushpull-interval=1s",
                "--cluster.settle-timeout=1s",
            ]
            started.append(self.programs.start(name, command))
        for name in ("alertmanager", "alertmanager-2"):
            ready = f"http://{self.addresses[f'{name}:9093']}/-/ready"
            eventually(lambda ready=ready: answers(ready), f"{name} is ready", READY)  # type: ignore[misc]  # bound now
        return started


PLACES: Final = (("grafana", 3000), ("loki", 3100), ("alloy", 12345), ("cadvisor", 8080))


def answers(url: str) -> bool:
    """Tell whether something answers there with 2xx."""
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False


@contextmanager
def running(programs: Programs, far: FarSides) -> Iterator[Stack]:
    """Have all of it run."""
    with ExitStack() as open_until_the_end:
        yield Stack(programs, far, open_until_the_end)

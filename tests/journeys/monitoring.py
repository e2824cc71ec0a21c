"""A real Prometheus whose rules a test can make true, and a real Alertmanager behind it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.programs import Programs, free_port, installed
from tests.waiting import eventually

SHORT = "200ms"
"""How often Prometheus scrapes and evaluates."""

RESEND = "2s"
"""How often it repeats a firing alert, which holds four times that long without another word: time enough on a machine
that is busy with other tests."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert that fires for each `host` at which its fault is there."""

    alert: str
    severity: str
    component: str = "infrastructure"

    def as_yaml(self) -> dict[str, object]:
        """Write it as Prometheus reads it."""
        return {
            "alert": self.alert,
            # The last value counts: on a stalled machine a scrape may fail, and that ends no fault.
            "expr": f'last_over_time(fault{{alert="{self.alert}"}}[1m]) == 1',
            "labels": {"severity": self.severity, "component": self.component},
            "annotations": {
                "summary": f"{self.alert} on {{{{ $labels.host }}}}",
                "runbook_url": f"https://runbooks.example.com/{self.alert}",
            },
        }


class Faults:
    """An exporter on loopback: one gauge, `fault{alert, host}`, which the test sets."""

    def __init__(self, port: int = 0) -> None:
        """Serve it, with no fault anywhere; on a port of its own, or on that of one that was closed."""
        self._values: dict[tuple[str, str], int] = {}
        faults = self

        class Handler(BaseHTTPRequestHandler):
            """Answers a scrape."""

            def do_GET(self) -> None:
                """Give the gauge."""
                body = faults.exposition().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Say nothing about each scrape."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it is scraped."""
        return f"127.0.0.1:{self._server.server_port}"

    def begin(self, alert: str, *hosts: str) -> None:
        """Let the fault be there on these hosts."""
        self._values |= {(alert, host): 1 for host in hosts}

    def end(self, alert: str, *hosts: str) -> None:
        """Let the fault be gone from these hosts."""
        self._values |= {(alert, host): 0 for host in hosts}

    def exposition(self) -> str:
        """What a scrape gives."""
        lines = [
            f'fault{{alert="{alert}",host="{host}"}} {value}' for (alert, host), value in self._values.copy().items()
        ]
        return "\n".join(["# TYPE fault gauge", *lines, ""])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Alertmanager:
    """A real Alertmanager that groups by alert name and posts to one webhook, often."""

    def __init__(self, programs: Programs, webhook: str) -> None:
        """Start it; `webhook` is where it posts."""
        binary = installed("prometheus-alertmanager", "alertmanager")
        config = {
            "route": {
                "receiver": "alertrouter",
                "group_by": ["alertname"],
                "group_wait": "100ms",
                "group_interval": "500ms",
                "repeat_interval": "500ms",
            },
            "receivers": [{"name": "alertrouter", "webhook_configs": [{"url": webhook, "send_resolved": True}]}],
        }
        path = programs.directory / "alertmanager.yml"
        path.write_text(yaml.safe_dump(config))
        self.address = f"127.0.0.1:{free_port()}"
        programs.start(
            "alertmanager",
            [
                binary,
                f"--config.file={path}",
                f"--storage.path={programs.directory / 'alertmanager'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
            ],
        )
        eventually(lambda: _answers(f"http://{self.address}/-/ready"), within=20, what="Alertmanager is ready")

    def posted(self) -> int:
        """How many times it has posted to the webhook so far, and was answered 2xx."""
        with urlopen(f"http://{self.address}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
        samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
        counts = {sample.name: sample.value for sample in samples if sample.labels.get("integration") == "webhook"}
        sent = counts.get("alertmanager_notifications_total", 0)
        return int(sent - counts.get("alertmanager_notifications_failed_total", 0))


class Prometheus:
    """A real Prometheus that scrapes the faults, evaluates rules on them and sends alerts to `alertmanager`."""

    def __init__(
        self,
        programs: Programs,
        faults: Faults,
        rules: Sequence[Rule],
        *,
        alertmanager: str,
        resend: str = RESEND,
    ) -> None:
        """Start it; `alertmanager` is the address of whoever takes alerts by Alertmanager's API v2."""
        binary = installed("prometheus")
        rule_file = programs.directory / "rules.yml"
        group = {"name": "journey", "interval": SHORT, "rules": [rule.as_yaml() for rule in rules]}
        rule_file.write_text(yaml.safe_dump({"groups": [group]}))
        config = {
            "global": {"scrape_interval": SHORT, "scrape_timeout": SHORT, "evaluation_interval": SHORT},
            "rule_files": [str(rule_file)],
            "scrape_configs": [{"job_name": "faults", "static_configs": [{"targets": [faults.address]}]}],
            "alerting": {
                "alertmanagers": [{"api_version": "v2", "static_configs": [{"targets": [alertmanager]}]}],
                # The fault's own labels tell its alerts apart; the exporter's address is chance.
                "alert_relabel_configs": [{"action": "labeldrop", "regex": "instance|job|alert"}],
            },
        }
        path = programs.directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self.address = f"127.0.0.1:{free_port()}"
        self._program = programs.start(
            "prometheus",
            [
                binary,
                f"--config.file={path}",
                f"--storage.tsdb.path={programs.directory / 'prometheus'}",
                f"--web.listen-address={self.address}",
                f"--rules.alert.resend-delay={resend}",
            ],
        )
        eventually(lambda: _answers(f"http://{self.address}/-/ready"), within=30, what="Prometheus is ready")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._program.kill()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False

"""The long memory of docker-compose.ha.yml at work: two Prometheus, and a third that keeps what both have to tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.journeys.programs import Programs, free_port, installed
from tests.journeys.stack import MONITORING, OFTEN, READY, SOON, answers
from tests.standins import Answer, HttpStandIn, Received
from tests.waiting import eventually

EXPOSED = 'active_users{service="app"} 7\nvllm:num_requests_waiting{model_name="m"} 3\n'


class Page(HttpStandIn):
    """What a service of the site exposes."""

    def respond(self, request: Received) -> Answer:
        """Give it."""
        return Answer(200, EXPOSED.encode(), {"Content-Type": "text/plain"})


def test_both_prometheus_are_remembered_by_federation_and_remote_write(programs: Programs) -> None:
    """Records come by federation, `up` by remote write, each with whose it is; what servers call raw stays behind."""
    with Page() as page:
        addresses = {name: f"127.0.0.1:{free_port()}" for name in ("prometheus", "prometheus-2", "prometheus-global")}
        config = often("prometheus-global.yml", addresses)
        start(programs, "prometheus-global", addresses, config, "--web.enable-remote-write-receiver")
        for name in ("prometheus", "prometheus-2"):
            config = often("prometheus-ha.yml", addresses)
            del config["alerting"]
            own = {"job_name": "app", "static_configs": [{"targets": [page.url.removeprefix("http://")]}]}
            start(programs, name, addresses, config | {"scrape_configs": [own]})

        def remembered(query: str) -> set[tuple[str, str]]:
            """Of whom, and what."""
            found = ask(addresses["prometheus-global"], query)
            return {(one["metric"]["replica"], one["value"][1]) for one in found}

        eventually(
            lambda: remembered("job_service:active_users:sum{cluster='main'}") == {("1", "7"), ("2", "7")},
            "the records are federated",
            SOON,
        )
        eventually(lambda: remembered("up{job='app'}") == {("1", "1"), ("2", "1")}, "`up` is written", SOON)
        eventually(
            lambda: remembered("ai:requests_waiting:sum{source='vllm'}") == {("1", "3"), ("2", "3")},
            "what is waiting is federated",
            SOON,
        )
        eventually(lambda: ask(addresses["prometheus"], "vllm:num_requests_waiting"), "it is there, raw", SOON)
        assert remembered("vllm:num_requests_waiting") == set()
        assert remembered("active_users") == set()


def often(file: str, addresses: dict[str, str]) -> dict[str, Any]:
    """One of the stack's configurations, with the test's addresses and times."""
    text = (MONITORING / "prometheus" / file).read_text("utf-8")
    text = re.sub(r"\b(prometheus(?:-2|-global)?):9090", lambda found: addresses[found[1]], text)
    config = cast(dict[str, Any], yaml.safe_load(text))
    config["global"] |= {"scrape_interval": OFTEN, "scrape_timeout": OFTEN, "evaluation_interval": OFTEN}
    return config


def start(programs: Programs, name: str, addresses: dict[str, str], config: dict[str, Any], *arguments: str) -> None:
    """Start a Prometheus, with the stack's rules if it looks for any."""
    directory = programs.directory / f"{name}-etc"
    (directory / "rules").mkdir(parents=True)
    for rules in (MONITORING / "prometheus/rules").glob("*.yml"):
        text = re.sub(r"^( *interval: ).*$", rf"\g<1>{OFTEN}", rules.read_text("utf-8"), flags=re.MULTILINE)
        Path(directory / "rules" / rules.name).write_text(text)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        installed("prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={programs.directory / name}",
        f"--web.listen-address={addresses[name]}",
        "--enable-feature=expand-external-labels",
        *arguments,
    ]
    programs.start(name, command, {"CLUSTER": "main", "REPLICA": "2" if name == "prometheus-2" else "1"})
    eventually(lambda: answers(f"http://{addresses[name]}/-/ready"), f"{name} is ready", READY)


def ask(address: str, query: str) -> list[dict[str, Any]]:
    """What a Prometheus finds."""
    with urlopen(f"http://{address}/api/v1/query?{urlencode({'query': query})}", timeout=10) as answer:
        return cast(list[dict[str, Any]], json.load(answer)["data"]["result"])

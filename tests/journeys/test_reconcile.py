"""Webhooks that never come, healed by what Alertmanager lists: all programs are real, only people are stood in for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import yaml

from tests.cli.running import run
from tests.journeys.farsides import SOON, FarSides
from tests.journeys.installation import Alertrouter, Door
from tests.journeys.programs import Program, Programs, free_port, installed
from tests.standins import Answer, HttpStandIn, Received
from tests.waiting import eventually

POLICY = """
receivers:
  everybody:
    slack: {channel: "#ops"}
    pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}
    email: {to: [ops@example.com]}
route: {receiver: everybody, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
"""
SETTLED_AFTER = 5


class Line(HttpStandIn):
    """Between Alertmanager and alertrouter: passes webhooks on, or takes them and loses them."""

    def __init__(self) -> None:
        self.to: Door | None = None
        super().__init__()

    def respond(self, request: Received) -> Answer:
        """Answer as if all were well."""
        if self.to is not None:
            assert self.to.post("/api/v1/alertmanager", request.body) == 200
        return Answer()


class Alertmanager:
    """A real Alertmanager, alone or with a peer."""

    def __init__(self, programs: Programs, name: str, webhook: str, peer: str = "") -> None:
        self._programs = programs
        self._name = name
        self._directory = programs.directory / name
        self._directory.mkdir()
        self.address = f"127.0.0.1:{free_port()}"
        self.cluster = f"127.0.0.1:{free_port()}"
        self._peer = peer
        route = {
            "receiver": "alertrouter",
            "group_by": ["alertname"],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        }
        receiver = {"name": "alertrouter", "webhook_configs": [{"url": webhook, "send_resolved": True}]}
        config = yaml.safe_dump({"route": route, "receivers": [receiver]})
        (self._directory / "alertmanager.yml").write_text(config, encoding="utf-8")
        self.program = self.start()

    def start(self) -> Program:
        """Start it, with nothing of what it knew before."""
        shutil.rmtree(self._directory / "data", ignore_errors=True)
        self.program = self._programs.start(
            self._name,
            [
                installed("prometheus-alertmanager", "alertmanager"),
                f"--config.file={self._directory / 'alertmanager.yml'}",
                f"--storage.path={self._directory / 'data'}",
                f"--web.listen-address={self.address}",
                f"--cluster.listen-address={self.cluster}",
                f"--cluster.advertise-address={self.cluster}",
                "--cluster.settle-timeout=1s",
                "--cluster.peer-timeout=1s",
                *([f"--cluster.peer={self._peer}"] if self._peer else []),
            ],
        )
        eventually(self.ready, within=20, what=f"{self._name} is ready")
        return self.program

    def ready(self) -> bool:
        """Tell whether it answers, and has settled with its peers."""
        try:
            with urlopen(f"http://{self.address}/api/v2/status", timeout=5) as answer:
                return bool(json.load(answer)["cluster"]["status"] == "ready")
        except OSError:
            return False

    def fires(self, *names: str) -> None:
        """Let alerts fire for an hour."""
        self._alerts(names, timedelta(hours=1))

    def ends(self, *names: str) -> None:
        """Let alerts be over."""
        self._alerts(names, timedelta())

    def silence(self, name: str) -> None:
        """Silence an alert for an hour."""
        now = datetime.now(UTC)
        matcher = {"name": "alertname", "value": name, "isRegex": False}
        times = {"startsAt": written(now), "endsAt": written(now + timedelta(hours=1))}
        self._post("/api/v2/silences", {"matchers": [matcher], "createdBy": "sam", "comment": "known", **times})

    def _alerts(self, names: tuple[str, ...], lasting: timedelta) -> None:
        end = written(datetime.now(UTC) + lasting)
        self._post(
            "/api/v2/alerts",
            [{"labels": {"alertname": name, "severity": "critical"}, "endsAt": end} for name in names],
        )

    def _post(self, path: str, body: object) -> None:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"http://{self.address}{path}", json.dumps(body).encode(), headers), timeout=5):
            pass


def written(moment: datetime) -> str:
    """A moment as the API takes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def asking(*alertmanagers: Alertmanager, settled_after: int = 0) -> Mapping[str, str]:
    """The settings to ask these each second, as replicas of one cluster."""
    return {
        "ALERTROUTER_RECONCILE_URLS": ",".join(f"http://{one.address}" for one in alertmanagers),
        "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter",
        "ALERTROUTER_RECONCILE_EVERY": "1",
        "ALERTROUTER_RECONCILE_POLLS": "2",
        "ALERTROUTER_RECONCILE_SETTLED_AFTER": str(settled_after),
    }


def polls(door: Door, count: int, outcome: str) -> None:
    """Wait for so many polls more that end so."""
    wanted = door.metric("alertrouter_reconcile_polls_total", outcome=outcome) + count
    eventually(
        lambda: door.metric("alertrouter_reconcile_polls_total", outcome=outcome) >= wanted,
        within=SOON,
        what=f"{count} polls that are {outcome}",
    )


def heard(far: FarSides, *stories: str) -> None:
    """Wait until each channel has been told all of this and nothing else; a message may be drawn anew meanwhile."""
    eventually(
        lambda: all(set(told) == set(stories) for told in far.stories().values()),
        within=SOON,
        what=lambda: f"all hear {', '.join(stories)}; they heard {far.stories()}",
    )


def story(door: Door) -> dict[str, list[str]]:
    """What each incident's story says of reconciling, by its alert's name."""
    return {
        alertname: [
            line["text"]
            for line in json.loads(door.page(f"/api/v1/incidents/{incident}/timeline"))
            if line["reason"] == "reconciled"
        ]
        for alertname, incident in incidents(door).items()
    }


def incidents(door: Door) -> dict[str, str]:
    """The ids of the incidents, by their alerts' name: which of two is the first is anybody's guess."""
    listed: list[dict[str, Any]] = json.loads(door.page("/api/v1/incidents"))
    return {one["group_labels"]["alertname"]: one["id"] for one in listed}


def test_a_lost_webhook_heals_in_each_direction(programs: Programs, far: FarSides) -> None:
    """Given an end that Alertmanager never tells, for it was silenced then, and a beginning that is lost: both heal."""
    with closing(Line()) as line:
        alertmanager = Alertmanager(programs, "alertmanager", f"{line.url}/webhook")
        door = Alertrouter(programs, policy=POLICY, environ={**far.settings, **asking(alertmanager)}).door
        line.to = door
        alertmanager.fires("DiskFull", "Stays")
        far.wait_for("DiskFull fires", "Stays fires")
        polls(door, 1, "agreed")

        alertmanager.silence("DiskFull")
        (silenced,) = eventually(lambda: story(door)["DiskFull"], within=SOON, what="the silence there is shown")
        alertmanager.ends("DiskFull")
        heard(far, "DiskFull fires", "Stays fires", "DiskFull is over")
        line.to = None
        alertmanager.fires("Lost")
        heard(far, "DiskFull fires", "Stays fires", "DiskFull is over", "Lost fires")

        assert any('alertname=\\"Lost\\"' in one.body.decode() for one in line.received), "Alertmanager did tell it"
        told = story(door)
        assert told["Stays"] == []
        assert silenced.startswith("1 alert silenced by sam until ")
        assert silenced.endswith(f" (known), in Alertmanager ({alertmanager.address}): that silences nobody here")
        assert told["DiskFull"][1].startswith(f"1 alert not in Alertmanager ({alertmanager.address}) any more: ")
        assert told["Lost"][0].startswith(f"1 alert fires in Alertmanager ({alertmanager.address}), whose webhook ")
        explained = run("explain", incidents(door)["DiskFull"], environ={"ALERTROUTER_LISTEN": door.address}).out
        assert "reconciled: 1 alert not in Alertmanager" in explained
        assert door.metric("alertrouter_reconcile_healed_total", direction="resolved") == 1
        assert door.metric("alertrouter_reconcile_healed_total", direction="opened") == 1


def test_alertmanagers_that_are_down_or_have_just_started_end_nothing(programs: Programs, far: FarSides) -> None:
    """Given a cluster of two, when one is down, and when both are back and know nothing, then nothing is over."""
    with closing(Line()) as line:
        one = Alertmanager(programs, "one", f"{line.url}/webhook")
        two = Alertmanager(programs, "two", f"{line.url}/webhook", peer=one.cluster)
        environ = {**far.settings, **asking(one, two, settled_after=SETTLED_AFTER)}
        line.to = door = Alertrouter(programs, policy=POLICY, environ=environ).door
        for alertmanager in (one, two):
            alertmanager.fires("DiskFull", "Stays")
        far.wait_for("DiskFull fires", "Stays fires")
        polls(door, 1, "agreed")

        two.program.kill()
        one.silence("DiskFull")
        one.ends("DiskFull")
        polls(door, 3, "doubtful")
        far.wait_for("DiskFull fires", "Stays fires")
        two.start()
        far.wait_for("DiskFull fires", "Stays fires", "DiskFull is over")

        one.program.kill()
        two.program.kill()
        polls(door, 1, "failed")
        one.start()
        two.start()
        polls(door, 2, "doubtful")
        for alertmanager in (one, two):
            alertmanager.fires("Stays")
        polls(door, 1, "agreed")
        far.wait_for("DiskFull fires", "Stays fires", "DiskFull is over")

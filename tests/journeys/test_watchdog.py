"""The monitoring that dies in silence: a real Prometheus's Watchdog keeps a heartbeat alive until both are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.journeys.installation import Alertrouter
from tests.journeys.monitoring import Alertmanager, Faults, Prometheus, Rule
from tests.journeys.programs import Programs
from tests.standins import HttpStandIn, Received
from tests.waiting import eventually

POLICY = """
receivers:
  people: {webhook: {url: "${JOURNEY_WEBHOOK}"}}
route: {receiver: people, group_by: [alertname], group_wait: 0s, group_interval: 1s}
heartbeats:
  prometheus: {matchers: ['alertname="Watchdog"'], every: 2s, grace: 2s, severity: critical}
"""
SOON = 30.0


class Watchdog(Rule):
    """An alert that fires for as long as Prometheus lives."""

    def as_yaml(self) -> dict[str, object]:
        """Write it as Prometheus reads it: with an expression that is always true."""
        return {**super().as_yaml(), "expr": "vector(1)", "annotations": {}}


@pytest.fixture
def people() -> Iterator[HttpStandIn]:
    """Who is told."""
    with HttpStandIn() as webhook:
        yield webhook


@pytest.fixture
def faults() -> Iterator[Faults]:
    """Nothing is wrong with the hosts."""
    with closing(Faults()) as exporter:
        yield exporter


def said(received: list[Received]) -> list[tuple[str, str]]:
    """Each message as its status and the alert that it is about."""
    return [(request.json["status"], request.json["alerts"][0]["labels"]["alertname"]) for request in received]


def test_a_prometheus_that_dies_is_noticed_and_the_next_beat_ends_that(
    programs: Programs, people: HttpStandIn, faults: Faults
) -> None:
    """Nobody hears of its Watchdog while it comes; when it no longer does, an incident opens, until the next beat."""
    alertrouter = Alertrouter(programs, policy=POLICY, environ={"JOURNEY_WEBHOOK": people.url})
    alertmanager = Alertmanager(programs, f"{alertrouter.door.url}/api/v1/alertmanager")
    rules = [Watchdog("Watchdog", "none")]
    prometheus = Prometheus(programs, faults, rules, alertmanager=alertmanager.address, resend="1s")
    # Until the first one comes its absence may be told: whether it is depends on how fast Prometheus starts.
    eventually(lambda: alertmanager.posted() > 3, within=SOON, what="the Watchdog comes in")
    eventually(lambda: _firing(alertrouter) == 0, within=SOON, what="nothing is missing")
    earlier = len(people.received)

    prometheus.kill()

    people.wait_for(lambda received: said(received[earlier:]) == [("firing", "HeartbeatMissing")], SOON)
    missing = people.received[-1].json["alerts"][0]
    assert missing["labels"] == {"alertname": "HeartbeatMissing", "heartbeat": "prometheus", "severity": "critical"}
    assert missing["annotations"]["summary"] == "Heartbeat prometheus is missing"

    assert alertrouter.door.post("/api/v1/heartbeat/prometheus", b"") == 200

    people.wait_for(lambda received: said(received[earlier:])[1:] == [("resolved", "HeartbeatMissing")], SOON)
    assert "Watchdog" not in {alertname for _, alertname in said(people.received)}


def _firing(alertrouter: Alertrouter) -> float:
    states = ("pending", "triggered", "acknowledged")
    return sum(alertrouter.door.metric("alertrouter_incidents", state=state) for state in states)

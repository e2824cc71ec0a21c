"""The monitoring stack at work: its own files, read by the real Prometheus, Alertmanager and exporters of Debian."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.farsides import FarSides
from tests.journeys.programs import Programs
from tests.journeys.stack import SOON, Stack, running
from tests.standins.slack import SlackMessage
from tests.waiting import eventually


@pytest.fixture
def stack(programs: Programs, far: FarSides) -> Iterator[Stack]:
    """All of it, on loopback."""
    with running(programs, far) as started:
        yield started


def messages(far: FarSides, *words: str) -> list[SlackMessage]:
    """The messages in Slack that hold all these words."""
    return [one for one in far.slack.messages if all(word in str(one.body) for word in words)]


def test_a_service_that_is_down_is_told_once_with_what_to_do_and_its_end_too(stack: Stack, far: FarSides) -> None:
    """Through Prometheus, two Alertmanagers of which one dies, and alertrouter; then Prometheus itself is missed."""
    # Given: everything is scraped, all rules hold, and the Watchdog is heard.
    up = {
        "prometheus",
        "alertmanager",
        "alertrouter",
        "grafana",
        "loki",
        "alloy",
        "node",
        "cadvisor",
        "redis",
        "blackbox",
    }
    eventually(
        lambda: {one["job"] for one in stack.query("up == 1")} >= up | {"probe", "ai-exporter", "postgres"},
        lambda: f"everything is scraped; missing {stack.query('up == 0')}",
        SOON,
    )
    assert stack.value("redis_up") == 1, "the exporter has Valkey's password"
    assert stack.query("node_memory_MemTotal_bytes")
    assert {one["instance"] for one in stack.query('up{job="ai-exporter"}')} == {"ai-exporter"}
    assert stack.query("process_start_time_seconds{job='ai-exporter'}")
    assert stack.query("pg_up == 0"), "its exporter says that there is no PostgreSQL"
    probed = f'probe_success{{instance="{stack.alertrouter.door.url}/-/ready"}} == 1'
    eventually(lambda: stack.query(probed), "alertrouter is looked at from outside", SOON)
    assert stack.value("sum(prometheus_rule_evaluation_failures_total)") == 0
    assert stack.value("alertmanager_cluster_members") == 2
    eventually(
        lambda: stack.alertrouter.door.metric("alertrouter_alerts_received_total"), "the Watchdog is heard", SOON
    )

    # When Loki is gone
    stack.pages["loki"].close()

    # Then Slack says so, once, with the runbook and the dashboard.
    (told,) = eventually(lambda: messages(far, "ServiceDown", "loki"), "ServiceDown is told", SOON)
    assert "http://localhost:9080/runbooks/ServiceDown" in str(told.body)
    assert "http://localhost:3000/d/ar-system-overview" in str(told.body)

    # And when one Alertmanager dies, and Loki is back, its end is told all the same.
    stack.alertmanagers[0].kill()
    stack.restart("loki")
    eventually(lambda: messages(far, "ServiceDown is over"), "its end is told", SOON)
    assert len(messages(far, "ServiceDown")) == 1

    # And when Prometheus is gone, that is an incident: nobody would hear of anything else.
    def missed() -> list[SlackMessage]:
        """While it has not beaten yet, at the start, that may have been told too."""
        return [one for one in messages(far, "HeartbeatMissing") if "HeartbeatMissing is over" not in str(one.body)]

    eventually(lambda: not missed(), "nothing is missed", SOON)
    stack.prometheus.kill()
    eventually(missed, "Prometheus is missed", SOON)

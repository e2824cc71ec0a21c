"""From a rule in Prometheus to the people it concerns: all programs are real, only the far sides are stood in for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.journeys.farsides import ROUTING_KEY, SOON, FarSides
from tests.journeys.installation import Alertrouter
from tests.journeys.monitoring import Alertmanager, Faults, Prometheus, Rule
from tests.journeys.programs import Programs
from tests.waiting import eventually

POLICY = """
receivers:
  everybody:
    slack: {channel: "#ops"}
    pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}
    email: {to: [ops@example.com]}
route:
  receiver: everybody
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
inhibit_rules:
  - source_matchers: ['alertname="ServiceDown"']
    target_matchers: ['severity="warning"']
    equal: [host]
"""
RULES = [
    Rule("DiskFull", "critical"),
    Rule("ServiceDown", "critical"),
    Rule("SlowQueries", "warning"),
    Rule("Afterwards", "info"),
]


@pytest.fixture
def faults() -> Iterator[Faults]:
    """What is wrong with the hosts: nothing yet."""
    with closing(Faults()) as exporter:
        yield exporter


def test_each_channel_hears_once_that_it_fires_and_once_that_it_is_over(
    programs: Programs, far: FarSides, faults: Faults
) -> None:
    """However often Alertmanager repeats a firing group: one message a channel, and one more at its end."""
    _, alertmanager = _behind_an_alertmanager(programs, far, faults)

    faults.begin("DiskFull", "db1", "db2")
    far.wait_for("DiskFull fires")
    posted = alertmanager.posted()
    eventually(lambda: alertmanager.posted() >= posted + 4, within=SOON, what="Alertmanager repeats the group")
    # What comes after the repeats has come, so what they caused would have come too.
    faults.begin("Afterwards", "db1")
    far.wait_for("DiskFull fires", "Afterwards fires")

    post = far.slack.received[0]
    assert post.path == "/api/chat.postMessage"
    assert post.json["channel"] == "#ops"
    assert all(word in post.body.decode() for word in ("DiskFull", "db1", "db2"))
    trigger = far.pagerduty.received[0].json
    assert (trigger["routing_key"], trigger["event_action"]) == (ROUTING_KEY, "trigger")
    assert trigger["payload"]["severity"] == "critical"
    assert {alert["labels"]["host"] for alert in trigger["payload"]["custom_details"]["firing"]} == {"db1", "db2"}
    mail = far.mail.received[0]
    assert mail.recipients == ("ops@example.com",)
    assert all(host in mail.body("plain") and host in mail.body("html") for host in ("db1", "db2"))

    faults.end("DiskFull", "db1", "db2")
    far.wait_for("DiskFull fires", "Afterwards fires", "DiskFull is over")

    message, other = far.slack.messages
    assert (message.updates, other.updates) == (1, 0)
    far.slack.wait_for(lambda requests: len(requests) == 4, SOON)
    (reply,) = far.slack.thread(message.ts)
    assert "Over" in reply.body["text"]
    resolve = far.pagerduty.received[2].json
    assert (resolve["event_action"], resolve["dedup_key"]) == ("resolve", trigger["dedup_key"])
    ending = far.mail.received[2].message
    assert ending["In-Reply-To"] == ending["References"] == mail.message["Message-ID"]


def test_an_inhibited_alert_is_told_to_nobody_while_another_explains_it(
    programs: Programs, far: FarSides, faults: Faults
) -> None:
    """What a dead service explains is held back; when the service is back and the rest still fires, that is told."""
    _slow_while_down(programs, far, faults)

    faults.begin("Afterwards", "db1")
    far.wait_for("ServiceDown fires", "Afterwards fires")

    faults.end("ServiceDown", "db1")
    far.wait_for("ServiceDown fires", "Afterwards fires", "ServiceDown is over", "SlowQueries fires")

    faults.end("SlowQueries", "db1")
    far.wait_for(
        "ServiceDown fires", "Afterwards fires", "ServiceDown is over", "SlowQueries fires", "SlowQueries is over"
    )


def test_an_alert_that_begins_and_ends_while_inhibited_is_never_mentioned(
    programs: Programs, far: FarSides, faults: Faults
) -> None:
    """Who was not told that it fires is not told that it is over."""
    alertrouter = _slow_while_down(programs, far, faults)

    faults.end("SlowQueries", "db1")
    eventually(
        lambda: alertrouter.door.metric("alertrouter_transitions_total", transition="RESOLVE"),
        within=SOON,
        what="the alert that nobody was told of is over",
    )
    faults.end("ServiceDown", "db1")

    far.wait_for("ServiceDown fires", "ServiceDown is over")


def test_prometheus_may_post_to_alertrouter_itself(programs: Programs, far: FarSides, faults: Faults) -> None:
    """With no Alertmanager between: a re-sent alert says nothing new, and its end is told."""
    alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
    Prometheus(programs, faults, RULES, alertmanager=alertrouter.door.address)

    faults.begin("DiskFull", "db1")
    far.wait_for("DiskFull fires")
    eventually(
        lambda: alertrouter.door.metric("alertrouter_alerts_deduplicated_total") >= 2,
        within=SOON,
        what="Prometheus sends the alert again",
    )
    faults.begin("Afterwards", "db1")
    far.wait_for("DiskFull fires", "Afterwards fires")

    faults.end("DiskFull", "db1")
    far.wait_for("DiskFull fires", "Afterwards fires", "DiskFull is over")


def test_an_alert_ends_when_its_prometheus_falls_silent(programs: Programs, far: FarSides, faults: Faults) -> None:
    """Prometheus says with each alert until when it holds; when it dies, the alert is over then, and that is told."""
    alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
    prometheus = Prometheus(programs, faults, RULES, alertmanager=alertrouter.door.address)
    faults.begin("DiskFull", "db1")
    far.wait_for("DiskFull fires")

    prometheus.kill()

    far.wait_for("DiskFull fires", "DiskFull is over")


def _slow_while_down(programs: Programs, far: FarSides, faults: Faults) -> Alertrouter:
    """A service is down, which is told, and its slow queries are held back for that."""
    alertrouter, _ = _behind_an_alertmanager(programs, far, faults)
    faults.begin("ServiceDown", "db1")
    far.wait_for("ServiceDown fires")
    faults.begin("SlowQueries", "db1")
    eventually(
        lambda: alertrouter.door.metric("alertrouter_alerts_suppressed_total", reason="inhibited"),
        within=SOON,
        what="the alert is held back",
    )
    return alertrouter


def _behind_an_alertmanager(programs: Programs, far: FarSides, faults: Faults) -> tuple[Alertrouter, Alertmanager]:
    """Prometheus sends to Alertmanager, Alertmanager to alertrouter, alertrouter to the far sides."""
    alertrouter = Alertrouter(programs, policy=POLICY, environ=far.settings)
    alertmanager = Alertmanager(programs, f"{alertrouter.door.url}/api/v1/alertmanager")
    Prometheus(programs, faults, RULES, alertmanager=alertmanager.address)
    return alertrouter, alertmanager

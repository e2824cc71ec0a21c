"""What operations asks for: probes and numbers."""

from __future__ import annotations

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from alertrouter.incident import State
from alertrouter.web.exposition import COUNTERS
from tests.web.door import KEYS, Door


def numbers(door: Door) -> dict[tuple[str, tuple[str, ...]], float]:
    """Read /metrics as Prometheus does: name and label values to number."""
    text = door.http.get("/metrics").text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_door_is_healthy_and_says_why_it_is_not_ready(door: Door) -> None:
    """Without a router and a policy, alerts are taken in and wait."""
    healthy, ready = door.http.get("/-/healthy"), door.http.get("/-/ready")

    assert (healthy.status_code, healthy.text) == (200, "alertrouter is healthy.\n")
    assert ready.status_code == 503
    assert ready.text.splitlines() == [
        "not ready: no router is active: events are taken in and wait",
        "not ready: no policy is active yet",
    ]


def test_with_a_router_and_a_policy_it_is_ready(door: Door) -> None:
    """The lease and the active revision are what it looks at."""
    door.redis.set(KEYS.lease, "router-1")
    door.redis.set(KEYS.active, "revision")

    ready = door.http.get("/-/ready")

    assert (ready.status_code, ready.text) == (200, "alertrouter is ready.\n")


def test_every_counter_of_the_store_has_its_name_and_help(door: Door) -> None:
    """What router, workers and doors count in Redis comes out in Prometheus's form."""
    for name, counted in COUNTERS.items():
        door.redis.hset(KEYS.counters, f"{name}:x" if counted.label else name, 7)

    shown = numbers(door)
    help_lines = [
        line for line in door.http.get("/metrics").text.splitlines() if line.startswith("# HELP alertrouter_")
    ]

    for name, counted in COUNTERS.items():
        assert shown[f"alertrouter_{name}_total", ("x",) if counted.label else ()] == 7
    assert len(help_lines) > len(COUNTERS)
    assert all(len(line.split(" ", 3)) == 4 for line in help_lines)


def test_gauges_tell_of_the_journal_the_lease_and_the_incidents(door: Door) -> None:
    """The backlog grows with each body that no router has applied."""
    door.redis.set(KEYS.lease, "router-1")
    door.redis.hset(KEYS.gauges, "incidents:triggered", 3)
    for _ in range(2):
        door.post("/api/v1/alerts", b'{"alertname": "A"}')

    shown = numbers(door)

    assert shown["alertrouter_store_up", ()] == 1
    assert shown["alertrouter_journal_backlog", ()] == 2
    assert shown["alertrouter_bodies_accepted_total", ("generic",)] == 2
    assert shown["alertrouter_lease_holder", ("router-1",)] == 1
    assert shown["alertrouter_router_active", ()] == 1
    assert shown["alertrouter_incidents", ("triggered",)] == 3
    assert {labels[0] for name, labels in shown if name == "alertrouter_incidents"} == set(State)


def test_the_latency_is_a_cumulative_histogram(door: Door) -> None:
    """Prometheus can take quantiles of it."""
    door.redis.hset(KEYS.latency, mapping={"le:0.5": 2, "le:5": 1, "le:inf": 1, "sum_ms": 700_500})

    shown = numbers(door)

    name = "alertrouter_delivery_latency_seconds"
    assert [shown[f"{name}_bucket", (edge,)] for edge in ("0.25", "0.5", "5.0", "+Inf")] == [0, 2, 3, 4]
    assert shown[f"{name}_count", ()] == 4
    assert shown[f"{name}_sum", ()] == 700.5


def test_openmetrics_is_given_to_who_asks_for_it(door: Door) -> None:
    """Prometheus does ask."""
    answer = door.http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_api_describes_itself(door: Door) -> None:
    """The schema names every address of the incidents."""
    schema = msgspec.json.decode(door.http.get("/api/v1/openapi.json").content)

    of_one = {
        f"/api/v1/incidents/{{incident}}/{name}" for name in ("timeline", "deliveries", "ack", "snooze", "resolve")
    }
    assert {"/api/v1/incidents", "/api/v1/incidents/{incident}", *of_one} <= schema["paths"].keys()

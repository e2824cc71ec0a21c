"""A door with a real router behind it, and incidents that come about as they really do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from alertrouter.settings import from_environment
from tests.roles import role
from tests.servers import RedisServer
from tests.waiting import eventually
from tests.web.door import Door, running_door

TOKENS = "lena:write:lena-token,grafana:read:reading-token,lena:write:lena-new-token"
POLICY = """
receivers:
  chat: {inbox: {}}
  pager: {inbox: {}}
teams:
  ops: {channel: chat, oncall: pager}
escalation_policies:
  page: {ack_timeout: 30m, levels: [{notify: channel}, {after: 1h, notify: oncall}]}
inhibit_rules:
  - name: node down
    source_matchers: ['alertname="NodeDown"']
    target_matchers: ['alertname!="NodeDown"']
    equal: [node]
route: {team: ops, group_by: [alertname], group_wait: 0s, group_interval: 5m, escalate: {warning: page, critical: page}}
"""


@contextmanager
def routed_door(directory: Path, settings: Mapping[str, str]) -> Iterator[Door]:
    """Run a Redis, a router and a door with these settings; the door's client shows Lena's token."""
    (directory / "policy.yml").write_text(POLICY, encoding="utf-8")
    server = RedisServer(directory / "redis")
    routing = from_environment({"ALERTROUTER_REDIS_URL": server.url, "ALERTROUTER_POLICY": str(directory)})
    with (
        closing(server),
        running_door(server.url, settings) as door,
        role("router", routing, directory / "router.log"),
    ):
        door.http.headers["Authorization"] = "Bearer lena-token"
        eventually(lambda: door.http.get("/-/ready").status_code == 200, "a router is active", 20)
        yield door


def fire(door: Door, name: str, **labels: str) -> str:
    """Let an alert fire; gives the id of its incident when the first level was told."""
    report(door, name, **labels)

    def opened() -> str:
        found = door.http.get("/api/v1/incidents", params={"match": f'alertname="{name}"'}).json()
        told = found and found[0]["escalation"] and found[0]["escalation"]["level"]
        return str(found[0]["id"]) if told else ""

    return eventually(opened, f"an incident of {name} is open")


def report(door: Door, name: str, **labels: str) -> None:
    """Let an alert fire, and don't wait for what comes of it."""
    alert = {"alertname": name, "severity": "critical", **labels}
    assert door.post("/api/v1/alerts", json.dumps(alert).encode()).status_code == 200

"""A door with a router behind it: what a person asks for is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec

from alertrouter.events import Resolved, encode
from alertrouter.incident import Incident, State
from alertrouter.settings import from_environment
from alertrouter.store.journal import Journal
from alertrouter.transition import TimelineLine
from tests.roles import role
from tests.servers import RedisServer
from tests.waiting import eventually
from tests.web.door import KEYS, Door, running_door

POLICY = """
receivers:
  chat: {inbox: {}}
  pager: {inbox: {}}
people:
  nina: {slack: U9NINA, email: nina@example.org, pagerduty_user: PNINA01}
teams:
  ops: {channel: chat, oncall: pager}
escalation_policies:
  page: {ack_timeout: 30m, levels: [{notify: channel}, {after: 1h, notify: oncall}]}
route: {team: ops, group_by: [alertname], group_wait: 0s, group_interval: 5m, escalate: {warning: page, critical: page}}
"""


@contextmanager
def answering(directory: Path, settings: Mapping[str, str]) -> Iterator[Door]:
    """A Redis, a door and a router of their own."""
    (directory / "policy.yml").write_text(POLICY, encoding="utf-8")
    server = RedisServer(directory / "redis")
    common = {"ALERTROUTER_REDIS_URL": server.url, "ALERTROUTER_POLICY": str(directory)}
    behind = role("router", from_environment(common), directory / "router.log")
    with running_door(server.url, settings, log_file=directory / "door.log") as door, behind:
        eventually(lambda: door.http.get("/-/ready").status_code == 200, "a router is active", 20)
        yield door
    server.close()


def fire(door: Door, name: str) -> Incident:
    """Let an alert fire; gives its incident when its first level was told."""
    body = msgspec.json.encode({"alertname": name, "severity": "critical"})
    assert door.post("/api/v1/alerts", body).status_code == 200

    def told() -> Incident | None:
        return next((one for one in incidents(door) if one.group_labels == {"alertname": name} and one.ladder), None)

    incident = eventually(told, f"an incident of {name} is open")
    assert incident is not None
    return incident


def end(door: Door, name: str) -> None:
    """Let an alert end; its incident follows at the next group interval."""
    body = msgspec.json.encode({"alertname": name, "severity": "critical", "status": "resolved"})
    assert door.post("/api/v1/alerts", body).status_code == 200


def incidents(door: Door) -> list[Incident]:
    """All incidents as they stand."""
    packed = cast(dict[bytes, bytes], door.redis.hgetall(KEYS.incidents))
    return [msgspec.msgpack.decode(one, type=Incident) for one in packed.values()]


def standing(door: Door, incident: str) -> Incident:
    """One incident as it stands."""
    return next(one for one in incidents(door) if one.id == incident)


def taken_by(door: Door, incident: str) -> str:
    """Who has an incident, "" for nobody."""
    ack = standing(door, incident).ack
    return ack.by if ack else ""


def stands(door: Door, incident: str, state: State) -> None:
    """Wait until an incident is in a state."""
    eventually(lambda: standing(door, incident).state is state, f"{incident} is {state}")


def resolve(door: Door, incident: str) -> None:
    """Let somebody call an incident over although its source fires."""
    event = Resolved(at=datetime.now(UTC), actor="omar (api)", key=f"over-{incident}", incident=incident, force=True)
    Journal(door.redis, KEYS).append(encode(event))
    stands(door, incident, State.RESOLVED)


def journalled(door: Door) -> int:
    """How many events the journal ever had; what the router has read is trimmed."""
    if not door.redis.exists(KEYS.journal):
        return 0
    return int(cast(dict[str, int], door.redis.xinfo_stream(KEYS.journal))["entries-added"])


def story(door: Door, incident: str) -> list[str]:
    """The lines of an incident's story as `TRANSITION text`."""
    packed = cast(list[bytes], door.redis.lrange(KEYS.timeline(incident), 0, -1))
    lines = [msgspec.msgpack.decode(one, type=TimelineLine) for one in packed]
    return [f"{line.transition or ''} {line.text}".strip() for line in lines]

"""INC-1 behind a door that hears Slack, and what it whispers to one person."""

from __future__ import annotations

import msgspec

from alertrouter.incident import Incident, State
from tests.standins import HttpStandIn
from tests.web.door import KEYS, Door

PREVIOUS = "the-secret-before-this-one"

POLICY = """
timezone: Europe/Berlin
severities: [info, warning, critical]
receivers: {chat: {inbox: {}}, pager: {inbox: {}}}
people: {nina: {slack: U9NINA}}
escalation_policies:
  page: {ack_timeout: 30m, levels: [{notify: chat}, {after: 1h, notify: pager}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1h
  escalate: {info: page, warning: page, critical: page}
"""


def stored(door: Door) -> Incident | None:
    """INC-1 from Redis."""
    packed = door.redis.hget(KEYS.incidents, "INC-1")
    return msgspec.msgpack.decode(packed, type=Incident) if isinstance(packed, bytes) else None


def state_of(door: Door) -> State | None:
    """The state of INC-1."""
    found = stored(door)
    return found.state if found else None


def whispered(slack: HttpStandIn, path: str) -> str:
    """What one person was told at an address of their own."""
    got = slack.wait_for(lambda requests: any(one.path == path for one in requests))
    (only,) = [one for one in got if one.path == path]
    assert only.json["response_type"] == "ephemeral"
    assert only.json["replace_original"] is False
    return str(only.json["text"])

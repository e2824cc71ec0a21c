"""Heartbeats through Redis: what is expected is stored, a beat counts, and a new router goes on from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
import redis

from alertrouter.engine.state import Pulse
from alertrouter.events import Heartbeat, encode
from alertrouter.settings import Settings
from tests.routing import POLICY, Routing
from tests.times import START, at

EXPECTING = POLICY + "heartbeats:\n  backup: {every: 1m, grace: 30s}\n"


def pulses(routing: Routing) -> dict[str, Pulse]:
    """What Redis holds."""
    packed = cast(dict[bytes, bytes], routing.client.hgetall(routing.keys.heartbeats))
    return {name.decode(): msgspec.msgpack.decode(value, type=Pulse) for name, value in packed.items()}


def test_a_router_that_takes_over_misses_what_the_one_before_it_waited_for(
    settings_for: Callable[..., Settings], client: redis.Redis
) -> None:
    """From the activation to the beat, from there to the alert, and back."""
    routing = Routing(settings_for(EXPECTING), client)
    expected = pulses(routing)
    routing.clock.set(seconds=20)
    routing.journal.append(encode(Heartbeat(at=at(seconds=20), actor="test", key="beat", name="backup")))
    routing.active.turn()
    heard = pulses(routing)

    routing.active = routing.take_over()
    routing.clock.set(seconds=109.9)
    routing.active.turn()
    before = routing.incidents()
    routing.clock.set(seconds=110)
    routing.active.turn()
    routing.active = routing.take_over()
    missing = pulses(routing)["backup"]
    (incident,) = routing.incidents().values()
    routing.journal.append(encode(Heartbeat(at=at(seconds=112), actor="test", key="again", name="backup")))
    routing.clock.set(seconds=112)
    routing.active.turn()

    assert expected == {"backup": Pulse(since=START)}
    assert heard == {"backup": Pulse(since=at(seconds=20), heard_at=at(seconds=20))}
    assert before == {}
    assert incident.group_labels == {"alertname": "HeartbeatMissing"}
    assert missing.alert is not None
    assert pulses(routing) == {"backup": Pulse(since=at(seconds=112), heard_at=at(seconds=112))}

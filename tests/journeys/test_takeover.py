"""Two routers on one Redis: when the active one dies, the standby takes its place."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

import redis

from alertrouter.store.keys import Keys
from tests.journeys.farsides import FarSides, standing_in
from tests.journeys.installation import Door, policy_directory, start
from tests.journeys.programs import Program, Programs, free_port
from tests.journeys.storm import Group, Sender, Status, groups, heard
from tests.servers import RedisServer
from tests.waiting import eventually

POLICY: Final = """
receivers:
  everybody:
    webhook: {url: "${JOURNEY_WEBHOOK}"}
route:
  receiver: everybody
  group_by: [storm]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 12h
"""


def test_the_standby_takes_over_when_the_active_router_is_killed(
    programs: Programs, own_redis: RedisServer, record_property: Callable[[str, object], None]
) -> None:
    """The other router gets the lease, and what was taken in before, meanwhile and after is told; how soon is noted."""
    with standing_in() as far, redis.Redis.from_url(own_redis.url) as client:
        cluster = Cluster(programs, own_redis.url, far)
        active, standby, holder = cluster.two_routers(client)
        before, after = groups(40, size=5, wave=1), groups(40, size=5, wave=2)

        with closing(Sender(cluster.door)) as sender:
            cluster.post(sender, before, "firing")
            active.send(signal.SIGKILL)
            killed = time.monotonic()
            cluster.post(sender, after, "firing")
            eventually(lambda: cluster.holder(client) not in ("", holder), within=20, what="the standby has the lease")
            took = time.monotonic() - killed
            _wait_until_told(far, [*before, *after], "firing")
            cluster.post(sender, [*before, *after], "resolved")
            _wait_until_told(far, [*before, *after], "resolved")

        record_property("journey", f"the standby took over after {took:.1f} s")
        assert standby.running
        assert cluster.door.metric("alertrouter_lease_epoch") == 2


def test_a_router_that_was_asleep_does_no_harm(programs: Programs, own_redis: RedisServer) -> None:
    """A router that hangs loses the lease; when it wakes up it writes nothing of what it had in mind."""
    with standing_in() as far, redis.Redis.from_url(own_redis.url) as client:
        cluster = Cluster(programs, own_redis.url, far)
        asleep = cluster.router("first")
        holder = eventually(lambda: cluster.holder(client), within=20, what="the first router holds the lease")
        storm = groups(40, size=5)

        with closing(Sender(cluster.door)) as sender:
            cluster.post(sender, storm, "firing")
            asleep.send(signal.SIGSTOP)
            cluster.router("second")
            eventually(
                lambda: cluster.holder(client) not in ("", holder), within=20, what="the second router takes over"
            )
            _wait_until_told(far, storm, "firing")
            asleep.send(signal.SIGCONT)
            eventually(lambda: "stands by" in asleep.text(), within=20, what="the first router stands by")
            cluster.post(sender, storm, "resolved")
            _wait_until_told(far, storm, "resolved")

        assert asleep.running
        assert len(far.webhook.received) == 2 * len(storm), "each group was told of once, and of its end once"


def test_a_router_that_stops_hands_over_at_once(programs: Programs, own_redis: RedisServer) -> None:
    """On SIGTERM it gives the lease back, so that nobody waits for its end."""
    with standing_in() as far, redis.Redis.from_url(own_redis.url) as client:
        cluster = Cluster(programs, own_redis.url, far)
        active, _, holder = cluster.two_routers(client)

        code = active.stop()

        assert (code, cluster.holder(client) == holder) == (0, False), "it has let go of the lease before it ended"
        eventually(lambda: cluster.holder(client) not in ("", holder), within=20, what="the standby has the lease")


class Cluster:
    """A web door and a worker on a Redis of their own, and as many routers as the test starts."""

    def __init__(self, programs: Programs, redis_url: str, far: FarSides) -> None:
        """Start door and worker."""
        self._programs = programs
        self.door = Door(f"127.0.0.1:{free_port()}")
        self._home = programs.directory / "home"
        self._home.mkdir()
        self._environ = {
            **far.settings,
            "ALERTROUTER_LISTEN": self.door.address,
            "ALERTROUTER_REDIS_URL": redis_url,
            "ALERTROUTER_POLICY": str(policy_directory(programs.directory, POLICY)),
        }
        self._start("web", "web")
        self._start("worker", "worker")

    def router(self, name: str) -> Program:
        """Start one more router."""
        return self._start(f"router-{name}", "router")

    def two_routers(self, client: redis.Redis) -> tuple[Program, Program, str]:
        """Start one router, then another that stands by; gives both, and who the lease says holds it."""
        active = self.router("first")
        holder = eventually(lambda: self.holder(client), within=20, what="the first router holds the lease")
        standby = self.router("second")
        eventually(lambda: "stands by" in standby.text(), within=20, what="the second router stands by")
        return active, standby, holder

    def holder(self, client: redis.Redis) -> str:
        """Who holds the lease, as it stands in Redis."""
        value = client.get(Keys("ar").lease)
        return value.decode() if isinstance(value, bytes) else ""

    def post(self, sender: Sender, some: Sequence[Group], status: Status) -> None:
        """Post groups until the door has taken them all in."""
        sender.offer(some, status)
        sender.finish(within=30)

    def _start(self, name: str, command: str) -> Program:
        return start(self._programs, name, command, home=self._home, environ=self._environ)


def _wait_until_told(far: FarSides, some: Sequence[Group], status: Status) -> None:
    def missing() -> list[str]:
        requests = [one.body.decode() for one in far.webhook.received if one.json["status"] == status]
        return heard(requests).missing(some)

    eventually(
        lambda: not missing(), within=30, every=0.2, what=lambda: f"all hear of {status}; not told: {missing()[:5]}"
    )

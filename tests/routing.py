"""An active router that is turned by hand, the events that it gets, and the policies that it follows."""

from __future__ import annotations

from typing import cast

import msgspec
import redis

from alertrouter.alert import AlertReport
from alertrouter.calendars.keeper import Calendars
from alertrouter.events import AlertsReceived, SilenceSet, encode
from alertrouter.incident import Incident
from alertrouter.router.active import ActiveRouter, take_over
from alertrouter.settings import Settings
from alertrouter.silence import SilenceMatcher
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from tests.times import START, HandClock, at

POLICY = """
receivers:
  ai: {inbox: {}}
route: {receiver: ai, group_by: [alertname], group_wait: 10s, group_interval: 5m, repeat_interval: 4h}
"""
OTHER_POLICY = POLICY.replace("10s", "20s")
WRONG_POLICY = "route: {receiver: nobody}\n"


def fires(*names: str, seconds: float = 0) -> bytes:
    """The event of these alerts firing."""
    reports = tuple(AlertReport.of({"alertname": name}, starts_at=START) for name in names)
    return encode(AlertsReceived(at=at(seconds=seconds), actor="test", key=f"{names}{seconds}", alerts=reports))


def silences(alertname: str, *, seconds: float = 0) -> bytes:
    """The event of somebody who silences an alert for an hour."""
    event = SilenceSet(
        at=at(seconds=seconds),
        actor="lena",
        key=f"silence {alertname} {seconds}",
        matchers=(SilenceMatcher("alertname", alertname),),
        starts_at=at(seconds=seconds),
        ends_at=at(minutes=60, seconds=seconds),
        created_by="lena",
    )
    return encode(event)


class Routing:
    """An active router that is turned by hand, and a look at what it wrote."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        self.settings = settings
        self.client = client
        self.keys = Keys(settings.namespace)
        self.clock = HandClock()
        self.calendars = Calendars(settings, self.clock)
        self.journal = Journal(client, self.keys)
        self.lease = Lease(client, self.keys, "router-a")
        self.active = self.take_over()

    def take_over(self) -> ActiveRouter:
        """Begin a new epoch with what is in Redis."""
        epoch = self.lease.acquire()
        assert epoch is not None
        return take_over(self.settings, epoch, self.clock, self.calendars)

    def incidents(self) -> dict[str, Incident]:
        """What Redis holds."""
        packed = cast(dict[bytes, bytes], self.client.hgetall(self.keys.incidents))
        return {name.decode(): msgspec.msgpack.decode(value, type=Incident) for name, value in packed.items()}

    def owed(self) -> list[str]:
        """The ids of the deliveries in the ledger."""
        prefix = self.keys.delivery("")
        return sorted(
            cast(bytes, name).decode().removeprefix(prefix) for name in self.client.scan_iter(match=f"{prefix}*")
        )

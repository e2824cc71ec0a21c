"""A router that is turned by hand, and the follower of a shadow beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from typing import cast

import redis

from alertrouter.alert import AlertReport
from alertrouter.delivery import Outcome
from alertrouter.events import (
    AlertsReceived,
    DeliverySettled,
    PolicyActivated,
    SilenceExpired,
    SilenceSet,
    encode,
)
from alertrouter.follower import Follower
from alertrouter.policy.load import load
from alertrouter.settings import Settings
from alertrouter.shadow import Details, Standing, Sums
from alertrouter.silence import SilenceMatcher
from alertrouter.store.connection import connect_async
from alertrouter.store.ledger_row import row_of
from alertrouter.store.revisions import Happened, Revision
from alertrouter.store.shadow import ShadowDoor
from alertrouter.store.shadow_following import ShadowFollowing
from tests.routing import Routing

SettingsFor = Callable[..., Settings]
LIVE = """
receivers:
  chat: {inbox: {}}
  pager: {pagerduty: {routing_key: "${KEY}"}}
people: {lena: {email: lena@example.com}, omar: {email: omar@example.com}}
teams: {ai: {channel: chat, oncall: pager}}
escalation_policies:
  page: {levels: [{notify: channel}, {after: 10m, notify: oncall}]}
route: {team: ai, group_by: [alertname], group_wait: 10s, group_interval: 5m, escalate: {critical: page}}
"""
SOONER = LIVE.replace("after: 10m", "after: 2m")
LATER = LIVE.replace("after: 10m", "after: 30m")


class Watched(Routing):
    """A router that is turned by hand, and the follower of a shadow beside it."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        super().__init__(settings, client)
        self.store = ShadowFollowing(client, self.keys)
        self.arrived: set[str] = set()

    def begin(self, text: str, **others: str) -> Follower:
        """Make a policy the shadow, as a door does, and give its follower."""
        files = {"policy.yml": text, **others}
        chosen = Revision(
            happened=Happened.PUBLISHED, revision=load(files).revision, at=self.clock.now, actor="lena", files=files
        )
        self.set(chosen)
        return self.follower()

    def set(self, chosen: Revision) -> None:
        """Make it the shadow."""

        async def begin() -> None:
            made = connect_async(self.settings.redis_url)
            await ShadowDoor(made, self.keys).begin(chosen, "lena", self.clock.now)
            await made.aclose()

        asyncio.run(begin())

    def follower(self) -> Follower:
        """Give a follower that begins, as after a restart."""
        begun = self.store.begun()
        assert begun is not None
        return Follower(self.store, begun, history=timedelta(days=30), clock=self.clock, share_of_time=inf)

    def seen(self) -> tuple[Standing, Details]:
        """What doors show."""

        async def look() -> tuple[Standing, Details] | None:
            made = connect_async(self.settings.redis_url)
            found = await ShadowDoor(made, self.keys).details()
            await made.aclose()
            return found

        found = asyncio.run(look())
        assert found is not None
        return found

    def sums(self) -> Sums:
        """The numbers that doors show."""
        sums = self.seen()[0].sums
        assert sums is not None
        return sums

    def fires(self, name: str, *, over: bool = False) -> None:
        """Let an alert fire, or end."""
        now = self.clock.now
        report = AlertReport.of(
            {"alertname": name, "severity": "critical"}, starts_at=now, ends_at=now if over else None
        )
        self.journal.append(encode(AlertsReceived(at=now, actor="t", key=f"{name}{now}", alerts=(report,))))
        self.active.turn()

    def silence(
        self, alertname: str, key: str, *, minutes: float, silence: str = "", since: datetime | None = None
    ) -> None:
        """Let somebody silence an alert, or change a silence."""
        now = self.clock.now
        event = SilenceSet(
            at=now,
            actor="lena",
            key=key,
            matchers=(SilenceMatcher("alertname", alertname),),
            starts_at=since or now,
            ends_at=now + timedelta(minutes=minutes),
            created_by="lena",
            silence=silence,
        )
        self.journal.append(encode(event))
        self.active.turn()

    def end_silence(self, key: str, silence: str) -> None:
        """Let somebody end a silence."""
        event = SilenceExpired(at=self.clock.now, actor="lena", key=key, silence=silence)
        self.journal.append(encode(event))
        self.active.turn()

    def settle(self) -> None:
        """Let everything that is owed arrive."""
        coming = [name for name in self.owed() if name not in self.arrived]
        for name in coming:
            row = row_of(cast(dict[bytes, bytes], self.client.hgetall(self.keys.delivery(name))))
            assert row is not None
            self.arrived.add(name)
            event = DeliverySettled(
                at=self.clock.now,
                actor="worker",
                key=f"{name}-settled",
                delivery=name,
                incident=row.delivery.incident,
                destination=row.delivery.destination,
                outcome=Outcome.SENT,
            )
            self.journal.append(encode(event))
        if coming:  # a turn without anything to do would wait for it
            self.active.turn()

    def activate(self, text: str, **others: str) -> None:
        """Put a policy in force."""
        files = {"policy.yml": text, **others}
        now = self.clock.now
        event = PolicyActivated(at=now, actor="omar", key=f"p{now}", revision=load(files).revision, files=files)
        self.journal.append(encode(event))
        self.active.turn()

    def pass_time(self, minutes: float) -> None:
        """Let the router live until so long after the start."""
        self.clock.set(minutes=minutes)
        self.active.turn()
        self.clock.set(minutes=minutes, seconds=6)
        self.active.turn()

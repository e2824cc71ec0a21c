"""A router that asks Alertmanagers, and what they list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import msgspec
import redis

from alertrouter.alert import AlertReport
from alertrouter.events import AlertsReceived, encode
from alertrouter.incident import Reason
from alertrouter.reconcile.keeper import Reconciler
from alertrouter.settings import Settings
from alertrouter.transition import TimelineLine
from tests.reconcile.upstream import Alertmanager
from tests.routing import Routing
from tests.times import START

SettingsFor = Callable[..., Settings]
POLICY = """
receivers: {ai: {inbox: {}}}
reopen_within: 1h
route: {receiver: ai, group_by: [alertname], group_wait: 10s, group_interval: 1m}
"""


class Asking(Routing):
    """A router, turned by hand, and what asks Alertmanagers once a minute beside it; `told` counts its events."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        super().__init__(settings, client)
        self.reconciler = Reconciler(settings, self.clock)
        self.told = 0

    def polls(self, count: int = 1) -> None:
        """Let so many minutes go by."""
        for _ in range(count):
            self.clock.now += timedelta(minutes=1)
            waiting = self._waiting()
            self.reconciler.poll()
            self.told += self._waiting() - waiting
            self.turn()

    def webhook(self, *names: str) -> None:
        """Alertmanager tells that alerts fire."""
        reports = tuple(AlertReport.of({"alertname": name}, starts_at=START) for name in names)
        now = self.clock.now
        self.journal.append(encode(AlertsReceived(at=now, actor="alertmanager", key=f"{names}{now}", alerts=reports)))
        self.turn()

    def turn(self) -> None:
        """Let the router read all that waits: it is never early, and so waits for nothing."""
        for _ in range(3):
            self.clock.now += timedelta(seconds=1)
            self.active.turn()

    def states(self) -> dict[str, str]:
        """The alert names of the incidents, and how each stands."""
        return {one.group_labels["alertname"]: one.state.value for one in self.incidents().values()}

    def stale(self) -> list[str]:
        """The alert names of the incidents of which their source is said to have told nothing any more."""
        return [one.group_labels["alertname"] for one in self.incidents().values() if one.unheard_since is not None]

    def notes(self, incident: str) -> list[str]:
        """What its story says of reconciling."""
        packed = cast(list[bytes], self.client.lrange(self.keys.timeline(incident), 0, -1))
        lines = [msgspec.msgpack.decode(line, type=TimelineLine) for line in packed]
        return [line.text for line in lines if line.reason is Reason.RECONCILED]

    def outcomes(self) -> dict[str, int]:
        """How the polls ended."""
        counters = cast(dict[bytes, bytes], self.client.hgetall(self.keys.counters))
        named = {name.decode(): int(value) for name, value in counters.items()}
        prefix = "reconcile_polls:"
        return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}

    def _waiting(self) -> int:
        return self.client.xlen(self.keys.journal)


def asked(urls: str, **more: str) -> dict[str, str]:
    """The settings to ask these."""
    named = {f"ALERTROUTER_RECONCILE_{name}": value for name, value in more.items()}
    return {"ALERTROUTER_RECONCILE_URLS": urls, "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter", **named}


def fires_everywhere(asking: Asking, pair: list[Alertmanager], *names: str) -> None:
    """Both list these alerts, and their webhook came."""
    for one in pair:
        one.lists(*names)
    asking.webhook(*names)
    asking.polls()

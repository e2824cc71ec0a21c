"""A router and workers as processes, fed by the test through the journal: events can be written in one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Final, TypeAlias, cast

import msgspec
import redis

from alertrouter.alert import AlertReport
from alertrouter.delivery import LedgerState
from alertrouter.engine.changes import Answer
from alertrouter.events import Acknowledged, Action, AlertsReceived, Event, encode
from alertrouter.incident import Incident, Reason, State
from alertrouter.settings import Settings
from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.inbox import RedisInbox
from alertrouter.store.journal import FIELD, Journal
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import Claimed, LedgerRow
from alertrouter.transition import TimelineLine, Transition
from alertrouter.worker.address_book import AddressBook
from alertrouter.worker.sending import Sender
from tests.journeys.farsides import ROUTING_KEY, FarSides
from tests.roles import role
from tests.waiting import eventually

POLICY: Final = """
severities: [info, warning, critical]
reopen_within: 10m
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}}
  leads: {webhook: {url: "${JOURNEY_WEBHOOK}"}}
teams:
  ops: {channel: chat, oncall: pager, managers: leads}
escalation_policies:
  page:
    ack_timeout: 1h
    levels: [{notify: channel}, {after: 1s, notify: oncall}, {after: 3s, notify: managers}]
route:
  team: ops
  group_by: [alertname]
  group_wait: 0s
  group_interval: 500ms
  escalate: {info: page, warning: page, critical: page}
"""


RaceWith: TypeAlias = Callable[..., "Race"]
"""Makes a race; under a policy of its own when it is given one."""


class Race:
    """Processes on the shared Redis, in the test's namespace, and a look at all that they wrote."""

    def __init__(self, settings: Settings, client: redis.Redis, directory: Path) -> None:
        """Nothing runs yet."""
        self.settings = settings
        self.client = client
        self.keys = Keys(settings.namespace)
        self.ledger = Ledger(client, self.keys, "the test")
        self._directory = directory
        self._journal = Journal(client, self.keys)

    @contextmanager
    def running(self, command: str, name: str = "") -> Iterator[Popen[bytes]]:
        """Run a router or a worker."""
        with role(command, self.settings, self._directory / f"{name or command}.log") as process:
            yield process

    @contextmanager
    def router(self, name: str = "router") -> Iterator[Popen[bytes]]:
        """Run a router that is active."""
        with self.running("router", name) as process:
            eventually(lambda: "epoch=" in self.said(name) or '"epoch"' in self.said(name), "it is active", 15)
            yield process

    @contextmanager
    def worker(self, name: str = "worker") -> Iterator[Popen[bytes]]:
        """Run a worker that waits for what is due."""
        with self.running("worker", name) as process:
            eventually(lambda: "waiting for kicks" in self.said(name), "it waits", 15)
            yield process

    def said(self, name: str) -> str:
        """All that a process has said so far."""
        log = self._directory / f"{name}.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def report(self, *names: str, over: bool = False, severity: str = "critical") -> AlertsReceived:
        """Alerts of these names fire now, or are over."""
        now = datetime.now(UTC)
        labels = [{"alertname": name, "severity": severity} for name in names]
        alerts = tuple(AlertReport.of(one, starts_at=_BEGAN, ends_at=now if over else None) for one in labels)
        return AlertsReceived(at=now, actor="test", key=f"{names} {over} {now}", alerts=alerts)

    def at_once(self, *events: Event) -> None:
        """Write events into the journal in one step: nothing comes between them."""
        with self.client.pipeline(transaction=True) as pipeline:
            for event in events:
                pipeline.xadd(self.keys.journal, {FIELD: encode(event)})
            pipeline.execute()

    def ask(self, *actions: Action) -> list[Answer]:
        """Have several people act at once, each by a door of their own; gives what they are told."""

        async def all_of_them() -> Sequence[Answer | None]:
            clients = [connect_async(self.settings.redis_url) for _ in actions]
            doors = [DoorStore(client, self.keys, max_backlog=1000) for client in clients]
            asked = [door.ask(encode(one), one.key, patience=10) for door, one in zip(doors, actions, strict=True)]
            try:
                return await asyncio.gather(*asked)
            finally:
                for client in clients:
                    await client.aclose()

        answers = asyncio.run(all_of_them())
        assert None not in answers, "a router answers"
        return cast(list[Answer], answers)

    def send(self, claimed: Claimed) -> None:
        """Send what the test has claimed, as the worker does from there on."""
        inbox = RedisInbox(self.client, self.keys, self.settings.inbox_size)
        book = AddressBook(self.settings, self.ledger, inbox)
        way = book.way(claimed.delivery)
        sender = Sender(self.ledger, self.settings.external_url, lambda: datetime.now(UTC))
        parcels, endings = sender.look([(claimed, way)])
        sender.settle([*endings, *(sender.send(parcel) for parcel in parcels)])
        book.close()

    def incidents(self) -> dict[str, Incident]:
        """What Redis holds, by alert name."""
        packed = cast(list[bytes], self.client.hvals(self.keys.incidents))
        found = [msgspec.msgpack.decode(one, type=Incident) for one in packed]
        return {one.group_labels["alertname"]: one for one in found}

    def story(self, incident: str = "INC-1") -> list[TimelineLine]:
        """What the timeline tells."""
        packed = cast(list[bytes], self.client.lrange(self.keys.timeline(incident), 0, -1))
        return [msgspec.msgpack.decode(one, type=TimelineLine) for one in packed]

    def transitions(self, incident: str = "INC-1") -> list[Transition]:
        """The transitions of an incident."""
        return [line.transition for line in self.story(incident) if line.transition]

    def wait_for(self, *transitions: Transition, incident: str = "INC-1", within: float = 10) -> None:
        """Wait until an incident's transitions are at least these."""
        wanted = set(transitions)
        said = ", ".join(wanted)
        eventually(
            lambda: wanted <= set(self.transitions(incident)),
            lambda: f"{said}: {self.transitions(incident)}",
            within,
        )

    def deliveries(self, incident: str = "INC-1") -> list[LedgerRow]:
        """The fate of an incident's deliveries, oldest first."""
        names = cast(list[bytes], self.client.lrange(self.keys.deliveries(incident), 0, -1))
        rows = [self.ledger.row(name.decode()) for name in names]
        return [row for row in rows if row]

    def told(self, incident: str = "INC-1") -> str:
        """All that is known of an incident, for the words of a failure."""
        lines = [f"{line.at:%M:%S.%f} {line.transition or line.reason}: {line.text}" for line in self.story(incident)]
        rows = [
            f"{row.delivery.id} {row.state} {row.attempts} {row.error} {row.note}" for row in self.deliveries(incident)
        ]
        return "\n".join([incident, *lines, *rows])

    def all_settled(self) -> bool:
        """Tell whether nothing is on its way."""
        incidents = self.incidents().values()
        done = (LedgerState.SENT, LedgerState.CANCELLED, LedgerState.FAILED)
        rows = [row for one in incidents for row in self.deliveries(one.id)]
        in_flight = [to for one in incidents for to in one.destinations if to.in_flight]
        return bool(rows) and all(row.state in done for row in rows) and not in_flight

    def all_over(self) -> bool:
        """Tell whether everything is resolved."""
        return all(one.state is State.RESOLVED for one in self.incidents().values())

    def cancelled(self, incident: str = "INC-1") -> list[str]:
        """Which deliveries the timeline calls cancelled."""
        return [line.text for line in self.story(incident) if line.reason is Reason.CANCELLED]


def ack(actor: str, incident: str = "INC-1") -> Acknowledged:
    """Somebody takes it now."""
    return Acknowledged(at=now(), actor=actor, key=f"ack {actor} {incident}", incident=incident)


def now() -> datetime:
    """The present, as the doors read it."""
    return datetime.now(UTC)


def paged(far: FarSides, action: str = "trigger") -> list[str]:
    """The alerts that PagerDuty heard of with an action, each time."""
    events = [one.json for one in far.pagerduty.received if one.json["routing_key"] == ROUTING_KEY]
    names = {one["dedup_key"]: one["payload"]["class"] for one in events if one["event_action"] == "trigger"}
    return [names.get(one["dedup_key"], "unknown") for one in events if one["event_action"] == action]


_BEGAN: Final = datetime.now(UTC)

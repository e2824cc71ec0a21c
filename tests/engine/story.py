"""Tells a story to the engine: alerts fire and end at given seconds, deliveries settle, and what was owed is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from alertrouter.alert import AlertReport
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Answer, Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import Action, AlertsReceived, DeliverySettled, Heartbeat, PolicyActivated
from alertrouter.incident import Incident
from alertrouter.policy.load import load
from alertrouter.silence import Silence
from alertrouter.summary import Summary
from alertrouter.transition import TimelineLine

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday morning."""


def at(seconds: float = 0) -> datetime:
    """The moment so many seconds into the story."""
    return START + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Told:
    """One delivery as a reader would tell it: when, to whom, why, and which alerts (by their `alertname`)."""

    second: float
    to: str
    reason: str
    firing: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


class Story:
    """One engine and everything that it owed. Deliveries arrive at once unless `hold` is set."""

    def __init__(self, policy: str, *, hold: bool = False, every_look: bool = False) -> None:
        self.engine = Engine(EngineState(), now=at(0), every_look=every_look)
        self.hold = hold
        self.told: list[Told] = []
        self.deliveries: list[Delivery] = []
        self.settled: set[str] = set()
        self.timeline: list[TimelineLine] = []
        self.counts: dict[str, int] = {}
        self.last = Changes()
        self.activate(policy)

    def activate(self, policy: str, second: float = 0) -> Changes:
        """Make a policy the active one."""
        files = {"policy.yml": policy}
        revision = load(files).revision
        event = PolicyActivated(at=at(second), actor="test", key=revision, revision=revision, files=files)
        return self.take(self.engine.apply(event))

    def report(self, second: float, *alerts: AlertReport, key: str = "") -> Changes:
        """A sender reports alerts."""
        event = AlertsReceived(at=at(second), actor="test", key=key or f"k{second}", alerts=alerts)
        return self.take(self.engine.apply(event))

    def fire(self, second: float, *names: str, **labels: str) -> Changes:
        """Alerts of these names begin to fire, or fire still."""
        return self.report(second, *(firing(name, second, started=None, ends=None, **labels) for name in names))

    def end(self, second: float, *names: str, **labels: str) -> Changes:
        """Alerts of these names are over."""
        return self.report(second, *(ended(name, second, started=0, **labels) for name in names))

    def beat(self, second: float, name: str) -> Changes:
        """A sign of life comes in."""
        return self.take(self.engine.apply(Heartbeat(at=at(second), actor="test", key=f"beat{second}", name=name)))

    def advance(self, second: float) -> Changes:
        """Time passes, timer by timer, so that what one timer owed has arrived before the next."""
        changes = Changes()
        while (due := self.engine.next_due()) is not None and due < at(second):
            changes.merge(self.take(self.engine.advance(due)))
        changes.merge(self.take(self.engine.advance(at(second))))
        return changes

    def settle(
        self,
        delivery: Delivery,
        second: float,
        *,
        sent: bool = True,
        outcome: Outcome | None = None,
        reference: str | None = None,
    ) -> Changes:
        """A worker reports how a delivery ended."""
        self.settled.add(delivery.id)
        outcome = outcome or (Outcome.SENT if sent else Outcome.FAILED)
        event = DeliverySettled(
            at=at(second),
            actor="worker",
            key=f"{delivery.id}-settled",
            delivery=delivery.id,
            incident=delivery.incident,
            destination=delivery.destination,
            outcome=outcome,
            reference=reference,
            error="400 no such channel" if outcome is Outcome.FAILED else "",
        )
        return self.take(self.engine.apply(event))

    def act(
        self, second: float, kind: type[Action], actor: str = "@omar", incident: str = "INC-1", **more: object
    ) -> Answer:
        """A person does something to an incident; gives the answer they get."""
        key = str(more.pop("key", f"{kind.__name__}-{actor}-{second}"))
        event = kind(at=at(second), actor=actor, key=key, incident=incident, **more)  # type: ignore[arg-type]  # per kind
        return self.take(self.engine.apply(event)).answers[key]

    def recalled(self, second: float) -> None:
        """The ledger cancels what was recalled in time."""
        for delivery in self.deliveries:
            if delivery.id in self.last.recalled:
                self.settle(delivery, second, outcome=Outcome.CANCELLED)

    def arrive(self, second: float) -> None:
        """All that is on its way arrives, and what that sets off too."""
        while flying := [one for one in self.deliveries if one.id not in self.settled]:
            self.settle(flying[0], second)

    def pages(self) -> list[tuple[float, str]]:
        """Second and destination of every message that is no redraw."""
        return [(told.second, told.to) for told, one in zip(self.told, self.deliveries, strict=True) if not one.redraw]

    def take(self, changes: Changes) -> Changes:
        """Keep what a step changed; deliver what it owes."""
        self.last = changes
        self.deliveries += changes.deliveries
        self.timeline += changes.timeline
        for name, by in changes.counts.items():
            self.counts[name] = self.counts.get(name, 0) + by
        for delivery in changes.deliveries:
            self.told.append(self._told(delivery))
        if not self.hold:
            for delivery in changes.deliveries:
                self.settle(delivery, (delivery.born_at - START).total_seconds())
        return changes

    def incident(self, name: str = "INC-1") -> Incident:
        """An incident as it is now."""
        return self.engine.state.incidents[name]

    def transitions(self, name: str = "INC-1") -> list[str]:
        """The named transitions of an incident so far."""
        return [line.transition.value for line in self.timeline if line.incident == name and line.transition]

    def _told(self, delivery: Delivery) -> Told:
        alerts = self.engine.state.alerts

        def names(marks: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(alerts[mark].labels["alertname"] for mark in marks)  # type: ignore[index]  # keys are NewType

        return Told(
            second=(delivery.born_at - START).total_seconds(),
            to=delivery.destination,
            reason=delivery.reason.value,
            firing=names(delivery.firing),
            resolved=names(delivery.resolved),
        )


def firing(
    name: str, second: float, *, started: float | None = None, ends: float | None = None, **labels: str
) -> AlertReport:
    """A report of an alert that fires."""
    return AlertReport.of(
        {"alertname": name, **labels},
        {"summary": f"{name} is wrong"},
        starts_at=at(second if started is None else started),
        ends_at=at(ends) if ends is not None else None,
    )


def ended(name: str, second: float, *, started: float = 0, **labels: str) -> AlertReport:
    """A report of an alert that is over."""
    return AlertReport.of(
        {"alertname": name, **labels}, {"summary": f"{name} is wrong"}, starts_at=at(started), ends_at=at(second)
    )


def snapshot(changes: Changes) -> bytes:
    """All that a step changed, as bytes to compare."""
    return msgspec.msgpack.encode(
        [
            [[name, alert] for name, alert in changes.alerts.items()],
            [[name, incident] for name, incident in changes.incidents.items()],
            [[name, files] for name, files in changes.policies.items()],
            [[name, pulse] for name, pulse in changes.heartbeats.items()],
            [[name, silence] for name, silence in changes.silences.items()],
            [[name, summary] for name, summary in changes.summaries.items()],
            changes.begun,
            changes.activation,
            changes.deliveries,
            changes.timeline,
            changes.counts,
        ]
    )


def persisted(state: EngineState) -> EngineState:
    """The state as it would come back from the store, which keeps no order: here it is the opposite one."""

    def through(value: object, kind: object) -> object:
        return msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=kind)

    copy = EngineState(
        policies={name: dict(files) for name, files in state.policies.items()},
        heartbeats=dict(reversed(state.heartbeats.items())),
        active=state.active,
        last_number=state.last_number,
    )
    alerts: Mapping[str, object] = {name: through(alert, type(alert)) for name, alert in state.alerts.items()}
    copy.summaries.update(msgspec.msgpack.decode(msgspec.msgpack.encode(state.summaries), type=dict[str, Summary]))
    silences = msgspec.msgpack.decode(msgspec.msgpack.encode(state.silences), type=dict[str, Silence])
    copy.silences.update(reversed(list(silences.items())))
    incidents: Mapping[str, object] = {name: through(one, type(one)) for name, one in state.incidents.items()}
    copy.alerts.update(reversed(list(alerts.items())))  # type: ignore[arg-type]  # the types are those that went in
    copy.incidents.update(reversed(list(incidents.items())))  # type: ignore[arg-type]  # likewise
    return copy

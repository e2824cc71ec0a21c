"""All that the running server knows of one incident, as commands read it: why it is told, held back, taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import msgspec

from alertrouter.alert import Labels
from alertrouter.cli.server import Server
from alertrouter.errors import NotFound
from alertrouter.incident import State


class Ack(msgspec.Struct, frozen=True):
    """Who has it."""

    by: str
    at: datetime
    until: datetime | None
    others: tuple[str, ...]


class Snooze(msgspec.Struct, frozen=True):
    """Who asked for quiet."""

    by: str
    until: datetime


class Escalation(msgspec.Struct, frozen=True):
    """How far it has climbed."""

    policy: str
    severity: str
    level: int
    loops: int
    next_at: datetime | None


class Destination(msgspec.Struct, frozen=True):
    """What one destination was told."""

    id: str
    messages: int
    in_flight: bool
    last_sent_at: datetime | None
    error: str


class Incident(msgspec.Struct, frozen=True):
    """How it stands."""

    id: str
    number: int
    state: State
    severity: str
    raised: str
    route: str
    group_labels: dict[str, str]
    opened_at: datetime
    resolved_at: datetime | None
    closed: str
    ack: Ack | None
    snooze: Snooze | None
    escalation: Escalation | None
    exhausted: bool
    timers: dict[str, datetime]
    paused: dict[str, float]
    suppressed: dict[str, str]
    held: str
    muted: str
    destinations: tuple[Destination, ...]


class Line(msgspec.Struct, frozen=True):
    """One line of its story."""

    at: datetime
    transition: str | None
    reason: str | None
    text: str


class Alert(msgspec.Struct, frozen=True):
    """One of its alerts."""

    labels: dict[str, str]
    firing: bool
    suppressed: str


class Delivery(msgspec.Struct, frozen=True):
    """The fate of one delivery."""

    id: str
    destination: str
    reason: str
    redraw: bool
    state: str
    attempts: int
    doubtful: bool
    error: str
    note: str
    born_at: datetime
    settled_at: datetime | None


class Explanation(msgspec.Struct, frozen=True):
    """One incident from its first report to now. `incident` is null and `alerts` empty when it is long over."""

    id: str
    incident: Incident | None
    alerts: tuple[Alert, ...]
    timeline: tuple[Line, ...]
    deliveries: tuple[Delivery, ...]

    def held_back(self) -> Iterator[str]:
        """What keeps somebody from being told, each with who or what is behind it."""
        one = self.incident
        if one is None:
            return
        for why in dict.fromkeys(alert.suppressed for alert in self.alerts if alert.suppressed):
            count = sum(alert.suppressed == why for alert in self.alerts)
            yield f"{count} of {len(self.alerts)} alerts: {why}"
        if one.held:
            yield f"its messages: {one.held}"
        if one.muted:
            yield f"its escalation: {one.muted}"
        if one.ack:
            yield f"its escalation: {one.ack.by} has it"
        if one.snooze:
            yield f"all of it: snoozed by {one.snooze.by} until {clock(one.snooze.until)}"
        if one.state is State.PENDING:
            yield f"all of it: waits for others to join until {clock(one.timers.get('look'))}"
        for to in one.destinations:
            if to.error:
                yield f"{to.id}: not delivered: {to.error}"


class Found(msgspec.Struct, frozen=True):
    """An incident that has alerts with the labels that were asked for. `told` are the destinations that know of it."""

    held_back: tuple[str, ...]
    told: tuple[str, ...]
    explanation: Explanation


def explain(server: Server, incident: str) -> Explanation:
    """Ask all about one incident; raises `NotFound`."""
    path = f"/{quote(incident, safe='')}"
    timeline = server.read(f"{path}/timeline", tuple[Line, ...], {"limit": 10_000})
    deliveries = server.read(f"{path}/deliveries", tuple[Delivery, ...], {"limit": 10_000})
    try:
        found = server.read(path, Incident)
        alerts = server.read(f"{path}/alerts", tuple[Alert, ...], {"limit": 10_000})
    except NotFound:
        return Explanation(incident, None, (), timeline, deliveries)
    return Explanation(incident, found, alerts, timeline, deliveries)


def find(server: Server, labels: Labels) -> tuple[Found, ...]:
    """Give the incidents with alerts of these labels, and of each only those alerts; the newest first."""
    from alertrouter.policy.matcher import Matcher, Op

    matchers = [str(Matcher(name, Op.EQUAL, value)) for name, value in labels.items()]
    listed = server.read("", list[Incident], {"match": matchers, "limit": 100})
    return tuple(_found(server, one.id, labels) for one in listed)


def _found(server: Server, incident: str, labels: Labels) -> Found:
    whole = explain(server, incident)
    alerts = tuple(one for one in whole.alerts if labels.items() <= one.labels.items())
    explanation = msgspec.structs.replace(whole, alerts=alerts)
    told = [
        f"{to.id} {'once' if to.messages == 1 else f'{to.messages} times'}, last at {clock(to.last_sent_at)}"
        for to in (whole.incident.destinations if whole.incident else ())
        if to.last_sent_at
    ]
    return Found(tuple(explanation.held_back()), tuple(told), explanation)


def clock(moment: datetime | None) -> str:
    """Write a moment as the pages do."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"

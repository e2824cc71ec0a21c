"""A recorded history lived again under two policies: who would have been told what, and when. Pure.

The alerts begin and end when they did, and so do the silences that people set. What they did to an incident they do to
those that hold the same alerts, if they can. Deliveries arrive at once. So two runs differ by nothing but the policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from alertrouter.alert import AlertReport, Fingerprint, fingerprint
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine, NotApplied
from alertrouter.engine.silences import id_of
from alertrouter.engine.state import EngineState
from alertrouter.events import (
    Acknowledged,
    Action,
    AlertsReceived,
    DeliverySettled,
    Event,
    Extended,
    Resolved,
    SilenceExpired,
    SilenceSet,
    Snoozed,
    Unacknowledged,
)
from alertrouter.incident import Reason, State
from alertrouter.policy.contacts import names_of_people
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel
from alertrouter.policy.route import Route
from alertrouter.record import Ended, Fired, Moved, Record, Silenced
from alertrouter.silence import SilenceState
from alertrouter.transition import Transition

_Name = TypeVar("_Name", str, int)

PAGES: Final = frozenset({Channel.PAGERDUTY.value})
"""Channels whose messages wake somebody."""

AFTERWARDS: Final = timedelta(hours=1)
"""How long after the last record time goes on, so that what began last is told."""

COARSE: Final = timedelta(minutes=5)
"""Alertmanager's usual group interval."""

_DONE_BY_PEOPLE: Final = frozenset(
    {Transition.ACK, Transition.ACK_TOO, Transition.EXTEND, Transition.UNACK, Transition.SNOOZE, Transition.CLOSE}
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message that would have been sent."""

    at: datetime
    incident: str
    receiver: str
    page: bool
    over: bool
    team: str


@dataclass(slots=True)
class Lived:
    """What a history came to under one policy."""

    messages: list[Message] = field(default_factory=list)
    alerts: dict[str, set[str]] = field(default_factory=dict)
    """Incident → its alerts, each with the number of its round."""
    titles: dict[str, str] = field(default_factory=dict)
    events: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """Incidents, by what their alerts have in common, for which other people are told, or at other times."""

    title: str
    at: datetime
    old: tuple[Message, ...]
    new: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The two runs side by side; the counters hold (old, new)."""

    events: int
    since: datetime | None
    until: datetime | None
    pages: tuple[int, int]
    messages: tuple[int, int]
    by_receiver: Mapping[str, tuple[int, int]]
    by_team: Mapping[str, tuple[int, int]]
    by_hour: Mapping[int, tuple[int, int]]
    changed: tuple[Changed, ...]

    @property
    def more_pages(self) -> bool:
        """Tell whether the new policy pages more often."""
        return self.pages[1] > self.pages[0]


def compare(records: Sequence[Record], before: Lived, after: Lived, policy: Policy) -> Replayed:
    """Put two runs of the same records side by side; hours are those of the policy's time zone."""
    return Replayed(
        events=after.events,
        since=records[0].at if records else None,
        until=records[-1].at if records else None,
        pages=(_pages(before), _pages(after)),
        messages=(len(before.messages), len(after.messages)),
        by_receiver=_side_by_side(_by_receiver(before), _by_receiver(after)),
        by_team=_side_by_side(_by_team(before), _by_team(after)),
        by_hour=_side_by_side(_by_hour(before, policy), _by_hour(after, policy)),
        changed=tuple(_changed(before, after)),
    )


def coarse(policy: Policy) -> Policy:
    """The policy with no group interval below `COARSE`: most of a replay's time are looks that find nothing new.

    Levels of escalation policies have timers of their own and come as before; plain messages and ends wait for a look.
    """
    return replace(policy, root=_coarse(policy.root))


def _coarse(route: Route) -> Route:
    options = replace(route.options, group_interval=max(route.options.group_interval, COARSE))
    return replace(route, options=options, routes=tuple(map(_coarse, route.routes)))


def live_again(records: Iterable[Record], policy: Policy) -> Lived:
    """Live the records under one policy."""
    again: Again | None = None
    last: datetime | None = None
    for record in records:
        again = again or Again(policy, record.at)
        again.take(record)
        last = record.at
    if again is None or last is None:
        return Lived()
    again.wait(last + AFTERWARDS)
    return again.lived


class Again:
    """One engine on a virtual clock that goes by the records."""

    def __init__(self, policy: Policy, start: datetime) -> None:
        self.lived = Lived()
        self.faults: list[str] = []
        """What could not be decided: events that were not applied, incidents whose time came in vain."""
        self._policies: dict[str, Policy] = {}
        self._people: dict[str, str] = {}
        self._hushed: dict[str, str] = {}
        """The silence that was recorded → the one that is set here."""
        self._engine = self._under(policy, EngineState(), start)
        self._labels: dict[Fingerprint, AlertReport] = {}
        self._rounds: Counter[Fingerprint] = Counter()
        self._members: dict[str, list[Fingerprint]] = {}
        self._marks: dict[Fingerprint, Fingerprint] = {}
        self._keys = 0

    def take(self, record: Record) -> None:
        """Let one record happen; what is due before it happens first."""
        match record:
            case Fired():
                self._fire(record)
            case Ended() if record.alert in self._labels:
                self._end(record)
            case Moved(transition=transition) if transition in _DONE_BY_PEOPLE:
                self._act(record)
            case Silenced(maintenance=""):
                self._hush(record)
            case Silenced():
                self._move_window(record)

    def follow(self, policy: Policy, at: datetime) -> None:
        """Bring another policy into force, as the router does: what is open keeps the one that opened it."""
        self._come_to(at)
        state = self._engine.state
        windows = {window.name for window in policy.maintenance}
        for silence in [one for one in state.silences.values() if one.maintenance and one.maintenance not in windows]:
            if silence.state is not SilenceState.EXPIRED:
                self._apply(SilenceExpired(at=at, actor="replay", key=self._key(), silence=silence.id))
        state.alive_at = at
        self._engine = self._under(policy, state, at)

    def _hush(self, record: Silenced) -> None:
        """Set a silence as it stands now, in place of how it stood before; one that is over ends."""
        before = self._hushed.pop(record.silence, None)
        if not record.over:
            key = self._key()
            self._apply(_asked(record, key, starts_at=max(record.starts_at, record.at)))
            self._hushed[record.silence] = id_of(key)
        if before is not None:
            self._apply(SilenceExpired(at=record.at, actor="replay", key=self._key(), silence=before))

    def _move_window(self, record: Silenced) -> None:
        """Change or end the silence of a maintenance window of that name, if it is open here too."""
        self._come_to(record.at)
        for silence in list(self._engine.state.silences.values()):
            if silence.maintenance != record.maintenance or silence.state is SilenceState.EXPIRED:
                continue
            if record.over:
                self._apply(SilenceExpired(at=record.at, actor="replay", key=self._key(), silence=silence.id))
            else:
                asked = _asked(record, self._key(), starts_at=silence.starts_at, silence=silence.id)
                self._apply(msgspec.structs.replace(asked, matchers=silence.matchers))

    def _under(self, policy: Policy, state: EngineState, now: datetime) -> Engine:
        """An engine of this state that goes by the policy, which hears of no heartbeat: a history has none."""
        self._policies[policy.revision] = replace(policy, heartbeats={})
        self._people.update(names_of_people(policy.people, policy.teams))
        state.policies[policy.revision] = {}
        state.active = policy.revision
        return Engine(state, now=now, loaded=self._policies)

    def wait(self, until: datetime) -> None:
        """Let time pass, timer by timer."""
        while (due := self._engine.next_due()) is not None and due <= until:
            self._keep(self._engine.advance(due))

    def _fire(self, record: Fired) -> None:
        self.lived.events += 1
        report = AlertReport.of(record.labels, starts_at=min(record.starts_at, record.at))
        self._labels[record.alert] = report
        self._rounds[record.alert] += 1
        for incident in record.incidents:
            self._members.setdefault(incident, []).append(record.alert)
        self._report(record.at, report)
        self._note_members(record.alert, record.labels)

    def _note_members(self, alert: Fingerprint, labels: Mapping[str, str]) -> None:
        mark = self._marks.setdefault(alert, fingerprint(labels))
        known = self._engine.state.alerts.get(mark)
        for incident in known.incidents if known else ():
            self.lived.alerts.setdefault(incident, set()).add(f"{alert}#{self._rounds[alert]}")
            if incident not in self.lived.titles:
                held = self._engine.state.incidents[incident]
                self.lived.titles[incident] = _title(labels, held.group_labels)

    def _end(self, record: Ended) -> None:
        report = self._labels.pop(record.alert)
        self.lived.events += 1
        self._report(record.at, AlertReport(report.labels, report.annotations, report.starts_at, record.at))

    def _report(self, at: datetime, report: AlertReport) -> None:
        self._apply(AlertsReceived(at=at, actor="replay", key=self._key(), alerts=(report,)))

    def _act(self, record: Moved) -> None:
        """Do to the incidents of the same alerts what was done to the recorded one."""
        self.lived.events += 1
        alerts = self._members.get(record.incident, ())
        known = (self._engine.state.alerts.get(self._marks[alert]) for alert in alerts if alert in self._marks)
        names = dict.fromkeys(name for alert in known if alert for name in alert.incidents)
        for name in names:
            incident = self._engine.state.incidents.get(name)
            if incident is None or incident.state is State.RESOLVED:
                continue
            action = _action(record, name, self._key())
            if action is not None:
                self._apply(action)

    def _come_to(self, moment: datetime) -> None:
        """Let time pass up to a moment; what is due at it comes after what happens at it."""
        while (due := self._engine.next_due()) is not None and due < moment:
            self._keep(self._engine.advance(due))

    def _apply(self, event: Event) -> None:
        self._come_to(event.at)
        try:
            changes = self._engine.apply(event)
        except NotApplied as error:
            self.faults.append(str(error))
            changes = error.changes
        self._keep(changes)

    def _keep(self, changes: Changes) -> None:
        at = self._engine.clock
        if changes.counts.get("incidents_parked"):
            self.faults += [line.text for line in changes.timeline if line.reason is Reason.PARKED]
        for delivery in changes.deliveries:
            if not delivery.redraw:
                self.lived.messages.append(self._message(at, delivery))
        for delivery in changes.deliveries:
            self._keep(self._engine.apply(_settled(delivery, at)))

    def _message(self, at: datetime, delivery: Delivery) -> Message:
        incident = self._engine.state.incidents.get(delivery.incident)
        policy = self._policies.get(incident.revision) if incident else None
        route = policy.route(incident.route) if policy and incident else None
        return Message(
            at=at,
            incident=delivery.incident,
            receiver=self._people.get(delivery.receiver, delivery.receiver),
            page=delivery.channel in PAGES,
            over=delivery.reason is Reason.RESOLVED,
            team=(route.options.team or route.options.receiver or "") if route else "",
        )

    def _key(self) -> str:
        self._keys += 1
        return f"replay-{self._keys}"


def _asked(record: Silenced, key: str, *, starts_at: datetime, silence: str = "") -> SilenceSet:
    return SilenceSet(
        at=record.at,
        actor="replay",
        key=key,
        matchers=record.matchers,
        starts_at=starts_at,
        ends_at=record.ends_at,
        created_by=record.by,
        comment=record.comment,
        silence=silence,
        with_alerts=record.with_alerts,
    )


def _settled(delivery: Delivery, at: datetime) -> DeliverySettled:
    return DeliverySettled(
        at=at,
        actor="replay",
        key=f"{delivery.id}-settled",
        delivery=delivery.id,
        incident=delivery.incident,
        destination=delivery.destination,
        outcome=Outcome.SENT,
    )


def _action(record: Moved, incident: str, key: str) -> Action | None:
    at, actor = record.at, record.by or "somebody"
    match record.transition:
        case Transition.ACK | Transition.ACK_TOO:
            return Acknowledged(at=at, actor=actor, key=key, incident=incident)
        case Transition.UNACK:
            return Unacknowledged(at=at, actor=actor, key=key, incident=incident)
        case Transition.CLOSE:
            return Resolved(at=at, actor=actor, key=key, incident=incident, force=True)
        case Transition.EXTEND if record.until:
            return Extended(at=at, actor=actor, key=key, incident=incident, until=record.until)
        case Transition.SNOOZE if record.until:
            return Snoozed(at=at, actor=actor, key=key, incident=incident, until=record.until)
    return None


def _title(labels: Mapping[str, str], group: Mapping[str, str]) -> str:
    shown = dict(group) or {name: labels[name] for name in ("alertname", "component") if name in labels}
    return ", ".join(f"{name}={value}" for name, value in shown.items()) or "all alerts"


# Comparing


def _pages(lived: Lived) -> int:
    return sum(one.page and not one.over for one in lived.messages)


def _woken(lived: Lived) -> Iterator[Message]:
    return (one for one in lived.messages if one.page and not one.over)


def _by_receiver(lived: Lived) -> Counter[str]:
    return Counter(one.receiver for one in lived.messages if not one.over)


def _by_team(lived: Lived) -> Counter[str]:
    return Counter(one.team for one in _woken(lived))


def _by_hour(lived: Lived, policy: Policy) -> Counter[int]:
    return Counter(one.at.astimezone(policy.timezone).hour for one in _woken(lived))


def _side_by_side(old: Counter[_Name], new: Counter[_Name]) -> dict[_Name, tuple[int, int]]:
    return {name: (old[name], new[name]) for name in sorted(old | new)}


def _changed(before: Lived, after: Lived) -> Iterator[Changed]:
    """Incidents of both runs that share alerts, together, when what was told differs."""
    groups = _groups(before, after)
    told: dict[int, tuple[list[Message], list[Message]]] = {}
    for side, lived in enumerate((before, after)):
        for message in lived.messages:
            told.setdefault(groups[side].get(message.incident, -1), ([], []))[side].append(message)
    titles = {group: before.titles.get(name, "") for name, group in groups[0].items()}
    titles.update({group: after.titles.get(name, "") for name, group in groups[1].items() if group not in titles})
    for group, (old, new) in told.items():
        if [(one.at, one.receiver, one.over) for one in sorted(old, key=_order)] != [
            (one.at, one.receiver, one.over) for one in sorted(new, key=_order)
        ]:
            first = min(one.at for one in (*old, *new))
            yield Changed(titles.get(group, ""), first, tuple(sorted(old, key=_order)), tuple(sorted(new, key=_order)))


def _order(message: Message) -> tuple[datetime, str, bool]:
    return message.at, message.receiver, message.over


def _groups(before: Lived, after: Lived) -> tuple[dict[str, int], dict[str, int]]:
    """Number the incidents of both runs so that those which share alerts have one number."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(node: tuple[int, str]) -> tuple[int, str]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    owner: dict[str, tuple[int, str]] = {}
    for side, lived in enumerate((before, after)):
        for incident, alerts in lived.alerts.items():
            for alert in alerts:
                first = owner.setdefault(alert, (side, incident))
                parent[root((side, incident))] = root(first)
    numbers: dict[tuple[int, str], int] = {}
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for side, lived in enumerate((before, after)):
        for incident in lived.alerts:
            found[side][incident] = numbers.setdefault(root((side, incident)), len(numbers))
    return found

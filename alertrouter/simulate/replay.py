"""A recorded history lived again under two policies: who would have been told what, and when. Pure.

The alerts begin and end when they did, and so do the silences that people set. What they did to an incident they do to
those that hold the same alerts, if they can. Deliveries arrive at once. So two runs differ by nothing but the policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alertrouter.alert import AlertReport, Fingerprint, fingerprint
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine, NotApplied
from alertrouter.engine.silences import id_of
from alertrouter.engine.state import EngineState
from alertrouter.events import (
    AlertsReceived,
    Event,
    SilenceExpired,
)
from alertrouter.incident import Reason, State
from alertrouter.policy.contacts import names_of_people
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel
from alertrouter.policy.route import Route
from alertrouter.record import Ended, Fired, Moved, Record, Silenced
from alertrouter.silence import SilenceState
from alertrouter.simulate.acts import settled
from alertrouter.simulate.recorded import action, asked
from alertrouter.transition import Transition

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


def coarse(policy: Policy) -> Policy:
    """The policy with no group interval below `COARSE`: most of a replay's time are looks that find nothing new.

    Levels of escalation policies have timers of their own and come as before; plain messages and ends wait for a look.
    """
    return replace(policy, root=_coarse(policy.root))


def _coarse(route: Route) -> Route:
    options = replace(route.options, group_interval=max(route.options.group_interval, COARSE))
    return replace(route, options=options, routes=tuple(map(_coarse, route.routes)))


def live_again(records: Iterable[Record], policy: Policy, now: datetime | None = None) -> Lived:
    """Live the records under one policy, and an hour more, but not beyond `now`: that has not happened yet."""
    again: Again | None = None
    last: datetime | None = None
    for record in records:
        again = again or Again(policy, record.at)
        again.take(record)
        last = record.at
    if again is None or last is None:
        return Lived()
    again.wait(lived_until(last, now))
    return again.lived


def lived_until(last: datetime, now: datetime | None) -> datetime:
    """When a replay ends whose last record is of that time."""
    return min(last + AFTERWARDS, max(last, now)) if now else last + AFTERWARDS


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
            self._apply(asked(record, key, starts_at=max(record.starts_at, record.at)))
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
                change = asked(record, self._key(), starts_at=silence.starts_at, silence=silence.id)
                self._apply(msgspec.structs.replace(change, matchers=silence.matchers))

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
            if asked_for := action(record, name, self._key()):
                self._apply(asked_for)

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
            self._keep(self._engine.apply(settled(delivery, at, Outcome.SENT)))

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


def _title(labels: Mapping[str, str], group: Mapping[str, str]) -> str:
    shown = dict(group) or {name: labels[name] for name in ("alertname", "component") if name in labels}
    return ", ".join(f"{name}={value}" for name, value in shown.items()) or "all alerts"

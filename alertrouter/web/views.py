"""What the API shows: incidents, their stories, alerts and deliveries, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from alertrouter.alert import Alert, alertmanager_fingerprint
from alertrouter.delivery import LedgerState
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.store.ledger_row import LedgerRow
from alertrouter.transition import TimelineLine, Transition


class ErrorView(BaseModel):
    """Why the request was not done."""

    error: str


class DestinationView(BaseModel):
    """What one destination was told."""

    id: str
    messages: int
    in_flight: bool
    last_sent_at: datetime | None
    error: str

    @classmethod
    def list_of(cls, incident: Incident) -> list[DestinationView]:
        """Show an incident's destinations."""
        return [
            cls(
                id=one.id,
                messages=one.sequence,
                in_flight=one.in_flight is not None,
                last_sent_at=one.last_sent_at,
                error=one.error,
            )
            for one in incident.destinations
        ]


class AckView(BaseModel):
    """Who has it, since when, until when (null: for good), and who else said so. `level` is told when it lapses."""

    by: str
    at: datetime
    until: datetime | None
    level: int
    others: list[str]


class SnoozeView(BaseModel):
    """Who asked for quiet, and until when."""

    by: str
    until: datetime


class EscalationView(BaseModel):
    """How far it has climbed: `level` levels were told or skipped, `loops` times it began again.

    `next_at` is when the next level is told; null while the ladder stands still, or is at its end.
    """

    policy: str
    severity: str
    level: int
    loops: int
    next_at: datetime | None

    @classmethod
    def of(cls, incident: Incident) -> EscalationView | None:
        """Show an incident's ladder."""
        ladder = incident.ladder
        if ladder is None:
            return None
        return cls(
            policy=ladder.policy,
            severity=ladder.severity,
            level=ladder.level,
            loops=ladder.loops,
            next_at=incident.timers.get(Timer.STEP),
        )


class IncidentView(BaseModel):
    """One incident.

    `suppressed` says for each alert that is held back why, `held` why the messages of the whole incident are, `muted`
    why its escalation stands still, `silenced` which silence hides all that fires. `timers` are what it waits for;
    `paused` has the seconds that those which stand still have left. `raised` is the severity that time gave it,
    `exhausted` says that no level is left to tell, `closed` who called it over while it fired. `version` counts its
    visible changes.
    """

    id: str
    number: int
    version: int
    state: State
    latest: Reason
    severity: str
    peak: str
    raised: str
    route: str
    group_key: str
    group_labels: dict[str, str]
    opened_at: datetime
    due: datetime | None
    resolved_at: datetime | None
    closed: str
    revision: str
    ack: AckView | None
    snooze: SnoozeView | None
    escalation: EscalationView | None
    exhausted: bool
    timers: dict[Timer, datetime]
    paused: dict[Timer, float]
    suppressed: dict[str, str]
    held: str
    muted: str
    silenced: str
    destinations: list[DestinationView]

    @classmethod
    def of(cls, incident: Incident) -> IncidentView:
        """Show an incident."""
        ack, snooze = incident.ack, incident.snooze
        return cls(
            id=incident.id,
            number=incident.number,
            version=incident.version,
            state=incident.state,
            latest=incident.latest,
            severity=incident.severity,
            peak=incident.peak,
            raised=incident.raised,
            route=incident.route,
            group_key=incident.group_key,
            group_labels=incident.group_labels,
            opened_at=incident.opened_at,
            due=incident.due,
            resolved_at=incident.resolved_at,
            closed=incident.closed,
            revision=incident.revision,
            ack=AckView(by=ack.by, at=ack.at, until=ack.until, level=ack.level, others=list(ack.others))
            if ack
            else None,
            snooze=SnoozeView(by=snooze.by, until=snooze.until) if snooze else None,
            escalation=EscalationView.of(incident),
            exhausted=incident.exhausted,
            timers=incident.timers,
            paused={timer: left.total_seconds() for timer, left in incident.paused.items()},
            suppressed={str(name): why for name, why in incident.suppressed.items()},
            held=incident.held,
            muted=incident.muted,
            silenced=incident.silenced,
            destinations=DestinationView.list_of(incident),
        )


class ScopeView(BaseModel):
    """The matchers of a silence, as `alertname="DiskFull"`; all must hold."""

    matchers: list[str]


class LineView(BaseModel):
    """One line of an incident's story. A line without a transition is a remark: `reason` and `text` say which."""

    at: datetime
    transition: Transition | None
    reason: Reason | None
    text: str

    @classmethod
    def of(cls, line: TimelineLine) -> LineView:
        """Show a line."""
        return cls(at=line.at, transition=line.transition, reason=line.reason, text=line.text)


class AlertView(BaseModel):
    """One alert of an incident. `suppressed` says why it is held back, "" when it isn't."""

    fingerprint: str
    labels: dict[str, str]
    firing: bool
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    suppressed: str

    @classmethod
    def list_of(cls, incident: Incident, alerts: Iterable[Alert], now: datetime) -> list[AlertView]:
        """Show an incident's alerts, the oldest first."""
        return [
            cls(
                fingerprint=alertmanager_fingerprint(one.labels),
                labels=one.labels,
                firing=one.firing(now),
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                updated_at=one.updated_at,
                suppressed=incident.suppressed.get(one.fingerprint, ""),
            )
            for one in sorted(alerts, key=lambda one: (one.starts_at, one.fingerprint))
        ]


class DeliveryView(BaseModel):
    """The fate of one delivery. A `redraw` changes a message in place and tells nobody anew.

    `doubtful`: a try got no answer, the far side may have it. `note` says what became of it on its way.
    """

    id: str
    destination: str
    receiver: str
    channel: str
    reason: Reason
    redraw: bool
    state: LedgerState
    attempts: int
    doubtful: bool
    error: str
    note: str
    reference: str
    born_at: datetime
    first_at: datetime | None
    settled_at: datetime | None

    @classmethod
    def of(cls, row: LedgerRow) -> DeliveryView:
        """Show a row of the ledger."""
        delivery = row.delivery
        return cls(
            id=delivery.id,
            destination=delivery.destination,
            receiver=delivery.receiver,
            channel=delivery.channel,
            reason=delivery.reason,
            redraw=delivery.redraw,
            state=row.state,
            attempts=row.attempts,
            doubtful=row.doubtful,
            error=row.error,
            note=row.note,
            reference=row.reference,
            born_at=delivery.born_at,
            first_at=row.first_at,
            settled_at=row.settled_at,
        )

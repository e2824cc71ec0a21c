"""What people did, by the records, as events for another run of the engine. Pure."""

from __future__ import annotations

from datetime import datetime

from alertrouter.events import (
    Acknowledged,
    Action,
    Extended,
    Resolved,
    SilenceSet,
    Snoozed,
    Unacknowledged,
)
from alertrouter.record import Moved, Silenced
from alertrouter.transition import Transition


def asked(record: Silenced, key: str, *, starts_at: datetime, silence: str = "") -> SilenceSet:
    """What sets or changes a silence as it was recorded."""
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


def action(record: Moved, incident: str, key: str) -> Action | None:
    """What was done to an incident, done to this one; None when it was not done by people."""
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

"""The events of a simulated life: what people do to an incident, and how a delivery ends."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from alertrouter.delivery import Delivery, Outcome
from alertrouter.events import (
    Acknowledged,
    Action,
    DeliverySettled,
    Escalated,
    Extended,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from alertrouter.incident import Incident
from alertrouter.policy.timeline import Happening, Verb

_WHY: Final = {Outcome.SENT: "", Outcome.FAILED: "refused", Outcome.CANCELLED: "taken back"}


def action(happening: Happening, incident: Incident, at: datetime, key: str) -> Action:
    """The event of a person who does this to an incident."""
    actor, name = happening.actor, incident.id
    match happening.verb:
        case Verb.ACK:
            return Acknowledged(at=at, actor=actor, key=key, incident=name)
        case Verb.UNACK:
            return Unacknowledged(at=at, actor=actor, key=key, incident=name)
        case Verb.EXTEND:
            return Extended(at=at, actor=actor, key=key, incident=name, until=at + happening.lasts)
        case Verb.SNOOZE:
            return Snoozed(at=at, actor=actor, key=key, incident=name, until=at + happening.lasts)
        case Verb.ESCALATE:
            return Escalated(at=at, actor=actor, key=key, incident=name)
        case Verb.CLOSE:
            return Resolved(at=at, actor=actor, key=key, incident=name, force=True)
        case _:
            raise ValueError(f"{happening.verb} is not done by people")


def settled(delivery: Delivery, at: datetime, outcome: Outcome) -> DeliverySettled:
    """Tell how a delivery ended."""
    return DeliverySettled(
        at=at,
        actor="simulation",
        key=f"{delivery.id}-settled",
        delivery=delivery.id,
        incident=delivery.incident,
        destination=delivery.destination,
        outcome=outcome,
        error=_WHY[outcome],
    )

"""Who is owed what: compares what each destination of an incident should show with what it was last told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery
from alertrouter.incident import Destination, Incident, InFlight, Reason, State
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Integration
from alertrouter.policy.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An incident at one moment, as far as messages are concerned.

    `firing` are all its firing alerts, `telling` those that nothing holds back, both oldest first; `over` the others.
    `held` says which time interval holds new messages, "" when none does.
    """

    firing: tuple[Fingerprint, ...]
    telling: tuple[Fingerprint, ...]
    over: frozenset[Fingerprint]
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one destination is owed: the whole picture, and why now."""

    reason: Reason
    firing: tuple[Fingerprint, ...]
    resolved: tuple[Fingerprint, ...]


def picture(alerts: Iterable[Alert], suppressed: dict[Fingerprint, str], *, held: str, now: datetime) -> Picture:
    """Sort an incident's alerts into what fires, what may be told and what is over."""
    firing = tuple(alert.fingerprint for alert in alerts if alert.firing(now))
    return Picture(
        firing=firing,
        telling=tuple(name for name in firing if name not in suppressed),
        over=frozenset(alert.fingerprint for alert in alerts if not alert.firing(now)),
        held=held,
    )


def owed(seen: Picture, to: Destination, route: Route, *, rounds: int, now: datetime) -> Owed | Reason:
    """What a destination with nothing in flight is owed now, or the reason for silence.

    It hears of a fire only while nothing holds that back, and of the end of what it was told through everything.
    What it was told stays in its picture until it is over, suppressed or not.
    """
    told = frozenset(to.told)
    news = [name for name in seen.telling if name not in told]
    ended = tuple(name for name in to.told if name in seen.over)
    shown = tuple(name for name in seen.firing if name in told or (not seen.held and name in seen.telling))
    if ended and not seen.firing:
        return Owed(reason=Reason.RESOLVED, firing=(), resolved=ended)
    if news and not seen.held:
        return Owed(reason=_why_now(to, rounds), firing=shown, resolved=ended)
    if ended:
        return Owed(reason=Reason.CHANGED, firing=shown, resolved=ended)
    if news:
        return Reason.OUTSIDE_HOURS
    if not seen.telling:
        return Reason.INHIBITED if seen.firing else Reason.DEDUPLICATED
    repeat = to.last_sent_at is not None and to.last_sent_at + route.options.repeat_interval <= now
    if repeat and not seen.held:
        return Owed(reason=Reason.REPEATED, firing=shown, resolved=())
    return Reason.DEDUPLICATED


def _why_now(to: Destination, rounds: int) -> Reason:
    if to.told:
        return Reason.JOINED
    if rounds > 1 and to.sequence:
        return Reason.REOPENED
    return Reason.OPENED


def destinations(incident: Incident, policy: Policy, route: Route, *, tell: bool) -> tuple[Destination, ...]:
    """The destinations of an incident: those it has, and, when there is something to tell, those its severity names."""
    known = {destination.id: destination for destination in incident.destinations}
    if tell:
        for receiver in policy.receivers_for(route, incident.severity):
            for integration in policy.integrations(receiver):
                known.setdefault(integration.id, Destination(id=integration.id))
    return tuple(known.values())


def integration_of(policy: Policy, destination: str) -> Integration:
    """The integration that a destination's id names."""
    receiver, _, last = destination.rpartition("/")
    if last.isdigit():
        receiver = receiver.rpartition("/")[0]
    return next(one for one in policy.integrations(receiver) if one.id == destination)


def give_birth(
    incident: Incident, to: Destination, what: Owed, policy: Policy, *, now: datetime
) -> tuple[Incident, Destination, Delivery]:
    """Make the delivery of what is owed; its id follows from the incident's count of deliveries."""
    integration = integration_of(policy, to.id)
    says_the_end = integration.options.send_resolved
    number = incident.issued + 1
    delivery = Delivery(
        id=f"{incident.id}.{number}",
        incident=incident.id,
        destination=to.id,
        receiver=integration.receiver,
        channel=integration.channel,
        revision=incident.revision,
        reason=what.reason,
        state=incident.state,
        severity=incident.severity,
        rank=policy.rank(incident.severity),
        group_key=incident.group_key,
        group_labels=incident.group_labels,
        firing=what.firing,
        resolved=what.resolved if says_the_end else (),
        sequence=to.sequence + 1,
        opened_at=incident.opened_at,
        born_at=now,
        received_at=incident.opened_at if what.reason is Reason.OPENED else now,
        reference=to.reference,
        cause=incident.cause,
    )
    sent = replace(
        to,
        sequence=to.sequence + 1,
        in_flight=InFlight(delivery=delivery.id, firing=what.firing, resolved=what.resolved),
        stale=False,
    )
    return replace(incident, issued=number), sent, delivery


def told_after(to: Destination, flight: InFlight) -> tuple[Fingerprint, ...]:
    """What a destination knows to be firing once `flight` has arrived."""
    over = frozenset(flight.resolved)
    return tuple(dict.fromkeys([name for name in to.told if name not in over] + list(flight.firing)))


def owes_the_end(incident: Incident) -> bool:
    """Tell whether a resolved incident still has someone to tell."""
    return incident.state is State.RESOLVED and any(to.told or to.in_flight for to in incident.destinations)

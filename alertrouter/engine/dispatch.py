"""Who is owed what: compares what each destination of an incident should show with what it was last told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery
from alertrouter.incident import Destination, Incident, InFlight, Reason, State
from alertrouter.policy.policy import Policy
from alertrouter.policy.route import Route
from alertrouter.transition import OUTWEIGH_A_STEP


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """An incident at one moment, as far as messages are concerned.

    `firing` are all its firing alerts, `telling` those that nothing holds back, both oldest first; `over` the others.
    `held` says which time interval holds new messages, "" when none does.
    """

    firing: tuple[Fingerprint, ...]
    telling: tuple[Fingerprint, ...]
    over: frozenset[Fingerprint]
    held: str


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What one destination is owed: the whole picture, and why now. A `redraw` tells nobody anew."""

    reason: Reason
    firing: tuple[Fingerprint, ...]
    resolved: tuple[Fingerprint, ...]
    redraw: bool = False


def picture(alerts: Iterable[Alert], suppressed: dict[Fingerprint, str], *, held: str, now: datetime) -> Picture:
    """Sort an incident's alerts into what fires, what may be told and what is over."""
    firing: list[Fingerprint] = []
    over: list[Fingerprint] = []
    for alert in alerts:
        (firing if alert.firing(now) else over).append(alert.fingerprint)
    telling = tuple(name for name in firing if name not in suppressed) if suppressed else tuple(firing)
    return Picture(firing=tuple(firing), telling=telling, over=frozenset(over), held=held)


def owed(
    seen: Picture, to: Destination, incident: Incident, route: Route, *, redraws: bool, now: datetime
) -> Owed | Reason:
    """What a destination with nothing in flight is owed now, or the reason for silence.

    It hears of a fire only while nothing holds that back, and of the end of what it was told through everything.
    What it was told and is held back now is left out beside others that fire, as in Alertmanager; when all that fires
    is held back it stays, for a message of nothing but ends would close what is not over. What fires again is told
    to each when its level comes, as the first time. While somebody has the incident, or asked for quiet, nobody is told
    anything but its end; where messages can be redrawn (`redraws`), they are.
    """
    if incident.state is State.RESOLVED or not seen.firing:
        return _the_end(seen, to, incident)
    if to.round < incident.round and not to.told and not to.paged:
        return Reason.WAITING
    quiet = incident.state is State.ACKNOWLEDGED or incident.snooze is not None
    may_tell = not seen.held and (not quiet or redraws)
    news, ended, shown = _compared(seen, to, may_tell=may_tell)
    if to.paged and seen.telling and not seen.held and not quiet:
        return Owed(reason=_why_paged(to, incident), firing=shown, resolved=ended)
    if quiet:
        what = Owed(reason=incident.latest, firing=shown, resolved=ended, redraw=redraws)
        return _in_quiet(to, incident, what, drawn_anew=bool(ended or (news and may_tell)))
    if news and not seen.held:
        return Owed(reason=_why_now(to, incident), firing=shown, resolved=ended)
    if ended:
        return Owed(reason=Reason.CHANGED, firing=shown, resolved=ended)
    if redraws and to.last_sent_at is not None and to.shown < incident.version and shown:
        return Owed(reason=incident.latest, firing=shown, resolved=(), redraw=True)
    if news or not seen.telling:
        return Reason.OUTSIDE_HOURS if news else Reason.INHIBITED
    repeat = to.last_sent_at is not None and to.last_sent_at + route.options.repeat_interval <= now
    if repeat and not seen.held and incident.ladder is None:
        return Owed(reason=Reason.REPEATED, firing=shown, resolved=())
    return Reason.DEDUPLICATED


def _compared(
    seen: Picture, to: Destination, *, may_tell: bool
) -> tuple[Sequence[Fingerprint], tuple[Fingerprint, ...], tuple[Fingerprint, ...]]:
    """What a destination doesn't know yet, what it knows that is over, and all that it would be shown as firing."""
    if to.told == seen.telling == seen.firing:  # as it most often is
        return (), (), seen.firing
    told = frozenset(to.told)
    may_be_shown = seen.telling or seen.firing
    shown = tuple(name for name in may_be_shown if name in told or (may_tell and seen.telling))
    return (
        [name for name in seen.telling if name not in told],
        tuple(name for name in to.told if name in seen.over),
        # What it was told stays, too, while all else that fires may not be told yet.
        shown or tuple(name for name in seen.firing if name in told),
    )


def _the_end(seen: Picture, to: Destination, incident: Incident) -> Owed | Reason:
    """What is over but not resolved yet is told when it is: as the end, to all, and not as a change."""
    if incident.state is State.RESOLVED and to.told:
        return Owed(reason=Reason.RESOLVED, firing=(), resolved=to.told)
    if incident.state is State.RESOLVED and to.forewarned and (all_of_it := {*seen.over, *seen.firing}):
        # Called over by a person, it may fire still: the warning shows that it is over all the same.
        return Owed(reason=Reason.RESOLVED, firing=(), resolved=tuple(sorted(all_of_it)), redraw=True)
    return Reason.DEDUPLICATED


def _in_quiet(to: Destination, incident: Incident, what: Owed, *, drawn_anew: bool) -> Owed | Reason:
    """While somebody has it, or asked for quiet: a message that can be redrawn is, nobody else hears a thing."""
    old = to.shown < incident.version
    if what.redraw and to.last_sent_at is not None and (drawn_anew or old):
        return what if old else Owed(reason=Reason.REDRAWN, firing=what.firing, resolved=what.resolved, redraw=True)
    return Reason.ACKNOWLEDGED if incident.state is State.ACKNOWLEDGED else Reason.SNOOZED


def _why_now(to: Destination, incident: Incident) -> Reason:
    if to.forewarned:
        return Reason.UNSILENCED
    if to.told:
        return Reason.JOINED
    if incident.round > 1 and to.last_sent_at is not None:
        return Reason.FLAPPING if incident.latest is Reason.FLAPPING else Reason.REOPENED
    return Reason.OPENED


def _why_paged(to: Destination, incident: Incident) -> Reason:
    if to.forewarned:
        return Reason.UNSILENCED
    if to.told:
        return incident.latest if incident.latest in OUTWEIGH_A_STEP else Reason.ESCALATED
    return _why_now(to, incident)


def give_birth(
    incident: Incident,
    to: Destination,
    what: Owed,
    policy: Policy,
    *,
    suppressed: Mapping[Fingerprint, str],
    now: datetime,
) -> tuple[Incident, Destination, Delivery]:
    """Make the delivery of what is owed; its id follows from the incident's count of deliveries.

    `suppressed` says of what fires and is held back now why it is so.
    """
    incident = replace(incident, issued=incident.issued + 1)
    remarks = (*incident.remarks, *_left_out(suppressed, what))
    delivery = _delivery(incident, to, what, policy, remarks, now)
    forewarns = what.reason is Reason.UNSILENCING
    sent = replace(
        to,
        sequence=delivery.sequence,
        in_flight=InFlight(
            delivery=delivery.id,
            firing=tuple(name for name in what.firing if name in to.told) if forewarns else what.firing,
            resolved=what.resolved,
            version=incident.version,
            page=not what.redraw and not forewarns and what.reason is not Reason.RESOLVED,
            since=now,
            overdue=bool(to.error) and not to.paged,
        ),
        stale=False,
        paged=False,
        bundled=False,
        forewarned=forewarns,
    )
    return incident, sent, delivery


def _delivery(
    incident: Incident, to: Destination, what: Owed, policy: Policy, remarks: tuple[str, ...], now: datetime
) -> Delivery:
    integration = policy.integration(to.id)
    return Delivery(
        id=f"{incident.id}.{incident.issued}",
        incident=incident.id,
        destination=to.id,
        receiver=integration.receiver,
        channel=integration.channel,
        revision=policy.revision,  # the incident's, unless that can't be loaded any more: a worker couldn't either
        reason=what.reason,
        state=incident.state,
        severity=incident.severity,
        rank=policy.rank(incident.severity),
        group_key=incident.group_key,
        group_labels=incident.group_labels,
        firing=what.firing,
        resolved=what.resolved if integration.options.send_resolved else (),
        sequence=to.sequence + 1,
        opened_at=incident.opened_at,
        born_at=now,
        received_at=incident.opened_at if what.reason is Reason.OPENED else now,
        reference=to.reference,
        cause=incident.cause,
        redraw=what.redraw,
        version=incident.version,
        ack=incident.ack,
        snooze=incident.snooze,
        raised=incident.raised,
        climbs=incident.ladder is not None,
        given_back=incident.given_back,
        silenced=incident.silenced,
        remarks=remarks,
    )


def _left_out(suppressed: Mapping[Fingerprint, str], what: Owed) -> Iterable[str]:
    """Say of what fires and stands not in the message who silenced it, why and until when."""
    if not what.firing or not suppressed:
        return
    shown = frozenset(what.firing)
    whys = Counter(why for mark, why in suppressed.items() if mark not in shown)
    for why, count in sorted(whys.items()):
        if why.startswith(Reason.SILENCED.value):
            yield f"{count} more fire{'s' if count == 1 else ''}, {why}"


def arrived(to: Destination, flight: InFlight, now: datetime) -> Destination:
    """What a destination knows once `flight` has arrived."""
    told, over = to.told, frozenset(flight.resolved)
    if over:
        told = tuple(name for name in told if name not in over)
    if told != flight.firing:
        told = tuple(dict.fromkeys((*told, *flight.firing)))
    return replace(to, told=told, shown=flight.version, last_sent_at=now, in_flight=None, stale=False, error="")


def tells_all(flight: InFlight, seen: Picture, to: Destination, incident: Incident) -> bool:
    """Tell at a glance that nothing will be owed once `flight` has arrived; when that takes a longer look, it is False.

    It shows the incident as it is, all its alerts fire, it tells of each, and nothing holds any of them back.
    """
    return (
        flight.version == incident.version
        and flight.firing == seen.firing == seen.telling
        and bool(seen.firing)
        and not seen.over
        and not to.paged
        and incident.state is not State.RESOLVED
    )


def owes_the_end(incident: Incident) -> bool:
    """Tell whether a resolved incident still has someone to tell."""
    return incident.state is State.RESOLVED and any(
        to.told or to.in_flight or to.collected for to in incident.destinations
    )

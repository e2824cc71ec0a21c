"""Telling: pages of a level, updates of what destinations know, and redrawn messages; at most one in flight each."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.engine import bundling, dispatch
from alertrouter.engine.changes import Recall
from alertrouter.engine.dispatch import Owed
from alertrouter.engine.view import View, with_destination
from alertrouter.incident import Destination, Incident, Reason, State
from alertrouter.policy.receiver import Channel
from alertrouter.silence import Silence

REDRAWN: Final = frozenset({Channel.SLACK, Channel.PAGERDUTY, Channel.INBOX})
"""Where a message can change without telling anybody anew."""


_CHANNELS: Final = frozenset({Channel.SLACK, Channel.INBOX})
"""Where people read what need not wake them."""


def page(view: View, incident: Incident, receivers: tuple[str, ...], every: timedelta | None = None) -> Incident:
    """Tell the receivers of a level, whether they know already or not; with `every`, in a digest."""
    reached = False
    for name in receivers:
        for integration in view.policy.integrations(name):
            reached = True
            known = {one.id: one for one in incident.destinations}
            before = known.get(integration.id, Destination(id=integration.id))
            # What waits for a digest doesn't wait for it any more when a level wants it told.
            waits = before.collected and (every is not None or before.every is None)
            to = replace(before, paged=True, round=incident.round, every=every, collected=waits)
            incident = tell(view, with_destination(incident, to), to)
    if not reached:
        view.note(incident, f"{', '.join(receivers) or 'nobody'}: reached by nothing", Reason.NOBODY)
    return incident


def open_plainly(view: View, incident: Incident) -> Incident:
    """Without a ladder: let the receivers of the incident's severity become its destinations."""
    if not view.seen.telling or view.seen.held:
        return incident
    for receiver in view.policy.receivers_for(view.route, incident.severity, view.at):
        for integration in view.policy.integrations(receiver):
            known = {one.id: one for one in incident.destinations}
            to = replace(known.get(integration.id, Destination(id=integration.id)), round=incident.round)
            incident = with_destination(incident, to)
    if not incident.destinations:
        view.note(incident, f"{incident.severity} names no receiver here", Reason.NOBODY)
    return incident


def update(view: View, incident: Incident) -> Incident:
    """Give every destination of the incident what it is owed."""
    for to in incident.destinations:
        incident = tell(view, incident, to)
    return incident


def redraw(view: View, incident: Incident) -> Incident:
    """Let messages that can be redrawn show what the incident is now."""
    for to in incident.destinations:
        if view.policy.integration(to.id).channel in REDRAWN and to.shown < incident.version:
            incident = tell(view, incident, to)
    return incident


def tell(view: View, incident: Incident, to: Destination) -> Incident:
    """Give one destination what it is owed, unless a delivery to it is still on its way."""
    integration = view.policy.integration(to.id)
    redraws = integration.channel in REDRAWN
    if to.collected:
        return incident
    if to.in_flight is not None:
        stale = not dispatch.tells_all(to.in_flight, view.seen, to, incident)
        if stale:
            then = dispatch.arrived(to, to.in_flight, view.at)
            more = dispatch.owed(view.seen, then, incident, view.route, redraws=redraws, now=view.at)
            stale = isinstance(more, Owed)
        return incident if stale == to.stale else with_destination(incident, replace(to, stale=stale))
    what = dispatch.owed(view.seen, to, incident, view.route, redraws=redraws, now=view.at)
    if not isinstance(what, Owed):
        return incident
    only_the_end = what.reason in (Reason.RESOLVED, Reason.CHANGED)
    if only_the_end and not integration.options.send_resolved:
        over = frozenset(what.resolved)
        return with_destination(incident, replace(to, told=tuple(name for name in to.told if name not in over)))
    if to.bundled and what.redraw:
        # A summary is not drawn anew for one of many.
        return with_destination(incident, replace(to, shown=incident.version))
    if bundling.takes(view, to, what):
        return bundling.collect(view, incident, to, what.reason)
    return send(view, incident, to, what)


def send(view: View, incident: Incident, to: Destination, what: Owed) -> Incident:
    """Tell one destination of one incident, in a message of its own."""
    held = view.suppressed
    incident, to, delivery = dispatch.give_birth(incident, to, what, view.policy, suppressed=held, now=view.at)
    view.draft.changes.deliveries.append(delivery)
    view.draft.changes.count(f"deliveries_born:{delivery.channel}")
    if not what.redraw:
        view.note(incident, f"{delivery.id} to {to.id}", what.reason)
        bundling.note_one(view, to)
    return with_destination(incident, to)


def forewarn(view: View, incident: Incident, silence: Silence) -> Incident:
    """Tell the channel that a silence is about to end: where a message is already, else where one would be."""
    silent = [mark for mark in view.seen.firing if mark in view.silenced]
    if not incident.destinations:
        for receiver in view.policy.receivers_for(view.route, incident.severity, view.at):
            for integration in view.policy.integrations(receiver):
                incident = with_destination(incident, Destination(id=integration.id, round=incident.round))
    for to in incident.destinations:
        if view.policy.integration(to.id).channel in _CHANNELS and to.in_flight is None:
            shown = tuple(mark for mark in view.seen.firing if mark in to.told or mark in silent)
            what = Owed(reason=Reason.UNSILENCING, firing=shown, resolved=())
            incident, warned, delivery = dispatch.give_birth(
                incident, to, what, view.policy, suppressed=view.suppressed, now=view.at
            )
            view.draft.changes.deliveries.append(replace(delivery, silenced=silence.account))
            view.draft.changes.count(f"deliveries_born:{delivery.channel}")
            incident = with_destination(incident, warned)
    return incident


def recall(view: View, incident: Incident) -> Incident:
    """Take back the pages that have not left yet; the ledger says of each whether it was in time."""
    for to in incident.destinations:
        if to.in_flight is not None and to.in_flight.page and not to.in_flight.shared:
            why = "it was over before it left" if incident.state is State.RESOLVED else "it was taken before it left"
            recall = Recall(incident=incident.id, destination=to.id, why=why)
            view.draft.changes.recalled[to.in_flight.delivery] = recall
    return replace(incident, destinations=tuple(replace(one, paged=False) for one in incident.destinations))

"""What the end of a delivery means: what its destination knows now, and what it is owed next."""

from __future__ import annotations

from msgspec.structs import replace

from alertrouter.delivery import Outcome
from alertrouter.engine import bundling, dispatch, flush, ladder, telling, undelivered
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View, with_destination
from alertrouter.events import DeliverySettled
from alertrouter.incident import Destination, Incident, InFlight, Reason, State, Timer


def settle(memory: Memory, draft: Draft, event: DeliverySettled) -> None:
    """Take in how a delivery ended; what changed meanwhile goes out at once, newest only.

    A summary ends for each of its incidents.
    """
    summary = memory.state.summaries.get(event.incident)
    if summary is None:
        _settle_one(memory, draft, event)
        return
    bundling.settled(draft, summary, event.delivery)
    for name in summary.flights.get(event.delivery, ()):
        _settle_one(memory, draft, replace(event, incident=name, reference=None))


def _settle_one(memory: Memory, draft: Draft, event: DeliverySettled) -> None:
    incident = memory.state.incidents.get(event.incident)
    to = next((one for one in incident.destinations if one.id == event.destination), None) if incident else None
    if incident is None or to is None or to.in_flight is None or to.in_flight.delivery != event.delivery:
        draft.changes.count("deliveries_settled_late")
        return
    view = View(memory, draft, incident)
    flight, stale, sent = to.in_flight, to.stale, event.outcome is Outcome.SENT
    of_interest = not sent or _tells(flight, to)
    if sent:
        to = dispatch.arrived(to, flight, draft.at)
    else:
        error = event.error if event.outcome is Outcome.FAILED else ""
        to = replace(to, in_flight=None, stale=False, error=error)
    to = replace(to, reference=event.reference or to.reference)
    incident = with_destination(incident, to)
    if of_interest:
        text = f"{event.delivery} to {to.id}" + (f": {event.error}" if event.error else "")
        view.note(incident, text, _REASONS[event.outcome])
    if event.outcome is Outcome.FAILED:
        incident = undelivered.failed(view, incident, flight, to.id, event.error)
    elif (stale or to.paged) or to.shown < incident.version:
        incident = telling.tell(view, incident, to)
    flush.prune(view, incident)
    draft.changes.incidents[incident.id] = undelivered.watch(view, _told_to_all(view, incident))


def _tells(flight: InFlight, to: Destination) -> bool:
    """Tell whether somebody hears of it: of news, in a summary, or of the end of what they were told. No redraw is."""
    return flight.page or flight.shared or (bool(to.told) and flight.resolved == to.told and not flight.firing)


def _told_to_all(view: View, incident: Incident) -> Incident:
    """When its end was told to all who knew, a look can find nothing before the time to forget it."""
    look, options = incident.timers.get(Timer.LOOK), view.route.options
    if incident.state is not State.RESOLVED or look is None or dispatch.owes_the_end(incident):
        return incident
    if any(to.forewarned for to in incident.destinations) or any(one.firing(view.at) for one in view.alerts):
        return incident
    if incident.suppressed or incident.held or options.mute_time_intervals or options.active_time_intervals:
        return incident
    over = (incident.resolved_at or view.at) + view.policy.reopen_within
    return ladder.plan(view, incident, Timer.LOOK, over) if over > look else incident


_REASONS = {Outcome.SENT: Reason.SENT, Outcome.FAILED: Reason.FAILED, Outcome.CANCELLED: Reason.CANCELLED}

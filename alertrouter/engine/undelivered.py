"""A page that does not arrive: refused for good, or on its way for too long, it goes to the next one who can act."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from alertrouter.engine import ladder, telling
from alertrouter.engine.view import View, with_destination
from alertrouter.incident import Incident, InFlight, Reason, State, Timer
from alertrouter.policy.duration import format_duration


def watch(view: View, incident: Incident) -> Incident:
    """Set the timer by which the pages that are on their way must have arrived; without such pages there is none."""
    pages = [one.in_flight for one in incident.destinations if one.in_flight is not None and one.in_flight.page]
    if not pages and Timer.OVERDUE not in incident.timers:
        return incident
    within = _within(view, incident)
    flights = pages if within else []
    due = min((one.since + within for one in flights if within and one.since and _matters(one)), default=None)
    if due == incident.timers.get(Timer.OVERDUE):
        return incident
    timers = {timer: at for timer, at in incident.timers.items() if timer is not Timer.OVERDUE}
    return replace(incident, timers={**timers, Timer.OVERDUE: due} if due else timers)


def overdue(view: View, incident: Incident) -> Incident:
    """The time of a page is over and it has not arrived: it is still tried, and others are told meanwhile."""
    incident = ladder.drop(incident, (Timer.OVERDUE,))
    within = _within(view, incident)
    late: list[str] = []
    for to in incident.destinations if within else ():
        flight = to.in_flight
        if within and flight is not None and flight.since and _matters(flight) and flight.since + within <= view.at:
            late.append(f"{flight.delivery} to {to.id}")
            incident = with_destination(incident, replace(to, in_flight=replace(flight, overdue=True)))
    if not late or within is None:
        return incident
    text = f"{', '.join(late)} not delivered within {format_duration(within)}"
    return _instead(view, incident, text, [one.rpartition(" ")[2] for one in late])


def failed(view: View, incident: Incident, flight: InFlight, destination: str, error: str) -> Incident:
    """A delivery was refused for good; for one that was overdue others have been told already."""
    if not flight.page or flight.overdue or not _climbs(incident):
        return incident
    return _instead(view, incident, f"could not be delivered: {error}", [destination])


def _instead(view: View, incident: Incident, text: str, failing: Iterable[str]) -> Incident:
    """Tell the next level now; behind the last one the policy's `fallback`, unless that is what fails."""
    escalation = ladder.policy_of(view, incident)
    if escalation is None or incident.ladder is None:
        return incident
    if incident.ladder.level < len(escalation.levels):
        view.note(incident, f"{text}; so the next level is told now", Reason.UNDELIVERED)
        return ladder.step_now(view, incident)
    names = [view.policy.receiver_named(name, view.route, view.at) for name in escalation.fallback]
    reached = {one.id for name in names for one in view.policy.integrations(name)}
    if reached - set(failing):
        view.note(incident, f"{text}; so {', '.join(names)} is told instead", Reason.UNDELIVERED)
        return telling.page(view, incident, tuple(dict.fromkeys(names)))
    view.note(incident, f"{text}; nobody is left to tell instead", Reason.UNDELIVERED)
    return incident


def _matters(flight: InFlight) -> bool:
    return flight.page and not flight.overdue


def _within(view: View, incident: Incident) -> timedelta | None:
    """How long a page has, while the incident climbs."""
    escalation = ladder.policy_of(view, incident) if _climbs(incident) else None
    return escalation.deliver_within if escalation else None


def _climbs(incident: Incident) -> bool:
    return incident.state is State.TRIGGERED and incident.ladder is not None and not ladder.stands_still(incident)

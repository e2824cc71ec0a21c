"""An incident's moment: it opens, tells news, repeats, resolves, is forgotten; and what a settled delivery means."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Outcome
from alertrouter.engine import dispatch
from alertrouter.engine.dispatch import Owed, Picture
from alertrouter.engine.memory import Draft, Memory
from alertrouter.events import DeliverySettled
from alertrouter.incident import Destination, Incident, Reason, State, TimelineLine, Transition
from alertrouter.policy.policy import Policy
from alertrouter.policy.route import Route

GIVE_UP_AFTER: Final = timedelta(days=1)
"""How long the end of an incident is tried to be told before it is forgotten."""


def flush(memory: Memory, draft: Draft, name: str) -> None:
    """Look at an incident whose time has come."""
    incident = memory.state.incidents[name]
    policy = memory.policy_of(incident)
    route = _route(policy, incident)
    alerts = memory.alerts_of(name)
    seen, suppressed = _look(memory, policy, route, alerts, draft.at)
    if incident.state is State.PENDING and not seen.firing:
        _blip(draft, incident, alerts)
        return
    incident = _suppress(draft, incident, suppressed, seen.held)
    incident = _transit(draft, incident, policy, alerts, seen)
    incident = _tell_all(draft, incident, policy, route, seen)
    _prune(draft, incident, alerts)
    if incident.state is State.RESOLVED and _may_be_forgotten(draft, incident, policy):
        _forget(draft, incident, alerts)
        return
    draft.changes.incidents[name] = replace(incident, due=_next_look(incident, policy, route, draft.at))


def settle(memory: Memory, draft: Draft, event: DeliverySettled) -> None:
    """Take in how a delivery ended; what changed meanwhile goes out at once, newest only."""
    incident = memory.state.incidents.get(event.incident)
    to = next((one for one in incident.destinations if one.id == event.destination), None) if incident else None
    if incident is None or to is None or to.in_flight is None or to.in_flight.delivery != event.delivery:
        draft.changes.count("deliveries_settled_late")
        return
    stale = to.stale
    sent = event.outcome is Outcome.SENT
    to = replace(
        to,
        told=dispatch.told_after(to, to.in_flight) if sent else to.told,
        last_sent_at=draft.at if sent else to.last_sent_at,
        reference=event.reference or to.reference,
        error="" if sent else event.error,
        in_flight=None,
        stale=False,
    )
    incident = _with(incident, to)
    text = f"{event.delivery} to {to.id}" + (f": {event.error}" if event.error else "")
    _line(draft, incident.id, None, text, Reason.SENT if sent else Reason.FAILED)
    alerts = memory.alerts_of(incident.id)
    if stale and sent:
        policy = memory.policy_of(incident)
        route = _route(policy, incident)
        seen, _ = _look(memory, policy, route, alerts, draft.at)
        incident = _tell(draft, incident, to, policy, route, seen)
    _prune(draft, incident, alerts)
    draft.changes.incidents[incident.id] = incident


def _look(
    memory: Memory, policy: Policy, route: Route, alerts: list[Alert], now: datetime
) -> tuple[Picture, dict[Fingerprint, str]]:
    suppressed = {
        alert.fingerprint: why for alert in alerts if alert.firing(now) and (why := _inhibited_by(memory, alert))
    }
    return dispatch.picture(alerts, suppressed, held=policy.held_by(route, now), now=now), suppressed


def _inhibited_by(memory: Memory, alert: Alert) -> str:
    sources = memory.inhibitor.sources(alert.fingerprint, alert.labels)
    if not sources:
        return ""
    rule, mark = sources[0]
    source = memory.state.alerts[mark]
    return f"inhibited by {source.labels.get('alertname', mark)} (rule {rule})"


def _suppress(draft: Draft, incident: Incident, suppressed: dict[Fingerprint, str], held: str) -> Incident:
    """Note which alerts are held back from now on, and which no longer are."""
    fresh = [why for mark, why in suppressed.items() if mark not in incident.suppressed]
    freed = [mark for mark in incident.suppressed if mark not in suppressed]
    for why in sorted(set(fresh)):
        count = fresh.count(why)
        _line(draft, incident.id, None, f"{count} alert{'s' if count > 1 else ''} {why}", Reason.INHIBITED)
    if fresh:
        draft.changes.count("alerts_suppressed:inhibited", len(fresh))
    if freed:
        _line(draft, incident.id, None, f"{len(freed)} no longer inhibited", Reason.INHIBITED)
    if held and held != incident.held:
        _line(draft, incident.id, None, held, Reason.OUTSIDE_HOURS)
        draft.changes.count("alerts_suppressed:outside_hours")
    return replace(incident, suppressed=suppressed, held=held)


def _transit(draft: Draft, incident: Incident, policy: Policy, alerts: list[Alert], seen: Picture) -> Incident:
    """Let the state follow what fires."""
    if not seen.firing:
        if incident.state is State.RESOLVED:
            return incident
        _line(draft, incident.id, Transition.RESOLVE, "all its alerts are over")
        draft.changes.count("transitions:RESOLVE")
        ends = [alert.ends_at for alert in alerts if alert.ends_at is not None]
        return replace(
            incident, state=State.RESOLVED, version=incident.version + 1, resolved_at=max(ends, default=draft.at)
        )
    counted = seen.telling or seen.firing
    firing = frozenset(counted)
    severity = max((policy.severity(alert.labels) for alert in alerts if alert.fingerprint in firing), key=policy.rank)
    incident = replace(incident, severity=severity, peak=max(incident.peak, severity, key=policy.rank))
    if incident.state is State.PENDING:
        count = len(seen.firing)
        _line(draft, incident.id, Transition.OPEN, f"{count} alert{'s' if count > 1 else ''}, {severity}")
        draft.changes.count("transitions:OPEN")
        return replace(incident, state=State.TRIGGERED, version=incident.version + 1)
    return incident


def _tell_all(draft: Draft, incident: Incident, policy: Policy, route: Route, seen: Picture) -> Incident:
    tell = bool(seen.telling) and not seen.held
    reached = dispatch.destinations(incident, policy, route, tell=tell)
    incident = replace(incident, destinations=reached)
    if tell and not reached:
        _line(draft, incident.id, None, f"{incident.severity} names no receiver here", Reason.NOBODY)
    for to in reached:
        incident = _tell(draft, incident, to, policy, route, seen)
    return incident


def _tell(draft: Draft, incident: Incident, to: Destination, policy: Policy, route: Route, seen: Picture) -> Incident:
    """Give one destination what it is owed, unless a delivery to it is still on its way."""
    if to.in_flight is not None:
        return _with(incident, replace(to, stale=True))
    what = dispatch.owed(seen, to, route, rounds=incident.round, now=draft.at)
    if not isinstance(what, Owed):
        return incident
    only_the_end = what.reason in (Reason.RESOLVED, Reason.CHANGED)
    if only_the_end and not dispatch.integration_of(policy, to.id).options.send_resolved:
        over = frozenset(what.resolved)
        return _with(incident, replace(to, told=tuple(name for name in to.told if name not in over)))
    incident, to, delivery = dispatch.give_birth(incident, to, what, policy, now=draft.at)
    draft.changes.deliveries.append(delivery)
    draft.changes.count(f"deliveries_born:{delivery.channel}")
    _line(draft, incident.id, None, f"{delivery.id} to {to.id}", what.reason)
    return _with(incident, to)


def _prune(draft: Draft, incident: Incident, alerts: list[Alert]) -> None:
    """Let go of alerts that are over once everybody who was told of them knows."""
    needed: set[Fingerprint] = set()
    for to in incident.destinations:
        needed.update(to.told)
        if to.in_flight is not None:
            needed.update(to.in_flight.firing, to.in_flight.resolved)
    _release(draft, incident, [one for one in alerts if not one.firing(draft.at) and one.fingerprint not in needed])


def _release(draft: Draft, incident: Incident, alerts: list[Alert]) -> None:
    """Take alerts out of an incident; those that belong to no other are forgotten."""
    for alert in alerts:
        rest = tuple(name for name in alert.incidents if name != incident.id)
        draft.changes.alerts[alert.fingerprint] = replace(alert, incidents=rest) if rest else None


def _blip(draft: Draft, incident: Incident, alerts: list[Alert]) -> None:
    _line(draft, incident.id, Transition.BLIP, "over before group_wait had passed: nobody was told", Reason.BLIP)
    draft.changes.count("transitions:BLIP")
    _forget(draft, incident, alerts)


def _forget(draft: Draft, incident: Incident, alerts: list[Alert]) -> None:
    _release(draft, incident, alerts)
    draft.changes.incidents[incident.id] = None


def _may_be_forgotten(draft: Draft, incident: Incident, policy: Policy) -> bool:
    """Tell whether an incident has been over for long enough and owes nobody its end, or has owed it for too long."""
    since = incident.resolved_at or draft.at
    if dispatch.owes_the_end(incident):
        if draft.at < since + GIVE_UP_AFTER:
            return False
        _line(draft, incident.id, None, "the end could not be told within a day", Reason.GAVE_UP)
        draft.changes.count("incidents_given_up")
        return True
    return draft.at >= since + policy.reopen_within


def _next_look(incident: Incident, policy: Policy, route: Route, now: datetime) -> datetime:
    tick = now + route.options.group_interval
    if incident.state is not State.RESOLVED or dispatch.owes_the_end(incident):
        return tick
    return max((incident.resolved_at or now) + policy.reopen_within, now + timedelta(seconds=1))


def _route(policy: Policy, incident: Incident) -> Route:
    route = policy.route(incident.route)
    if route is None:
        raise LookupError(f"policy {incident.revision} has no route {incident.route}")
    return route


def _with(incident: Incident, to: Destination) -> Incident:
    return replace(incident, destinations=tuple(to if one.id == to.id else one for one in incident.destinations))


def _line(draft: Draft, incident: str, transition: Transition | None, text: str, reason: Reason | None = None) -> None:
    draft.changes.timeline.append(
        TimelineLine(incident=incident, at=draft.at, transition=transition, reason=reason, text=text)
    )

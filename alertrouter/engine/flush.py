"""An incident's moment: its timers come, it opens, climbs, tells news, resolves or is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine import dispatch, holding, ladder, steadiness, telling, undelivered
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View, line
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.transition import Transition

GIVE_UP_AFTER: Final = timedelta(days=1)
"""How long the end of an incident is tried to be told before it is forgotten."""

MOST_STEPS: Final = 100
"""More timers than this at one moment mean a policy that runs in a circle: the incident is parked."""


_IN_ORDER: Final = tuple(Timer)

_NOT_FOR_WHAT_IS_OVER: Final = frozenset({Timer.LAPSE, Timer.RAISE, Timer.OVERDUE, Timer.STEP})
"""When one of these comes and nothing fires any more, that is seen then, and not at the next group interval."""


def flush(memory: Memory, draft: Draft, name: str) -> None:
    """Let the timers of an incident come that are due, in the order of `Timer`."""
    before = incident = memory.state.incidents[name]
    view = View(memory, draft, incident)
    for _ in range(MOST_STEPS):
        timer = _first_due(incident, draft.at)
        if timer is None:
            incident = undelivered.watch(view, telling.redraw(view, incident))
            memory.quiet.note(memory, view, before, incident)
            draft.changes.incidents[name] = incident
            return
        after = _come(view, incident, timer)
        if after is None:
            return
        incident = after
    raise RuntimeError(f"more than {MOST_STEPS} timers at one moment")


def _first_due(incident: Incident, now: datetime) -> Timer | None:
    """The first of the timers that are due, in the order of `Timer`."""
    timers = incident.timers
    for timer in _IN_ORDER:
        due = timers.get(timer)
        if due is not None and due <= now:
            return timer
    return None


def _come(view: View, incident: Incident, timer: Timer) -> Incident | None:
    if not view.seen.firing and timer in _NOT_FOR_WHAT_IS_OVER:
        return _look(view, ladder.drop(incident, (Timer.OVERDUE,)))
    match timer:
        case Timer.LOOK:
            return _look(view, incident)
        case Timer.WAKE:
            return wake(view, incident)
        case Timer.LAPSE:
            return _lapse(view, incident)
        case Timer.WARN:
            return _warn(view, incident)
        case Timer.RAISE:
            return ladder.raise_severity(view, incident) if _climbs(view, incident) else mute(view, incident)
        case Timer.OVERDUE:
            climbs = _climbs(view, incident)
            return undelivered.overdue(view, incident if climbs else mute(view, incident))
        case Timer.STEP:
            return ladder.step(view, incident) if _climbs(view, incident) else mute(view, incident)


def _look(view: View, incident: Incident) -> Incident | None:
    """The end of group_wait, a group interval, or the time to forget it."""
    if incident.state is State.PENDING and not view.seen.firing:
        incident = view.transit(incident, Transition.BLIP, "over before group_wait had passed: nobody was told")
        _forget(view, incident)
        return None
    incident = holding.note(view, incident)
    if incident.state is not State.RESOLVED:
        incident = _follow(view, incident) if view.seen.firing else _rest(view, incident)
        incident = _steps(view, incident)
    incident = telling.update(view, incident)
    prune(view, incident)
    if incident.state is State.RESOLVED and _may_be_forgotten(view, incident):
        _forget(view, incident)
        return None
    return ladder.plan(view, incident, Timer.LOOK, _next_look(view, incident))


def _rest(view: View, incident: Incident) -> Incident:
    """Nothing of it fires: it is over, unless it flaps and may fire again at any moment."""
    if steadiness.rests(view, incident):
        return mute(view, steadiness.quiet(view, incident))
    return resolve(view, steadiness.calm(view, incident), Transition.RESOLVE)


def _follow(view: View, incident: Incident) -> Incident:
    """Let an incident that fires follow its alerts: severity, opening, suppression, the start of its ladder."""
    incident = _weigh(view, incident)
    if incident.state is State.PENDING:
        count = len(view.seen.firing)
        incident = view.transit(incident, Transition.OPEN, f"{count} alert{_s(count)}, {incident.severity}")
    incident = steadiness.fires(view, incident)
    escalates = view.policy.escalation(view.route, incident.severity) is not None
    if escalates or incident.ladder is not None or incident.muted:
        incident = mute(view, incident)
    if escalates or incident.ladder is not None:
        if incident.state is State.TRIGGERED and incident.ladder is None:
            incident = ladder.start(view, incident)
        return incident
    return telling.open_plainly(view, incident) if incident.state is State.TRIGGERED else incident


def _steps(view: View, incident: Incident) -> Incident:
    """Raise it and tell the levels that are due now, so that a page says all that an update would say after it."""
    later = view.at + timedelta(1)
    for _ in range(MOST_STEPS):
        if not _climbs(view, incident):
            return incident
        if incident.timers.get(Timer.RAISE, later) <= view.at:
            incident = ladder.raise_severity(view, incident)
        elif incident.timers.get(Timer.STEP, later) <= view.at:
            incident = ladder.step(view, incident)
        else:
            return incident
    raise RuntimeError(f"more than {MOST_STEPS} levels at one moment")


def _weigh(view: View, incident: Incident) -> Incident:
    """Set the severity to the highest that fires, or that time gave it; a rise beats an acknowledgement."""
    policy = view.policy
    counted = frozenset(view.seen.telling or view.seen.firing)
    severities = {policy.severity(alert.labels) for alert in view.alerts if alert.fingerprint in counted}
    if incident.raised:
        severities.add(incident.raised)
    severity = max(severities, key=policy.rank)
    before, measure = incident.severity, incident.withstands
    if severity != before or policy.rank(severity) > policy.rank(incident.peak):
        incident = replace(incident, severity=severity, peak=max(incident.peak, severity, key=policy.rank))
    if measure is None:
        return incident
    if policy.rank(severity) > policy.rank(measure):
        incident = view.transit(incident, Transition.WORSE, f"{measure} → {severity}")
        given_back = incident.given_back + (incident.ack is not None)
        incident = replace(ladder.drop(incident, (Timer.LAPSE, Timer.WARN)), ack=None, given_back=given_back)
        if incident.snooze is not None:
            incident = wake(view, incident)
        return ladder.start(view, mute(view, incident))
    if policy.rank(severity) < policy.rank(before):
        return view.transit(incident, Transition.BETTER, f"{before} → {severity}")
    return incident


def resolve(view: View, incident: Incident, how: Transition, by: str = "") -> Incident:
    """Everything is over, or a person says so: the ladder ends, and whoever was told will hear of it."""
    incident = view.transit(incident, how, f"by {by}" if by else "all its alerts are over")
    ends = [alert.ends_at for alert in view.alerts if alert.ends_at is not None and not alert.firing(view.at)]
    resolved_at = view.at if by else max(ends, default=view.at)
    # A snooze survives: what fires again before its end is silent until then.
    incident = ladder.drop(incident, ladder.STOPPABLE)
    incident = replace(incident, resolved_at=resolved_at, ladder=None, raised="", muted="", silenced="", closed=by)
    incident = replace(incident, exhausted=False, flapping=None, unheard_since=None, upstream={})
    return telling.recall(view, incident)


def mute(view: View, incident: Incident) -> Incident:
    """Stop the ladder when all that fires is held back, and let it go on when that ends."""
    if incident.state not in (State.TRIGGERED, State.ACKNOWLEDGED):
        return incident
    why = view.seen.held or ("" if view.seen.telling or not view.seen.firing else holding.all_held(view))
    if not view.seen.firing and incident.flapping is not None:
        why = steadiness.QUIET
    if why and not incident.muted:
        incident = ladder.pause(view, incident)
        return replace(view.transit(incident, Transition.MUTE, why), muted=why)
    if why != incident.muted and why:
        return replace(incident, muted=why)
    if incident.muted and not why:
        text = "it fires again" if incident.muted == steadiness.QUIET else f"no longer {incident.muted}"
        incident = replace(view.transit(incident, Transition.UNMUTE, text), muted="")
        return ladder.resume(view, incident)
    return incident


def wake(view: View, incident: Incident) -> Incident:
    """A snooze is over: the timers go on with the time that they had left."""
    incident = replace(ladder.drop(incident, (Timer.WAKE,)), snooze=None)
    if incident.state is State.RESOLVED:
        return incident
    return ladder.resume(view, view.transit(incident, Transition.WAKE, "the snooze is over"))


def give_back(view: View, incident: Incident, how: Transition, text: str) -> Incident:
    """An acknowledgement ends: the level at which it was given is told again."""
    level = incident.ack.level if incident.ack else 0
    incident = view.transit(incident, how, text)
    given_back = incident.given_back + 1
    incident = replace(ladder.drop(incident, (Timer.LAPSE, Timer.WARN)), ack=None, given_back=given_back)
    return ladder.from_the_level_of(view, mute(view, incident), level)


def _lapse(view: View, incident: Incident) -> Incident:
    if incident.ack is None:
        return ladder.drop(incident, (Timer.LAPSE,))
    return give_back(view, incident, Transition.LAPSE, f"the acknowledgement by {incident.ack.by} has expired")


def _warn(view: View, incident: Incident) -> Incident:
    incident = ladder.drop(incident, (Timer.WARN,))
    if incident.ack is None or incident.ack.until is None:
        return incident
    view.note(
        incident, f"the acknowledgement by {incident.ack.by} expires at {incident.ack.until:%H:%M} UTC", Reason.LAPSING
    )
    return replace(incident, version=incident.version + 1, latest=Reason.LAPSING)


def _climbs(view: View, incident: Incident) -> bool:
    return incident.state is State.TRIGGERED and bool(view.seen.telling) and not view.seen.held


def prune(view: View, incident: Incident) -> None:
    """Let go of alerts that are over once everybody who was told of them knows."""
    over = [one for one in view.alerts if not one.firing(view.at)]
    if not over:
        return
    needed: set[Fingerprint] = set()
    for to in incident.destinations:
        needed.update(to.told)
        if to.in_flight is not None:
            needed.update(to.in_flight.firing, to.in_flight.resolved)
    # An `if` counts those that began a short while ago, over or not.
    counts = view.at - view.policy.counts_back
    known = [one for one in over if one.fingerprint not in needed and one.starts_at < counts]
    _release(view.draft, incident, known)


def _release(draft: Draft, incident: Incident, alerts: list[Alert]) -> None:
    """Take alerts out of an incident; those that belong to no other are forgotten."""
    for alert in alerts:
        rest = tuple(name for name in alert.incidents if name != incident.id)
        draft.changes.alerts[alert.fingerprint] = replace(alert, incidents=rest) if rest else None


def _forget(view: View, incident: Incident) -> None:
    _release(view.draft, incident, view.alerts)
    view.draft.changes.incidents[incident.id] = None


def _may_be_forgotten(view: View, incident: Incident) -> bool:
    """Tell whether an incident has been over for long enough and owes nobody its end, or has owed it for too long."""
    since = incident.resolved_at or view.at
    if view.seen.firing:
        return False
    if dispatch.owes_the_end(incident):
        if view.at < since + GIVE_UP_AFTER:
            return False
        view.note(incident, "the end could not be told within a day", Reason.GAVE_UP)
        view.draft.changes.count("incidents_given_up")
        return True
    return view.at >= since + view.policy.reopen_within


def _next_look(view: View, incident: Incident) -> datetime:
    tick = view.at + view.route.options.group_interval
    if incident.state is not State.RESOLVED and view.seen.held:
        # What waits for its hours is told when they begin, and not up to a group interval later.
        return view.policy.let_go(view.route, view.at, until=tick) or tick
    if incident.state is not State.RESOLVED or dispatch.owes_the_end(incident):
        calm = steadiness.next_change(view, incident)
        return min(tick, calm) if calm and calm > view.at else tick
    over = (incident.resolved_at or view.at) + view.policy.reopen_within
    return over if over > view.at else tick


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def parked(draft: Draft, incident: Incident, text: str) -> None:
    """Write that an incident could not be decided."""
    line(draft, incident.id, None, text, Reason.PARKED)

"""Whether an incident is steady: it flaps, it calms down, or its source says nothing of it any more."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alertrouter.engine.view import View
from alertrouter.incident import Flapping, Incident, State
from alertrouter.policy.duration import format_duration
from alertrouter.policy.heartbeat import MISSING
from alertrouter.transition import Transition

QUIET: str = "nothing of it fires just now, and it flaps"


def fires(view: View, incident: Incident) -> Incident:
    """Something of an open incident fires: whether it flaps, has calmed down, is reported still."""
    if incident.state not in (State.TRIGGERED, State.ACKNOWLEDGED):
        return incident
    return _reported(view, _flaps(view, incident))


def rests(view: View, incident: Incident) -> bool:
    """Tell whether an incident of which nothing fires is not over yet: it flaps, and has not been quiet for long."""
    rule, since = view.policy.flapping, _quiet_since(view, incident)
    return rule is not None and incident.flapping is not None and view.at < since + rule.stable_for


def quiet(view: View, incident: Incident) -> Incident:
    """Take note of the moment from which nothing of it fires."""
    flapping = incident.flapping
    if flapping is None or flapping.quiet_since is not None:
        return incident
    since = _quiet_since(view, incident)
    return replace(incident, flapping=replace(flapping, changed_at=since, quiet_since=since))


def calm(view: View, incident: Incident) -> Incident:
    """It flaps no longer."""
    rule = view.policy.flapping
    if rule is None or incident.flapping is None:
        return incident
    how = "it fires" if view.seen.firing else "quiet"
    incident = view.transit(incident, Transition.CALM, f"steady for {format_duration(rule.stable_for)}: {how}")
    return replace(incident, flapping=None, flips=())


def next_change(view: View, incident: Incident) -> datetime | None:
    """When it will have calmed down if nothing changes; None when it doesn't flap."""
    rule, flapping = view.policy.flapping, incident.flapping
    return flapping.changed_at + rule.stable_for if rule and flapping else None


def _flaps(view: View, incident: Incident) -> Incident:
    rule, flapping = view.policy.flapping, incident.flapping
    if rule is None:
        return incident
    if flapping is not None and flapping.quiet_since is not None:
        return replace(incident, flapping=replace(flapping, changed_at=view.at, quiet_since=None))
    if flapping is not None:
        over = flapping.changed_at + rule.stable_for <= view.at
        return calm(view, incident) if over else incident
    recent = [moment for moment in incident.flips if moment > view.at - rule.within]
    if len(recent) < rule.flips:
        return incident
    text = (
        f"fired again {len(recent)} times within {format_duration(rule.within)}: no more is told of that, "
        f"and its end when it was quiet for {format_duration(rule.stable_for)}"
    )
    incident = view.transit(incident, Transition.FLAP, text)
    return replace(incident, flapping=Flapping(since=view.at, changed_at=view.at))


def _reported(view: View, incident: Incident) -> Incident:
    """An alert that its source has not repeated for twice the repeat interval is shown as stale, and is not over."""
    firing = [alert for alert in view.alerts if alert.firing(view.at)]
    heard = min([alert.updated_at for alert in firing], default=view.at)
    if heard + 2 * view.route.options.repeat_interval > view.at:
        if incident.unheard_since is None:
            return incident
        view.note(incident, "its source reports it again")
        return replace(incident, unheard_since=None, version=incident.version + 1)
    if incident.unheard_since is not None or all(alert.labels.get("alertname") == MISSING for alert in firing):
        return incident
    text = f"its source has not reported it since {heard:%Y-%m-%d %H:%M} UTC; nobody said that it is over"
    return replace(view.transit(incident, Transition.STALE, text), unheard_since=heard)


def _quiet_since(view: View, incident: Incident) -> datetime:
    if incident.flapping is not None and incident.flapping.quiet_since is not None:
        return incident.flapping.quiet_since
    return max((alert.ends_at for alert in view.alerts if alert.ends_at is not None), default=view.at)

"""What holds an incident's alerts back, inhibition, silences and hours: noted when it begins, changes or ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View
from alertrouter.incident import Incident, Reason, State, Timer


def free(memory: Memory, draft: Draft, over: Iterable[Alert]) -> None:
    """Alerts are over: what waited for this is told, or climbs on, `group_wait` later and not at its next look.

    Not at once: what a node that is back explained is often over a moment after it.
    """
    if not memory.inhibitor.has_rules:
        return
    over = list(over)
    ended = max((alert.ends_at for alert in over if alert.ends_at is not None), default=draft.at)
    for name in memory.inhibitor.freed_by({alert.fingerprint: alert.labels for alert in over}):
        incident = draft.changes.incidents.get(name, memory.state.incidents.get(name))
        if incident is None or incident.state in (State.PENDING, State.RESOLVED):
            continue
        route = memory.policy_of(incident).route(incident.route)
        look = ended + (route.options.group_wait if route else timedelta())
        if incident.timers.get(Timer.LOOK) == look:
            continue  # a restart saw the same end once more
        timers = {**incident.timers, Timer.LOOK: max(look, draft.at)}
        draft.changes.incidents[name] = replace(incident, timers=timers)


def note(view: View, incident: Incident) -> Incident:
    """Note which alerts are held back from now on, and which no longer are."""
    nothing_held = not view.suppressed and not incident.suppressed and not incident.silenced
    if nothing_held and view.seen.held == incident.held:
        return incident
    fresh = [mark for mark in view.suppressed if mark not in incident.suppressed]
    for mark, why in view.suppressed.items():
        # One silence after another, or a longer one: that is news too, however long it was silent already.
        if mark in view.silenced and incident.suppressed.get(mark, why) != why:
            fresh.append(mark)
    for why in sorted({view.suppressed[mark] for mark in fresh}):
        marks = [mark for mark in fresh if view.suppressed[mark] == why]
        reason = Reason.SILENCED if marks[0] in view.silenced else Reason.INHIBITED
        view.note(incident, f"{len(marks)} alert{_s(len(marks))} {why}", reason)
        view.draft.changes.count(f"alerts_suppressed:{reason.value}", len(marks))
    freed = [why for mark, why in incident.suppressed.items() if mark not in view.suppressed]
    for reason in (Reason.SILENCED, Reason.INHIBITED):
        if count := sum(why.startswith(reason.value) for why in freed):
            view.note(incident, f"{count} no longer {reason.value}", reason)
    held = view.seen.held
    if held and held != incident.held:
        view.note(incident, held, Reason.OUTSIDE_HOURS)
        view.draft.changes.count("alerts_suppressed:outside_hours")
    before = incident.suppressed
    return _drawn_anew(view, replace(incident, suppressed=view.suppressed, held=held), before)


def _drawn_anew(view: View, incident: Incident, before: Mapping[Fingerprint, str]) -> Incident:
    """Let the message say who silenced it, or a part of it that it leaves out, and until when."""
    if incident.state is State.RESOLVED:
        return incident
    hidden = hidden_by(view)
    if hidden != incident.silenced:
        latest = Reason.SILENCED if hidden else Reason.REDRAWN
        return replace(incident, silenced=hidden, version=incident.version + 1, latest=latest)
    if not hidden and _silences(before) != _silences(incident.suppressed) and incident.destinations:
        return replace(incident, version=incident.version + 1, latest=Reason.REDRAWN)
    return incident


def hidden_by(view: View) -> str:
    """Which silence hides all that fires, and why; "" when something is told, or is held back by other means alone."""
    if view.seen.telling or not view.silenced:
        return ""
    holders = {one[0].id: one[0] for one in view.silenced.values()}
    first = max(holders.values(), key=lambda one: (one.ends_at, one.id))
    return first.account + (f", and {len(holders) - 1} more" if len(holders) > 1 else "")


def all_held(view: View) -> str:
    """Say what holds all that fires back."""
    if len(view.silenced) == len(view.seen.firing):
        return hidden_by(view)
    return "all its alerts are silenced or inhibited" if view.silenced else "all its alerts are inhibited"


def _silences(suppressed: Mapping[Fingerprint, str]) -> Counter[str]:
    """By which silences alerts are held back, and how many: what a message says of those that it leaves out."""
    return Counter(why for why in suppressed.values() if why.startswith(Reason.SILENCED.value))


def _s(count: int) -> str:
    return "" if count == 1 else "s"

"""A summary's time comes: what waited for it, and is still owed, is told in one message."""

from __future__ import annotations

from msgspec.structs import replace

from alertrouter.engine import bundling, dispatch, telling, undelivered
from alertrouter.engine.bundling import Member
from alertrouter.engine.dispatch import Owed
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View, with_destination
from alertrouter.incident import Reason, State


def come(memory: Memory, draft: Draft, name: str) -> None:
    """Tell of all that waits. One alone that fires gets a message of its own; what was taken meanwhile gets none."""
    summary = memory.state.summaries[name]
    summary = replace(summary, waiting=(), due=None, last_at=draft.at)
    draft.changes.summaries[name] = summary
    members = [member for one in memory.state.summaries[name].waiting if (member := _member(memory, draft, one, name))]
    if not members:
        return
    only = members[0]
    if len(members) == 1 and (only.what.firing or only.what.resolved):
        incident = telling.send(only.view, only.incident, only.to, only.what)
        draft.changes.incidents[incident.id] = undelivered.watch(only.view, incident)
        return
    told = bundling.give_birth(members, summary, members[0].view.policy, draft)
    for member, incident in zip(members, told, strict=True):
        draft.changes.incidents[incident.id] = undelivered.watch(member.view, incident)


def _member(memory: Memory, draft: Draft, name: str, summary: str) -> Member | None:
    """Look at an incident that waits, for what its destination is owed now."""
    incident = memory.state.incidents.get(name)
    if incident is None:
        return None
    destination = memory.state.summaries[summary].destination
    to = next((one for one in incident.destinations if one.id == destination and one.collected), None)
    if to is None:
        return None
    to = replace(to, collected=False)
    incident = with_destination(incident, to)
    draft.changes.incidents[name] = incident
    try:
        view = View(memory, draft, incident)
    except LookupError:  # it can't be decided at all, and its own timers say so
        return None
    integration = view.policy.integration(to.id)
    redraws = integration.channel in telling.REDRAWN
    what = dispatch.owed(view.seen, to, incident, view.route, redraws=redraws, now=draft.at)
    if to.every is not None and incident.state is State.RESOLVED and not to.sequence:
        # A digest tells of what came and went between two of them, too.
        what = Owed(reason=Reason.RESOLVED, firing=(), resolved=())
    if not isinstance(what, Owed) or what.redraw or to.in_flight is not None:
        return None
    if what.reason in (Reason.RESOLVED, Reason.CHANGED) and not integration.options.send_resolved:
        over = frozenset(what.resolved)
        told = replace(to, told=tuple(mark for mark in to.told if mark not in over))
        draft.changes.incidents[name] = with_destination(incident, told)
        return None
    return Member(view, incident, to, what)

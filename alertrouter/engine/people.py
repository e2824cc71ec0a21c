"""What people do to an incident: acknowledge, give back, snooze, escalate, resolve, write a note.

Each asks for one thing and gets one answer. The same key twice changes nothing and gets the answer of what stands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from alertrouter.engine import flush, ladder, telling, undelivered
from alertrouter.engine.changes import Answer
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View
from alertrouter.events import (
    Acknowledged,
    Action,
    Escalated,
    Extended,
    Noted,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from alertrouter.incident import Ack, Incident, Reason, Snooze, State, Timer
from alertrouter.policy.identity import same_person
from alertrouter.transition import UNSEEN, Transition

KEYS_KEPT: Final = 50
WARN_AT: Final = 0.8


class _Refused(Exception):
    """It can't be done now; the text tells the person why."""


def act(memory: Memory, draft: Draft, event: Action) -> None:
    """Do what a person asks for, or say why not."""
    incident = memory.state.incidents.get(event.incident)
    if incident is None:
        _answer(draft, event, None, None, f"there is no incident {event.incident}, or it is long over")
        return
    if event.key in incident.acted:
        _answer(draft, event, incident, None, f"done already: {_stand(incident, event.at)}")
        return
    view = View(memory, draft, incident)
    try:
        changed = _do(view, incident, event)
    except _Refused as refusal:
        if incident.state is State.RESOLVED:
            view.transit(incident, Transition.LATE, f"{event.actor}: {refusal}")
        _answer(draft, event, incident, None, str(refusal))
        return
    changed = replace(changed, acted=(*incident.acted, event.key)[-KEYS_KEPT:])
    changed = undelivered.watch(view, telling.redraw(view, changed))
    draft.changes.incidents[incident.id] = changed
    _answer(draft, event, changed, _named(view), _stand(changed, view.at))


def _do(view: View, incident: Incident, event: Action) -> Incident:
    if isinstance(event, Noted):
        return _note(view, incident, event)
    if incident.state is State.RESOLVED:
        over = incident.resolved_at or view.at
        by = f"by {incident.closed}" if incident.closed else "by its source"
        raise _Refused(f"{incident.id} was resolved {by} at {over:%H:%M} UTC")
    match event:
        case Acknowledged():
            return _acknowledge(view, incident, event)
        case Extended():
            return _extend(view, incident, event)
        case Unacknowledged():
            if incident.ack is None:
                raise _Refused(f"nobody has acknowledged {incident.id}")
            return flush.give_back(view, incident, Transition.UNACK, f"given back by {event.actor}")
        case Snoozed():
            return _snooze(view, incident, event)
        case Escalated():
            return _escalate(view, incident, event)
        case Resolved():
            return _resolve(view, incident, event)
        case _:
            assert_never(event)


def _acknowledge(view: View, incident: Incident, event: Acknowledged) -> Incident:
    if incident.ack is not None:
        return _acknowledge_too(view, incident, incident.ack, event.actor)
    timeout = ladder.ack_timeout(view, incident)
    told = incident.ladder.last_told if incident.ladder else 0
    until = view.at + timeout if timeout else None
    incident = view.transit(
        incident, Transition.ACK, f"by {event.actor}" + (f" until {until:%H:%M} UTC" if until else "")
    )
    view.draft.changes.count("acknowledgement_seconds", int((view.at - incident.opened_at).total_seconds()))
    incident = ladder.drop(incident, (*ladder.CLIMBING, Timer.WAKE))
    ack = Ack(by=event.actor, at=view.at, until=until, level=max(told - 1, 0), severity=incident.severity)
    incident = replace(incident, ack=ack, snooze=None)
    if timeout and until:
        incident = ladder.plan(view, incident, Timer.LAPSE, until)
        incident = ladder.plan(view, incident, Timer.WARN, view.at + timeout * WARN_AT)
    return telling.recall(view, incident)


def _acknowledge_too(view: View, incident: Incident, ack: Ack, actor: str) -> Incident:
    if any(same_person(actor, who) for who in (ack.by, *ack.others)):
        raise _Refused(f"you have acknowledged {incident.id} already, at {ack.at:%H:%M} UTC")
    incident = view.transit(incident, Transition.ACK_TOO, f"{actor} too, after {ack.by}")
    return replace(incident, ack=replace(ack, others=(*ack.others, actor)))


def _extend(view: View, incident: Incident, event: Extended) -> Incident:
    if incident.ack is None:
        raise _Refused(f"nobody has acknowledged {incident.id}")
    if event.until <= view.at:
        raise _Refused("the new time is in the past")
    incident = view.transit(incident, Transition.EXTEND, f"until {event.until:%Y-%m-%d %H:%M} UTC by {event.actor}")
    incident = ladder.plan(view, incident, Timer.LAPSE, event.until)
    incident = ladder.plan(view, incident, Timer.WARN, view.at + (event.until - view.at) * WARN_AT)
    return replace(incident, ack=replace(incident.ack, until=event.until) if incident.ack else None)


def _snooze(view: View, incident: Incident, event: Snoozed) -> Incident:
    if event.until <= view.at:
        raise _Refused("the end of the snooze is in the past")
    incident = ladder.pause(view, incident)
    incident = view.transit(incident, Transition.SNOOZE, f"until {event.until:%Y-%m-%d %H:%M} UTC by {event.actor}")
    incident = replace(incident, snooze=Snooze(by=event.actor, until=event.until))
    return telling.recall(view, ladder.plan(view, incident, Timer.WAKE, event.until))


def _escalate(view: View, incident: Incident, event: Escalated) -> Incident:
    climbed = incident.ladder
    if climbed is None:
        raise _Refused(f"{incident.id} has no escalation policy in force")
    if event.version is not None and event.version < climbed.stepped:
        raise _Refused(f"{incident.id} has been escalated since this message was drawn")
    if not view.seen.firing:
        raise _Refused(f"all alerts of {incident.id} are over: it is about to be resolved")
    view.note(incident, f"escalated now by {event.actor}", Reason.ESCALATED)
    if incident.ack is not None:
        # Who has it asks for help: it is nobody's again, and the next level is told, not the last one once more.
        incident = flush.give_back(view, incident, Transition.UNACK, f"given back by {event.actor}, who wants help")
        incident = replace(incident, ladder=replace(climbed))
    if incident.snooze is not None:
        incident = flush.wake(view, incident)
    return ladder.step_now(view, incident)


def _resolve(view: View, incident: Incident, event: Resolved) -> Incident:
    if view.seen.firing and not event.force:
        count = len(view.seen.firing)
        raise _Refused(f"{count} alert{'' if count == 1 else 's'} of {incident.id} fire still: snooze it, or force it")
    if incident.state is State.PENDING:
        raise _Refused(f"{incident.id} has not been told to anybody yet: silence it at its source, or snooze it")
    how = Transition.CLOSE if view.seen.firing else Transition.RESOLVE
    incident = flush.resolve(view, incident, how, by=event.actor)
    incident = telling.update(view, incident)
    return ladder.plan(view, incident, Timer.LOOK, view.at + view.route.options.group_interval)


def _note(view: View, incident: Incident, event: Noted) -> Incident:
    """A note is a sign of work: the acknowledgement holds for its whole time again, and never for less."""
    view.note(incident, f"{event.actor}: {event.text}")
    timeout = ladder.ack_timeout(view, incident)
    if incident.ack is None or timeout is None:
        return incident
    left = ladder.left(view, incident, Timer.LAPSE)
    if left is None or left >= timeout:
        return incident
    extended = Extended(at=event.at, actor=event.actor, key=event.key, incident=event.incident, until=view.at + timeout)
    return _extend(view, incident, extended)


def _named(view: View) -> Transition | None:
    """The last thing that came of it, as far as people can see it."""
    named = (line.transition for line in reversed(view.draft.changes.timeline))
    return next((one for one in named if one is not None and one not in UNSEEN), None)


def _stand(incident: Incident, at: datetime) -> str:
    """Say in a few words how an incident stands, and how long ago it was taken once that is a minute."""
    if incident.state is State.RESOLVED:
        return f"{incident.id} is resolved"
    taken = f"acknowledged by {incident.ack.by}" if incident.ack else ""
    if incident.snooze is not None:
        quiet = f"snoozed until {incident.snooze.until:%Y-%m-%d %H:%M} UTC by {incident.snooze.by}"
        return f"{incident.id} is {quiet}" + (f", {taken}" if taken else "")
    if incident.ack is not None:
        ago = int((at - incident.ack.at).total_seconds()) // 60
        until = f" until {incident.ack.until:%H:%M} UTC" if incident.ack.until else ""
        return f"{incident.id} is {taken}" + (f" {ago} min ago," if ago >= 1 else "") + until
    return f"{incident.id} is {incident.state.value}"


def _answer(draft: Draft, event: Action, incident: Incident | None, transition: Transition | None, text: str) -> None:
    version = incident.version if incident else 0
    draft.changes.answers[event.key] = Answer(
        incident=event.incident, transition=transition, text=text, version=version
    )

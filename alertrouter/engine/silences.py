"""Silences come and go: set, changed and ended by people, begun, announced, ended and forgotten by time.

What is held back is decided where an incident is looked at; here the incidents that a silence concerns are made to look
at the very moment at which it begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint, Labels
from alertrouter.engine import telling
from alertrouter.engine.changes import Answer
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.silencing import LONG, NOTICE, can_match_nothing, literal, matcher_of
from alertrouter.engine.view import View
from alertrouter.events import SilenceExpired, SilenceSet
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.policy.matcher import Matcher, RegexError
from alertrouter.record import silenced
from alertrouter.silence import Silence, SilenceMatcher, SilenceState, short_id


def put(memory: Memory, draft: Draft, event: SilenceSet) -> None:
    """Set a silence, or change one: in place where that is the same silence still, else a new one takes its place."""
    starts_at = event.starts_at
    old = memory.state.silences.get(event.silence) if event.silence else None
    if event.silence and old is None:
        _answer(draft, event.key, f"there is no silence {event.silence}", unknown=True)
        return
    if fault := fault_of(event, draft.at):
        _answer(draft, event.key, fault)
        return
    if old is not None and may_change(old, event, draft.at):
        name, starts_at = old.id, old.starts_at if old.starts_at <= draft.at else starts_at
    else:
        name = id_of(event.key)
        if name in memory.state.silences:
            _answer(draft, event.key, f"set already: {short_id(name)}", silence=name)
            return
        if old is not None:
            _end(memory, draft, old, event.created_by)
        starts_at = max(starts_at, draft.at)
    silence = Silence(
        id=name,
        matchers=event.matchers,
        starts_at=starts_at,
        ends_at=event.ends_at,
        created_by=event.created_by,
        comment=event.comment,
        updated_at=draft.at,
        with_alerts=event.with_alerts,
        noticed=event.ends_at - max(starts_at, draft.at) < LONG,
        state=SilenceState.ACTIVE if starts_at <= draft.at else SilenceState.PENDING,
        maintenance=old.maintenance if old is not None and name == old.id else "",
        window_until=old.window_until if old is not None and name == old.id else None,
    )
    keep(memory, draft, silence, look=silence.state is SilenceState.ACTIVE)
    draft.changes.silenced.append(silenced(silence, draft.at, event.created_by))
    draft.changes.count("silences_set")
    _answer(draft, event.key, f"{silence.short} until {silence.ends_at:%Y-%m-%d %H:%M} UTC", silence=name)


def expire(memory: Memory, draft: Draft, event: SilenceExpired) -> None:
    """End a silence now; one that is over stays as it is."""
    silence = memory.state.silences.get(event.silence)
    if silence is None:
        _answer(draft, event.key, f"there is no silence {event.silence}", unknown=True)
        return
    _end(memory, draft, silence, event.actor)
    _answer(draft, event.key, f"{silence.short} is over", silence=silence.id)


def come(memory: Memory, draft: Draft, name: str) -> None:
    """The moment of a silence has come: it begins, is about to end, ends, or is forgotten."""
    silence = memory.state.silences[name]
    idle = silence.idle_since
    if silence.state is SilenceState.EXPIRED:
        draft.changes.silences[name] = None
    elif silence.ends_at <= draft.at:
        keep(memory, draft, replace(silence, state=SilenceState.EXPIRED), look=True)
        draft.changes.count("silences_expired")
    elif silence.state is SilenceState.PENDING:
        keep(memory, draft, replace(silence, state=SilenceState.ACTIVE), look=True)
    elif idle is not None and idle + memory.reopen_within <= draft.at:
        if any(alert.firing(draft.at) for alert in _alerts(memory, silence)):
            keep(memory, draft, replace(silence, idle_since=None))
        else:
            _end(memory, draft, silence, "")
    elif not silence.noticed and silence.ends_at - NOTICE <= draft.at:
        _announce(memory, draft, silence)
        keep(memory, draft, replace(silence, noticed=True))
    else:
        keep(memory, draft, silence)


def over(memory: Memory, draft: Draft, alerts: Iterable[Alert]) -> None:
    """Alerts are over: those of their silences that go with their alerts begin to wait for the last one."""
    for alert in alerts:
        for silence in memory.silencer.holding(alert.fingerprint, alert.labels, draft.at):
            if silence.with_alerts:
                draft.changes.silences[silence.id] = replace(silence, idle_since=draft.at)


def may_change(old: Silence, event: SilenceSet, now: datetime) -> bool:
    """Tell whether a silence can be changed in place: not its matchers, nor what has happened already.

    Source: https://github.com/prometheus/alertmanager/blob/main/silence/silence.go, canUpdate.
    """
    if set(old.matchers) != set(event.matchers):
        return False
    match old.state_at(now):
        case SilenceState.PENDING:
            return event.starts_at >= now
        case SilenceState.ACTIVE:
            same_start = int(event.starts_at.timestamp()) == int(old.starts_at.timestamp())
            return same_start and event.ends_at >= now
        case SilenceState.EXPIRED:
            return False


def fault_of(event: SilenceSet, now: datetime) -> str:
    """Why there can be no such silence; "" when there can. The words are Alertmanager's, which programs look for."""
    try:
        if not event.matchers or can_match_nothing(event.matchers):
            return "invalid silence: at least one matcher must not match the empty string"
    except RegexError as error:
        return f"invalid silence: invalid regular expression: {error}"
    if event.ends_at <= event.starts_at:
        return "start time must be before end time"
    if event.ends_at <= now:
        return "end time can't be in the past"
    return ""


def id_of(key: str) -> str:
    """The id of the silence that an event sets: it follows from the event's key, in the form of a UUID."""
    return str(UUID(bytes=sha256(key.encode()).digest()[:16], version=5))


def end(memory: Memory, draft: Draft, silence: Silence) -> None:
    """End a silence now."""
    if silence.state is SilenceState.EXPIRED:
        return
    starts_at = min(silence.starts_at, draft.at)
    over = replace(
        silence, starts_at=starts_at, ends_at=draft.at, updated_at=draft.at, state=SilenceState.EXPIRED, noticed=True
    )
    keep(memory, draft, over, look=silence.state is SilenceState.ACTIVE)
    draft.changes.count("silences_expired")


def _end(memory: Memory, draft: Draft, silence: Silence, by: str) -> None:
    """End a silence now that lasted still, and record who did it."""
    if silence.state is SilenceState.EXPIRED:
        return
    end(memory, draft, silence)
    record = silenced(silence, draft.at, by)
    draft.changes.silenced.append(replace(record, starts_at=min(silence.starts_at, draft.at), ends_at=draft.at))


def keep(memory: Memory, draft: Draft, silence: Silence, *, look: bool = False) -> None:
    """Keep a silence as it is now; with `look`, the incidents that it concerns look at once."""
    draft.changes.silences[silence.id] = silence
    if look:
        for incident in _incidents(memory, silence.matchers):
            newest = draft.changes.incidents.get(incident.id) or incident
            draft.changes.incidents[incident.id] = replace(newest, timers={**newest.timers, Timer.LOOK: draft.at})


def _announce(memory: Memory, draft: Draft, silence: Silence) -> None:
    """Tell people that a silence is about to end, where it hides something that nobody has taken."""
    for incident in _incidents(memory, silence.matchers):
        if incident.state is not State.TRIGGERED or incident.snooze is not None:
            continue
        try:
            view = View(memory, draft, incident)
        except LookupError:  # it can't be decided at all, and its own timers say so
            continue
        hidden = sum(holders[0].id == silence.id for holders in view.silenced.values())
        if hidden:
            fire = "1 alert that fires" if hidden == 1 else f"{hidden} alerts that fire"
            text = f"{silence.short} ends at {silence.ends_at:%H:%M} UTC and hides {fire}"
            view.note(incident, text, Reason.UNSILENCING)
            draft.changes.incidents[incident.id] = telling.forewarn(view, incident, silence)


def _incidents(memory: Memory, wanted: Sequence[SilenceMatcher]) -> list[Incident]:
    """The open incidents of which an alert meets these conditions, oldest first."""
    matchers = tuple(map(matcher_of, wanted))
    marks = _candidates(memory, wanted)
    if marks is None:
        concerned = [
            one for one in memory.state.incidents.values() if _is_open(one) and _has_one(memory, one, matchers)
        ]
    else:
        alerts = (memory.state.alerts[mark] for mark in marks)
        names = {name for alert in alerts if _meets(alert.labels, matchers) for name in alert.incidents}
        found = (memory.state.incidents.get(name) for name in names)
        concerned = [one for one in found if one and _is_open(one)]
    return sorted(concerned, key=lambda one: one.number)


def _is_open(incident: Incident) -> bool:
    return incident.state in (State.TRIGGERED, State.ACKNOWLEDGED)


def _candidates(memory: Memory, wanted: Iterable[SilenceMatcher]) -> Set[Fingerprint] | None:
    """Few alerts, of which all are that meet these conditions; None: no index knows of fewer than all."""
    found: Set[Fingerprint] | None = None
    for one in wanted:
        if pairs := literal(one):
            marks = memory.by_label.having(one.name, [value for _, value in pairs])
            if marks is not None and (found is None or len(marks) < len(found)):
                found = marks
    return found


def _has_one(memory: Memory, incident: Incident, matchers: tuple[Matcher, ...]) -> bool:
    """Tell whether an alert of an incident meets conditions. The labels of its group spare a look at its alerts."""
    group = incident.group_labels
    shared = [matcher for matcher in matchers if matcher.name in group]
    if not all(matcher.matches(group) for matcher in shared):
        return False
    alerts = (memory.state.alerts[name].labels for name in memory.members.get(incident.id, ()))
    return any(_meets(labels, matchers) for labels in alerts)


def _alerts(memory: Memory, silence: Silence) -> Iterable[Alert]:
    """The alerts that meet a silence."""
    matchers = tuple(map(matcher_of, silence.matchers))
    marks = _candidates(memory, silence.matchers)
    alerts = memory.state.alerts.values() if marks is None else (memory.state.alerts[mark] for mark in marks)
    return (alert for alert in alerts if _meets(alert.labels, matchers))


def _meets(labels: Labels, matchers: tuple[Matcher, ...]) -> bool:
    return all(one.matches(labels) for one in matchers)


def _answer(draft: Draft, key: str, text: str, *, silence: str = "", unknown: bool = False) -> None:
    draft.changes.answers[key] = Answer(incident="", transition=None, text=text, silence=silence, unknown=unknown)

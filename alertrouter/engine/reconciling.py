"""What a source lists and its webhooks did not tell: it begins or ends here, unless it has spoken meanwhile.

Whether a look at the source is to be trusted was decided by who looked (`reconcile.compare`). Here the newest state
has the last word: an alert that was reported after it was first missed is left as that report says.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from alertrouter.alert import Alert
from alertrouter.engine import intake, telling
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.view import View, line
from alertrouter.events import AlertsReceived, Gone, Missed, SourceReconciled
from alertrouter.incident import Reason, State


def reconcile(memory: Memory, draft: Draft, event: SourceReconciled) -> None:
    """Let begin what fires at the source and is not known, and end what is known and fires there no more."""
    began = _begin(memory, draft, event)
    ended = _end(memory, draft, event.gone)
    _hold(memory, draft, event)
    _hear(memory, draft, event)
    _tell(draft, began, f"fires in Alertmanager ({event.source}), whose webhook did not come: {event.looks} polls")
    _tell(draft, ended, f"not in Alertmanager ({event.source}) any more: {event.looks} polls")
    for name, alerts in (("opened", began), ("resolved", ended)):
        if alerts:
            draft.changes.count(f"reconcile_healed:{name}", len(alerts))


def _begin(memory: Memory, draft: Draft, event: SourceReconciled) -> list[Alert]:
    reports = tuple(one.report for one in event.missed if _still_missed(memory, draft, one))
    if not reports:
        return []
    received = AlertsReceived(at=event.at, actor=event.actor, key=event.key, alerts=reports)
    intake.receive(memory, draft, received)
    begun = (draft.changes.alerts[mark] for mark in draft.changes.begun)
    return [alert for alert in begun if alert is not None]


def _still_missed(memory: Memory, draft: Draft, one: Missed) -> bool:
    mark = memory.mark_of(one.report)
    if memory.beats_of(mark, one.report):
        return False  # a beat shows that the whole way works, and this is not the way
    known = memory.state.alerts.get(mark)
    return known is None or (not known.firing(draft.at) and known.updated_at <= one.since)


def _end(memory: Memory, draft: Draft, gone: Iterable[Gone]) -> list[Alert]:
    ended = []
    for one in gone:
        known = draft.changes.alerts.get(one.alert) or memory.state.alerts.get(one.alert)
        # One with an end of its own is repeated by its sender until then: it needs no help.
        if known is None or known.ends_at is not None or known.updated_at > one.since:
            continue
        draft.changes.alerts[one.alert] = replace(known, ends_at=draft.at, updated_at=draft.at)
        ended.append(known)
    return ended


def _hold(memory: Memory, draft: Draft, event: SourceReconciled) -> None:
    """Show which alerts of an incident their source holds back: its silences are not ours, but who reads must know."""
    whys = {one.alert: one.why for one in event.held}
    if not whys:
        return
    # By their numbers: a state that comes from the store has them in no order, and what is owed must not follow that.
    for incident in sorted(memory.state.incidents.values(), key=lambda one: one.number):
        if incident.state is State.RESOLVED:
            continue
        members = memory.members.get(incident.id, set())
        now = {mark: whys[mark] for mark in sorted(whys.keys() & members)}
        known = {**incident.upstream, **now}
        upstream = {mark: why for mark, why in known.items() if why and mark in members}
        if upstream == incident.upstream:
            continue
        fresh = Counter(why for mark, why in upstream.items() if incident.upstream.get(mark) != why)
        for why, count in sorted(fresh.items()):
            line(draft, incident.id, None, f"{_alerts(count)} {why}: that silences nobody here", Reason.RECONCILED)
        if freed := len(incident.upstream.keys() - upstream.keys()):
            text = f"{_alerts(freed)} no longer held back in Alertmanager ({event.source})"
            line(draft, incident.id, None, text, Reason.RECONCILED)
        changed = replace(incident, upstream=upstream, version=incident.version + 1, latest=Reason.REDRAWN)
        with contextlib.suppress(LookupError):  # its policy has lost its route: there is no message to draw
            changed = telling.redraw(View(memory, draft, incident), changed)
        draft.changes.incidents[incident.id] = changed


def _hear(memory: Memory, draft: Draft, event: SourceReconciled) -> None:
    """Take it that a source lists an alert for a repeat of it: persisted in bulk, and older than any later report."""
    for mark in event.heard:
        known = memory.state.alerts.get(mark)
        if known is None or mark in draft.changes.alerts:
            continue
        if known.ends_at is None and known.firing(draft.at) and known.updated_at < event.at:
            draft.touched[mark] = replace(known, updated_at=event.at)


def _alerts(count: int) -> str:
    return f"{count} alert{'' if count == 1 else 's'}"


def _tell(draft: Draft, alerts: Iterable[Alert], why: str) -> None:
    counts = Counter(incident for alert in alerts for incident in alert.incidents)
    for incident, count in counts.items():
        line(draft, incident, None, f"{_alerts(count)} {why}", Reason.RECONCILED)

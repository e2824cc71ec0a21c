"""Reports in: each is a repeat, a beginning or an end; beginnings join the incidents of their routes."""

from __future__ import annotations

from datetime import datetime
from sys import intern

from msgspec.structs import replace

from alertrouter.alert import NOTHING, Alert, AlertReport, Fingerprint, Labels
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.events import AlertsReceived
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.policy.route import Match
from alertrouter.transition import TimelineLine, Transition


def receive(memory: Memory, draft: Draft, event: AlertsReceived) -> None:
    """Take in what a sender reported."""
    repeats = 0
    firing = 0
    joined: dict[str, int] = {}
    known, changed, at, expects_beats = memory.state.alerts, draft.changes.alerts, draft.at, memory.expects_beats
    for report in event.alerts:
        mark = memory.mark_of(report)
        old = changed.get(mark) or known.get(mark)
        ends_at = report.ends_at
        if ends_at is not None and ends_at <= at:
            repeats += not _end(draft, old, report)
            continue
        firing += 1
        if expects_beats and (beats := memory.beats_of(mark, report)):
            _beat(draft, beats, old)
        elif old is not None and old.firing(at):
            repeats += _again(draft, old, report)
        else:
            _begin(memory, draft, mark, old, report, event.key, joined)
    for name, by in (("firing", firing), ("resolved", len(event.alerts) - firing)):
        if by:
            draft.changes.count(f"alerts_received:{name}", by)
    if repeats:
        draft.changes.count("alerts_deduplicated", repeats)
    for incident, by in joined.items():
        _line(draft, incident, Transition.JOIN, f"{by} more alert{'s' if by > 1 else ''}")


def _beat(draft: Draft, beats: tuple[str, ...], old: Alert | None) -> None:
    """Take a report that is a beat: it is told to nobody; one that was, before the heartbeat was expected, is over."""
    draft.heard += beats
    if old is not None and old.firing(draft.at):
        draft.changes.alerts[old.fingerprint] = replace(old, ends_at=draft.at, updated_at=draft.at)


def _again(draft: Draft, old: Alert, report: AlertReport) -> bool:
    """Take a report of an alert that fires already; tell whether it said nothing new.

    Alertmanager's rule of merging: the earliest start, the latest annotations, the latest end that somebody gave.
    """
    ends_at = report.ends_at
    if ends_at is not None and old.ends_at is not None and old.ends_at > ends_at and not old.timeout:
        ends_at = old.ends_at
    if ends_at == draft.end:
        ends_at = draft.end
    draft.end = ends_at
    annotations = bytes(report.annotations)
    same = annotations == old.packed_annotations and report.starts_at >= old.starts_at
    newer = Alert(
        fingerprint=old.fingerprint,
        packed_labels=old.packed_labels,
        packed_annotations=old.packed_annotations if same else annotations,
        starts_at=old.starts_at if same else min(old.starts_at, report.starts_at),
        ends_at=ends_at,
        updated_at=draft.at,
        generator_url=intern(report.generator_url),
        incidents=old.incidents,
        timeout=report.timeout,
    )
    if same and old.fingerprint not in draft.changes.alerts:
        draft.touched[old.fingerprint] = newer
        return True
    draft.changes.alerts[old.fingerprint] = newer
    draft.touched.pop(old.fingerprint, None)
    return same


def _end(draft: Draft, old: Alert | None, report: AlertReport) -> bool:
    """Take the end of an alert; tell whether that was news.

    Of two ends of the same round the later one counts, and the newer annotations, as in Alertmanager.
    """
    end = report.ends_at
    if old is None or end is None or end <= old.starts_at:
        return False  # of an alert that nobody knows, or of an earlier round and told late
    fired = old.firing(draft.at)
    if not fired and old.ends_at is not None:
        if report.starts_at >= old.ends_at:
            return False  # of a round that was never told
        end = max(end, old.ends_at)
    annotations = bytes(report.annotations)
    ended = replace(
        old,
        starts_at=min(old.starts_at, report.starts_at),
        ends_at=end,
        packed_annotations=old.packed_annotations if annotations == NOTHING else annotations,
        timeout=False,
    )
    if ended == old:
        return False  # it is sent again for a while, by Prometheus for 15 minutes
    draft.changes.alerts[old.fingerprint] = replace(ended, updated_at=draft.at)
    draft.touched.pop(old.fingerprint, None)
    return fired


def _begin(
    memory: Memory,
    draft: Draft,
    mark: Fingerprint,
    old: Alert | None,
    report: AlertReport,
    cause: str,
    joined: dict[str, int],
) -> None:
    """Let an alert that did not fire begin to fire, and join the incident of each route that it takes."""
    if report.starts_at != draft.start:
        draft.start = report.starts_at
    if report.ends_at != draft.end:
        draft.end = report.ends_at
    joins = _join(memory, draft, old.incidents if old else (), report, cause, joined)
    if joins != draft.incidents:
        draft.incidents = joins
    draft.changes.begun.append(mark)
    draft.changes.alerts[mark] = Alert(
        fingerprint=mark,
        packed_labels=bytes(report.labels),
        packed_annotations=bytes(report.annotations),
        starts_at=draft.start,
        ends_at=draft.end,
        updated_at=draft.at,
        generator_url=intern(report.generator_url),
        incidents=draft.incidents,
        timeout=report.timeout,
    )
    draft.touched.pop(mark, None)


def _join(
    memory: Memory,
    draft: Draft,
    before: tuple[str, ...],
    report: AlertReport,
    cause: str,
    joined: dict[str, int],
) -> tuple[str, ...]:
    """Join the incident of each route that it takes, opened if need be; gives all that it belongs to now."""
    incidents = list(before)
    labels = report.label_set()
    for match in memory.policy.routes(labels):
        incident = _find(memory, draft, match)
        if incident is None:
            incident = _open(memory, draft, labels, match, report, cause)
        elif incident.state is State.RESOLVED:
            _reopen(memory, draft, incident, match, report, cause)
        else:
            if incident.id not in incidents:
                draft.changes.count("transitions:JOIN")
                if incident.state is not State.PENDING:
                    joined[incident.id] = joined.get(incident.id, 0) + 1
            _hurry(memory, draft, incident, labels)
        if incident.id not in incidents:
            incidents.append(incident.id)
    return tuple(incidents)


def _find(memory: Memory, draft: Draft, match: Match) -> Incident | None:
    group = (match.route.id, match.group_key)
    name = draft.groups.get(group) or memory.groups.get(group)
    if name is None:
        return None
    return draft.changes.incidents.get(name) or memory.state.incidents[name]


def _open(memory: Memory, draft: Draft, labels: Labels, match: Match, report: AlertReport, cause: str) -> Incident:
    policy = memory.policy
    severity = policy.severity(labels)
    draft.last_number += 1
    incident = Incident(
        id=f"INC-{draft.last_number}",
        number=draft.last_number,
        route=match.route.id,
        group_key=match.group_key,
        group_labels=dict(match.group_labels),
        revision=policy.revision,
        state=State.PENDING,
        severity=severity,
        peak=severity,
        opened_at=draft.at,
        timers={Timer.LOOK: _first_look(draft.at, report, match)},
        cause=cause,
    )
    draft.changes.incidents[incident.id] = incident
    draft.groups[match.route.id, match.group_key] = incident.id
    _line(draft, incident.id, Transition.NEW, f"{labels.get('alertname', 'an alert')} ({severity})")
    draft.changes.count("transitions:NEW")
    return incident


def _reopen(memory: Memory, draft: Draft, incident: Incident, match: Match, report: AlertReport, cause: str) -> None:
    """Open a resolved incident again: same incident, same message; a snooze survives."""
    rule = memory.policy_of(incident).flapping
    flips = (*incident.flips, draft.at)[-rule.flips :] if rule else ()
    timers = {timer: due for timer, due in incident.timers.items() if timer is Timer.WAKE}
    draft.changes.incidents[incident.id] = replace(
        incident,
        state=State.TRIGGERED,
        version=incident.version + 1,
        latest=Reason.REOPENED,
        round=incident.round + 1,
        resolved_at=None,
        closed="",
        ack=None,
        flips=flips,
        timers={**timers, Timer.LOOK: _first_look(draft.at, report, match)},
        cause=cause,
    )
    _line(draft, incident.id, Transition.REOPEN, f"fires again, {incident.round + 1} times in all")
    draft.changes.count("transitions:REOPEN")


def _hurry(memory: Memory, draft: Draft, incident: Incident, labels: Labels) -> None:
    """What was taken, or climbs a ladder, doesn't wait for the group interval when something more severe joins it.

    Nor does what flaps, was quiet and fires again: its ladder goes on.
    """
    known_for, flapping = incident.withstands, incident.flapping
    if known_for is None and flapping is None:
        return
    policy = memory.policy_of(incident)
    worse = known_for is not None and policy.rank(policy.severity(labels)) > policy.rank(known_for)
    if worse or (flapping is not None and flapping.quiet_since is not None):
        draft.changes.incidents[incident.id] = replace(incident, timers={**incident.timers, Timer.LOOK: draft.at})


def _first_look(now: datetime, report: AlertReport, match: Match) -> datetime:
    """When `group_wait` is over: counted from the alert's start, so that what waited elsewhere doesn't wait twice."""
    return max(now, report.starts_at + match.route.options.group_wait)


def _line(draft: Draft, incident: str, transition: Transition, text: str, reason: Reason | None = None) -> None:
    draft.changes.timeline.append(
        TimelineLine(incident=incident, at=draft.at, transition=transition, reason=reason, text=text)
    )

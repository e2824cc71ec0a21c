"""Bundling: many incidents in one message, when a storm would flood a destination, or a level asks for a digest.

An incident that waits for a summary climbs on by itself: what waits is only its message to this one destination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.delivery import Delivery
from alertrouter.engine.dispatch import Owed
from alertrouter.engine.draft import Draft
from alertrouter.engine.view import View, with_destination
from alertrouter.incident import Destination, Incident, InFlight, Reason, State
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel
from alertrouter.summary import Entry, Summary, summary_id

PEOPLE: Final = frozenset({Channel.SLACK, Channel.EMAIL, Channel.INBOX})
"""Where a person reads. PagerDuty bundles calls by itself, and its alerts are taken one by one; so do programs."""

COLLECT: Final = timedelta(seconds=10)
"""How long a storm is collected before its first summary leaves."""

_ENDS: Final = frozenset({Reason.RESOLVED, Reason.CHANGED})


def takes(view: View, to: Destination, what: Owed) -> bool:
    """Tell whether a message waits for a summary: in a storm, for a digest, or as the end of what a summary told."""
    if view.policy.integration(to.id).channel not in PEOPLE or what.redraw:
        return False
    if to.every is not None or (to.bundled and what.reason in (*_ENDS, Reason.JOINED)):
        return True
    storm = view.policy.storm
    if storm is None or what.reason in _ENDS:
        return False
    known = view.summary_of(to.id)
    recent = [moment for moment in known.recent if moment > view.at - storm.within] if known else []
    return len(recent) >= storm.incidents


def note_one(view: View, to: Destination) -> None:
    """Remember that a destination was told something by itself, as far as storms are looked for."""
    storm = view.policy.storm
    if storm is not None and view.policy.integration(to.id).channel in PEOPLE:
        summary = _summary(view, to.id)
        recent = [moment for moment in summary.recent if moment > view.at - storm.within]
        _keep(view.draft, replace(summary, recent=(*recent, view.at)[-storm.incidents :]))


def collect(view: View, incident: Incident, to: Destination, reason: Reason) -> Incident:
    """Let a message wait for the next summary to its destination."""
    summary, storm = _summary(view, to.id), view.policy.storm
    due = view.at + (to.every or COLLECT)
    if to.every is None and storm is not None and summary.last_at is not None:
        due = max(due, summary.last_at + storm.within)
    due = min(due, summary.due) if summary.due else due
    waiting = tuple(dict.fromkeys((*summary.waiting, incident.id)))
    _keep(view.draft, replace(summary, waiting=waiting, due=due))
    view.note(incident, f"to {to.id} in a summary, {due:%Y-%m-%d %H:%M:%S} UTC: {reason.value}", Reason.COLLECTED)
    return with_destination(incident, replace(to, collected=True))


@dataclass(frozen=True, slots=True)
class Member:
    """An incident that a summary tells of, what it says of it, and the look at it that this came from."""

    view: View
    incident: Incident
    to: Destination
    what: Owed


def give_birth(members: Sequence[Member], summary: Summary, policy: Policy, draft: Draft) -> list[Incident]:
    """Make the one message of many incidents; each then knows that it is on its way."""
    name = f"{summary.id}.{int(draft.at.timestamp() * 1000)}"
    told: list[Incident] = []
    for member in members:
        flight = InFlight(
            delivery=name,
            firing=member.what.firing,
            resolved=member.what.resolved,
            version=member.incident.version,
            page=member.what.reason not in _ENDS,
            since=draft.at,
            shared=True,
        )
        to = replace(member.to, sequence=member.to.sequence + 1, in_flight=flight, stale=False, paged=False)
        told.append(with_destination(member.incident, replace(to, bundled=True)))
        member.view.note(member.incident, f"{name} to {to.id}", member.what.reason)
    draft.changes.deliveries.append(_delivery(name, members, summary, policy, draft.at))
    draft.changes.count(f"deliveries_born:{draft.changes.deliveries[-1].channel}")
    flights = {**summary.flights, name: tuple(one.incident.id for one in members)}
    _keep(draft, replace(summary, flights=flights))
    return told


def settled(draft: Draft, summary: Summary, delivery: str) -> None:
    """Forget a summary that is no longer on its way."""
    known = draft.changes.summaries.get(summary.id) or summary
    _keep(draft, replace(known, flights={name: who for name, who in known.flights.items() if name != delivery}))


def _delivery(name: str, members: Sequence[Member], summary: Summary, policy: Policy, at: datetime) -> Delivery:
    integration = policy.integration(summary.destination)
    severity = max((one.incident.severity for one in members), key=policy.rank)
    entries = tuple(_entry(one, at) for one in members)
    over = all(one.what.reason in _ENDS for one in members)
    count = len(members)
    return Delivery(
        id=name,
        incident=summary.id,
        destination=summary.destination,
        receiver=integration.receiver,
        channel=integration.channel,
        revision=summary.revision,
        reason=Reason.RESOLVED if over else Reason.OPENED,
        state=State.RESOLVED if over else State.TRIGGERED,
        severity=severity,
        rank=policy.rank(severity),
        group_key=summary.id,
        group_labels={"alertname": f"{count} incident{'' if count == 1 else 's'}"},
        firing=(),
        resolved=(),
        sequence=1,
        opened_at=min(one.incident.opened_at for one in members),
        born_at=at,
        received_at=min(one.incident.opened_at for one in members),
        cause=members[0].incident.cause,
        entries=entries,
    )


def _entry(member: Member, at: datetime) -> Entry:
    incident = member.incident
    labels = {**incident.group_labels, "severity": incident.severity, "incident": incident.id}
    count = len(member.what.firing)
    fires = bool(count)
    over = incident.resolved_at or at
    if count > 1:
        labels["alerts"] = str(count)
    return Entry(
        incident=incident.id,
        labels=labels,
        fires=fires,
        since=incident.opened_at,
        ended_at=None if fires else over,
    )


def _summary(view: View, destination: str) -> Summary:
    known = view.summary_of(destination)
    if known is not None:
        return known
    return Summary(
        id=summary_id(destination, view.policy.revision), destination=destination, revision=view.policy.revision
    )


def _keep(draft: Draft, summary: Summary) -> None:
    draft.changes.summaries[summary.id] = summary

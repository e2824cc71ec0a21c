"""How an incident stands, in the words of its page: who has it, how far it has climbed, what holds it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from alertrouter.incident import Incident, State, Timer


@dataclass(frozen=True, slots=True)
class Fact:
    """One row: its name, its words, and the moment that they lead to."""

    name: str
    text: str
    moment: datetime | None = None


def taken_by(incident: Incident) -> str:
    """Say in few words who has it, or who wants quiet, or how far it has climbed without; "" when it is fresh."""
    if incident.ack:
        return f"taken by {incident.ack.by}"
    if incident.snooze:
        return f"snoozed by {incident.snooze.by}"
    if incident.silenced:  # stands still, and is told in words of its own
        return ""
    climbed = incident.ladder.level if incident.ladder and incident.state is State.TRIGGERED else 0
    return f"nobody's yet, level {climbed} was told" if climbed > 1 else ""


def standing(incident: Incident) -> Iterator[Fact]:
    """Tell how it stands; a row that says nothing is left out."""
    ack, snooze = incident.ack, incident.snooze
    if incident.state is State.RESOLVED:
        yield Fact("Over", f"called so by {incident.closed or 'its source'} at", incident.resolved_at)
    if ack:
        others = f", also {', '.join(ack.others)}" if ack.others else ""
        yield Fact("Taken by", f"{ack.by}{others}" + (" until" if ack.until else ", for good"), ack.until)
    if snooze:
        yield Fact("Snoozed", f"by {snooze.by} until", snooze.until)
    yield from _escalation(incident)
    if incident.raised:
        yield Fact("Raised", f"to {incident.raised}: nobody took it in time")
    if incident.silenced:
        yield Fact("Silenced", incident.silenced.removeprefix("silenced "))
    if incident.muted and incident.muted != incident.silenced:
        yield Fact("Stands still", incident.muted)
    yield from (Fact("Beware", remark) for remark in incident.remarks)
    if incident.held:
        yield Fact("Messages held", incident.held)
    for why, count in Counter(incident.suppressed.values()).items():
        if why != incident.silenced:
            yield Fact("Held back", f"{count} alert{'' if count == 1 else 's'} {why}")


def _escalation(incident: Incident) -> Iterator[Fact]:
    ladder = incident.ladder
    if ladder is None or incident.state is State.RESOLVED:
        return
    level = f"level {ladder.level}" if ladder.level else "no level told yet"
    told = f"{ladder.policy}, {level}" + (f", begun again {ladder.loops} times" if ladder.loops else "")
    following = incident.timers.get(Timer.STEP)
    if incident.exhausted:
        yield Fact("Escalation", f"{told}: no level is left to tell")
    elif following:
        yield Fact("Escalation", f"{told}, the next at", following)
    else:
        yield Fact("Escalation", told)

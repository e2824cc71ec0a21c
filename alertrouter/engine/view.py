"""One incident in one step: what is known about it now, and the draft that decisions are written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine import dispatch
from alertrouter.engine.dispatch import Picture
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.incident import Destination, Incident, Reason
from alertrouter.silence import Silence
from alertrouter.summary import Summary, summary_id
from alertrouter.transition import LATEST, TRANSITIONS, UNSEEN, TimelineLine, Transition


class View:
    """What a decision about an incident may look at: its policy, its route, its alerts as they are now.

    What a step doesn't ask for is not found out: most deliveries settle without a question about inhibition.
    """

    __slots__ = ("_alerts", "_holding", "_incident", "_memory", "_seen", "draft", "policy", "route")

    def __init__(self, memory: Memory, draft: Draft, incident: Incident) -> None:
        """Look at an incident. Raises `LookupError` when its policy has no such route."""
        self.draft: Final = draft
        self.policy: Final = memory.policy_of(incident)
        route = self.policy.route(incident.route)
        if route is None:
            raise LookupError(f"policy {incident.revision} has no route {incident.route}")
        self.route: Final = route
        self._memory = memory
        self._incident = incident.id
        self._alerts: list[Alert] | None = None
        self._seen: Picture | None = None
        self._holding: _Holding | None = None

    @property
    def alerts(self) -> list[Alert]:
        """Its alerts, oldest first."""
        if self._alerts is None:
            self._alerts = self._memory.alerts_of(self._incident)
        return self._alerts

    @property
    def seen(self) -> Picture:
        """Its alerts as far as messages are concerned."""
        if self._seen is None:
            held = self.policy.held_by(self.route, self.at)
            self._seen = dispatch.picture(self.alerts, self.suppressed, held=held, now=self.at)
        return self._seen

    @property
    def suppressed(self) -> dict[Fingerprint, str]:
        """Why each firing alert that is held back is so."""
        return self._held_back().suppressed

    @property
    def silenced(self) -> dict[Fingerprint, tuple[Silence, ...]]:
        """By which silences firing alerts are held back, the longest first."""
        return self._held_back().silenced

    def _held_back(self) -> _Holding:
        if self._holding is None:
            self._holding = _holding(self._memory, self.alerts, self.at)
        return self._holding

    @property
    def summaries(self) -> Mapping[str, Summary]:
        """What destinations wait to be told of together, before this step."""
        return self._memory.state.summaries

    @property
    def at(self) -> datetime:
        """The moment of the step."""
        return self.draft.at

    def summary_of(self, destination: str) -> Summary | None:
        """What a destination waits to be told of together, as far as this step has come."""
        name = summary_id(destination, self.policy.revision)
        return self.draft.changes.summaries.get(name) or self.summaries.get(name)

    def alerts_begun(self, within: timedelta | None) -> int:
        """How many alerts nothing holds back: that fire now, or, firing or over, that began `within` so long."""
        if within is None:
            return len(self.seen.telling)
        since = self.at - within
        return sum(one.starts_at >= since and one.fingerprint not in self.suppressed for one in self.alerts)

    def note(self, incident: Incident, text: str, reason: Reason | None = None) -> None:
        """Write a line that is no transition."""
        line(self.draft, incident.id, None, text, reason)

    def transit(self, incident: Incident, transition: Transition, text: str) -> Incident:
        """Let a named transition happen: the new state, a line, a count, and a new version if people can see it."""
        state = TRANSITIONS[incident.state, transition]
        line(self.draft, incident.id, transition, text)
        self.draft.changes.count(f"transitions:{transition.value}")
        if transition in UNSEEN:
            return replace(incident, state=state or incident.state)
        latest = LATEST.get(transition, Reason.REDRAWN)
        return replace(incident, state=state or incident.state, version=incident.version + 1, latest=latest)


def line(draft: Draft, incident: str, transition: Transition | None, text: str, reason: Reason | None = None) -> None:
    """Write a line into an incident's story."""
    draft.changes.timeline.append(
        TimelineLine(incident=incident, at=draft.at, transition=transition, reason=reason, text=text)
    )


def with_destination(incident: Incident, to: Destination) -> Incident:
    """Put a destination in the place of the one with its id, or behind the others."""
    known = incident.destinations
    for place, one in enumerate(known):
        if one.id == to.id:
            return replace(incident, destinations=(*known[:place], to, *known[place + 1 :]))
    return replace(incident, destinations=(*known, to))


class _Holding(NamedTuple):
    """What holds an incident's firing alerts back."""

    suppressed: dict[Fingerprint, str]
    silenced: dict[Fingerprint, tuple[Silence, ...]]


def _holding(memory: Memory, alerts: Iterable[Alert], now: datetime) -> _Holding:
    silencer = memory.silencer or None
    found = _Holding({}, {})
    if silencer is None and not memory.inhibitor.has_rules:
        return found
    for alert in alerts:
        if not alert.firing(now):
            continue
        if silencer and (holders := silencer.holding(alert.fingerprint, alert.labels, now)):
            found.silenced[alert.fingerprint] = holders
            found.suppressed[alert.fingerprint] = holders[0].account
        elif why := _inhibited_by(memory, alert):
            found.suppressed[alert.fingerprint] = why
    return found


def _inhibited_by(memory: Memory, alert: Alert) -> str:
    sources = memory.inhibitor.sources_of(alert)
    if not sources:
        return ""
    rule, mark = sources[0]
    source = memory.state.alerts[mark]
    return f"inhibited by {source.labels.get('alertname', mark)} (rule {rule})"

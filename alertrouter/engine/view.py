"""One incident in one step: what is known about it now, and the draft that decisions are written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine import dispatch
from alertrouter.engine.dispatch import Picture
from alertrouter.engine.memory import Draft, Memory
from alertrouter.incident import Destination, Incident, Reason
from alertrouter.policy.policy import Policy
from alertrouter.policy.route import Route
from alertrouter.silence import Silence
from alertrouter.summary import Summary, summary_id
from alertrouter.transition import LATEST, TRANSITIONS, UNSEEN, TimelineLine, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a decision about an incident may look at: its policy, its route, its alerts as they are now.

    `suppressed` says of each firing alert that is held back why, `silenced` by which silences, the longest first.
    """

    draft: Draft
    policy: Policy
    route: Route
    alerts: list[Alert]
    seen: Picture
    suppressed: dict[Fingerprint, str]
    silenced: dict[Fingerprint, tuple[Silence, ...]]
    summaries: Mapping[str, Summary]

    @classmethod
    def of(cls, memory: Memory, draft: Draft, incident: Incident) -> View:
        """Look at an incident."""
        policy = memory.policy_of(incident)
        route = policy.route(incident.route)
        if route is None:
            raise LookupError(f"policy {incident.revision} has no route {incident.route}")
        alerts = memory.alerts_of(incident.id)
        silenced: dict[Fingerprint, tuple[Silence, ...]] = {}
        suppressed: dict[Fingerprint, str] = {}
        for alert in alerts:
            if not alert.firing(draft.at):
                continue
            if memory.silencer and (holders := memory.silencer.holding(alert.fingerprint, alert.labels, draft.at)):
                silenced[alert.fingerprint] = holders
                suppressed[alert.fingerprint] = holders[0].account
            elif why := _inhibited_by(memory, alert):
                suppressed[alert.fingerprint] = why
        seen = dispatch.picture(alerts, suppressed, held=policy.held_by(route, draft.at), now=draft.at)
        return cls(
            draft=draft,
            policy=policy,
            route=route,
            alerts=alerts,
            seen=seen,
            suppressed=suppressed,
            silenced=silenced,
            summaries=memory.state.summaries,
        )

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
    known = {one.id: one for one in incident.destinations}
    known[to.id] = to
    return replace(incident, destinations=tuple(known.values()))


def _inhibited_by(memory: Memory, alert: Alert) -> str:
    sources = memory.inhibitor.sources(alert.fingerprint, alert.labels) if memory.inhibitor.has_rules else ()
    if not sources:
        return ""
    rule, mark = sources[0]
    source = memory.state.alerts[mark]
    return f"inhibited by {source.labels.get('alertname', mark)} (rule {rule})"

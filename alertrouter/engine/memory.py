"""The engine's memory with its indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from alertrouter.alert import Alert, AlertReport, Fingerprint, fingerprint_of
from alertrouter.engine.changes import Changes
from alertrouter.engine.draft import Draft, GroupId
from alertrouter.engine.label_index import LabelIndex
from alertrouter.engine.pulses import Pulses
from alertrouter.engine.quiet import Quiet
from alertrouter.engine.silencing import Silencer, next_moment
from alertrouter.engine.state import EngineState
from alertrouter.engine.suppression import Inhibitor
from alertrouter.engine.timers import Timers
from alertrouter.errors import AlertrouterError
from alertrouter.incident import Incident, State
from alertrouter.policy.load import load_each
from alertrouter.policy.policy import Policy
from alertrouter.silence import Silence, SilenceState
from alertrouter.summary import Summary

BEATS_REMEMBERED: Final = 200_000
"""Of how many label sets it is remembered which heartbeats they are beats of; then that is found out anew."""


class Memory:
    """All state with its indexes. It changes only by `swap`, as a whole."""

    def __init__(
        self, state: EngineState, *, now: datetime, loaded: Mapping[str, Policy] = MappingProxyType({})
    ) -> None:
        """Build the indexes; `loaded` are policies, by revision, that need not be loaded from their texts.

        A stored policy that this version can't load any more is left out, and named in `unloadable`: incidents that
        pin it go on under the active one. Were it the active one, none is until one is activated.
        """
        self.state = state
        self.policies, self.unloadable = load_each(state.policies, loaded)
        if state.active in self.unloadable:
            state.active = ""
        self.members: dict[str, set[Fingerprint]] = {}
        self.groups: dict[GroupId, str] = {}
        self.by_state: dict[State, int] = dict.fromkeys(State, 0)
        self.touched: set[Fingerprint] = set()
        self.moved_pulses: set[str] = set()
        self.inhibitor = Inhibitor(())
        self.silencer = Silencer()
        self.by_label = LabelIndex(state.alerts)
        self.quiet = Quiet()
        self.timers = Timers(state.alerts)
        self.pulses = Pulses(state.heartbeats, self.timers)
        self._pinned: Counter[str] = Counter()
        self._marks: dict[bytes, Fingerprint] = {}
        self._beats: dict[Fingerprint, tuple[str, ...]] = {}
        self._index(now)

    def _index(self, now: datetime) -> None:
        """Know by its indexes what the state holds, and plan what waits in it."""
        state = self.state
        for incident in state.incidents.values():
            self.groups[incident.route, incident.group_key] = incident.id
            self.by_state[incident.state] += 1
            self._pinned[incident.revision] += 1
            self.timers.plan("incident", incident.id, incident.due)
        for alert in state.alerts.values():
            self._marks[alert.packed_labels] = alert.fingerprint
            for name in alert.incidents:
                self.members.setdefault(name, set()).add(alert.fingerprint)
            self._plan_stored(alert)
        if state.active:
            self._use_active(now)
        for name, silence in state.silences.items():
            self._put_silence(name, silence)
        for name, summary in state.summaries.items():
            self._put_summary(name, summary)

    @property
    def policy(self) -> Policy:
        """The policy that new incidents follow."""
        try:
            return self.policies[self.state.active]
        except KeyError:
            raise AlertrouterError("no policy is active: activate one before alerts are applied") from None

    @property
    def reopen_within(self) -> timedelta:
        """For how long what is over may fire again and count as the same; nothing without a policy."""
        active = self.policies.get(self.state.active)
        return active.reopen_within if active else timedelta()

    def policy_of(self, incident: Incident) -> Policy:
        """The policy that an incident pinned when it opened; the active one when that can't be loaded any more."""
        return self.policies.get(incident.revision) or self.policy

    def mark_of(self, report: AlertReport) -> Fingerprint:
        """Name the report's label set. One that is known costs one dict look-up."""
        packed = bytes(report.labels)
        return self._marks.get(packed) or fingerprint_of(packed)

    @property
    def expects_beats(self) -> bool:
        """Tell whether a report may be a beat. Without a policy it may: whoever asks further gets the error."""
        active = self.policies.get(self.state.active)
        return active is None or bool(active.heartbeats)

    def beats_of(self, mark: Fingerprint, report: AlertReport) -> tuple[str, ...]:
        """The heartbeats of which a report is a beat; then it is told to nobody."""
        policy = self.policy
        if not policy.heartbeats:
            return ()
        beats = self._beats.get(mark)
        if beats is None:
            if len(self._beats) >= BEATS_REMEMBERED:
                self._beats.clear()
            beats = self._beats[mark] = policy.heard_in(report.label_set())
        return beats

    def alerts_of(self, incident: str) -> list[Alert]:
        """The alerts of an incident, oldest first."""
        alerts = [self.state.alerts[name] for name in self.members.get(incident, ())]
        if len(alerts) < 2:
            return alerts
        return sorted(alerts, key=lambda alert: (alert.starts_at, alert.fingerprint))

    def swap(self, draft: Draft) -> Changes:
        """Make a finished draft count, all of it; gives the changes that the commit has to write."""
        changes = draft.changes
        if draft.policy is not None:
            self._activate(draft.policy, draft)
        for name, silence in changes.silences.items():
            self._put_silence(name, silence)
        for name, summary in changes.summaries.items():
            self._put_summary(name, summary)
        for name, incident in changes.incidents.items():
            self._put_incident(name, incident)
        weighs = self.inhibitor.has_rules
        for mark, alert in changes.alerts.items():
            self._put_alert(mark, alert, draft.at)
            if weighs and alert is not None:
                self._weigh(mark, alert, draft.at)
        for mark, alert in draft.touched.items():
            self._touch(mark, alert, draft.at)
        self.touched.update(draft.touched)
        for name, pulse in changes.heartbeats.items():
            self.pulses.put(name, pulse, self.policies.get(self.state.active))
        self.state.last_number = max(self.state.last_number, draft.last_number)
        if draft.policy is not None or None in changes.incidents.values():
            self._forget_policies(changes)
        return changes

    def _put_incident(self, name: str, incident: Incident | None) -> None:
        old = self.state.incidents.get(name)
        if incident is None:
            self._drop_incident(name, old)
            return
        if incident.suppressed or (old is not None and old.suppressed):
            self._wait(name, incident.suppressed)
        if old is None:
            self.by_state[incident.state] += 1
            self._pinned[incident.revision] += 1
            self.groups[incident.route, incident.group_key] = name
        elif old.state is not incident.state:
            self.by_state[old.state] -= 1
            self.by_state[incident.state] += 1
        self.state.incidents[name] = incident
        self.timers.plan("incident", name, incident.due)

    def _drop_incident(self, name: str, old: Incident | None) -> None:
        self.quiet.disturb((name,))
        self.timers.plan("incident", name, None)
        if old is not None:
            self.by_state[old.state] -= 1
            self._pinned[old.revision] -= 1
            del self.state.incidents[name]
            self.groups.pop((old.route, old.group_key), None)
        self.members.pop(name, None)
        self._wait(name, {})

    def _wait(self, incident: str, suppressed: Mapping[Fingerprint, str]) -> None:
        """Remember for whose end an incident waits whose alerts are held back."""
        if self.inhibitor.has_rules:
            alerts = self.state.alerts
            self.inhibitor.wait(incident, {mark: alerts[mark].labels for mark in suppressed if mark in alerts})

    def _put_alert(self, mark: Fingerprint, alert: Alert | None, now: datetime) -> None:
        old = self.state.alerts.get(mark)
        before = old.incidents if old else ()
        after = alert.incidents if alert else ()
        self.quiet.disturb(before)
        if before != after:
            self.quiet.disturb(after)
            for name in before:
                if name in self.members:
                    self.members[name].discard(mark)
            for name in after:
                self.members.setdefault(name, set()).add(mark)
        if alert is None:
            if old is not None:
                if self.inhibitor.has_rules:
                    self.inhibitor.remove(mark, old.labels)
                self.by_label.remove(old)
                del self.state.alerts[mark]
                del self._marks[old.packed_labels]
            self.touched.discard(mark)
            return
        self.state.alerts[mark] = alert
        if old is None:
            self._marks[alert.packed_labels] = mark
            self.by_label.add(alert)
        # An end that only moved on needs no timer of its own: the one that is set finds the new end and plans that.
        planned = old.ends_at if old is not None and old.ends_at is not None and old.ends_at > now else None
        if alert.ends_at is not None and alert.ends_at > now and (planned is None or alert.ends_at < planned):
            self.timers.plan_end(alert)

    def _touch(self, mark: Fingerprint, alert: Alert, now: datetime) -> None:
        """Keep an alert of which only the moments have moved on: what nine of ten reports bring."""
        planned = self.state.alerts[mark].ends_at
        self.state.alerts[mark] = alert
        if alert.ends_at is not None and (planned is None or alert.ends_at < planned or planned <= now):
            self.timers.plan_end(alert)

    def ended(self, mark: Fingerprint, now: datetime) -> bool:
        """Look at an alert whose timer came: over (it holds back nothing any more), or its end has moved on."""
        alert = self.state.alerts[mark]
        if alert.firing(now):
            self.timers.plan_end(alert)
            return False
        self.quiet.disturb(alert.incidents)
        if self.inhibitor.has_rules:
            self.inhibitor.remove(mark, alert.labels)
        return True

    def _put_silence(self, name: str, silence: Silence | None) -> None:
        if silence is None:
            self.state.silences.pop(name, None)
            self.timers.plan("silence", name, None)
            return
        self.state.silences[name] = silence
        if silence.state is SilenceState.EXPIRED:
            self.silencer.drop(name)
        else:
            self.silencer.put(silence)
        self.timers.plan("silence", name, next_moment(silence, self.reopen_within))

    def _put_summary(self, name: str, summary: Summary | None) -> None:
        if summary is None:
            self.state.summaries.pop(name, None)
        else:
            self.state.summaries[name] = summary
        self.timers.plan("summary", name, summary.due if summary else None)

    def _plan_stored(self, alert: Alert) -> None:
        """What was over when a router last wrote has been dealt with: its end must not come a second time."""
        alive_at, end = self.state.alive_at, alert.ends_at
        if end is not None and end > alert.updated_at and (alive_at is None or end >= alive_at):
            self.timers.plan_end(alert)

    def _activate(self, policy: Policy, draft: Draft) -> None:
        self.state.policies[policy.revision] = draft.changes.policies[policy.revision] or {}
        self.policies[policy.revision] = policy
        self.state.active = policy.revision
        self._use_active(draft.at)

    def _use_active(self, now: datetime) -> None:
        self._beats.clear()
        self.quiet.clear()
        self.pulses.plan_all(self.policy)
        self.timers.clear("maintenance")
        for window in self.policy.maintenance:
            self.timers.plan("maintenance", window.name, window.opens(self.policy.time_intervals, now))
        self.inhibitor = Inhibitor(self.policy.inhibit_rules)
        if self.inhibitor.has_rules:
            for alert in self.state.alerts.values():
                if alert.firing(now):
                    self.inhibitor.add(alert.fingerprint, alert.labels)
            for incident in self.state.incidents.values():
                self._wait(incident.id, incident.suppressed)

    def _weigh(self, mark: Fingerprint, alert: Alert, now: datetime) -> None:
        """Let an alert hold back others while it fires, and no longer."""
        if alert.firing(now):
            self.inhibitor.add(mark, alert.labels)
        else:
            self.inhibitor.remove(mark, alert.labels)

    def _forget_policies(self, changes: Changes) -> None:
        pinned = {revision for revision, count in self._pinned.items() if count} | {self.state.active}
        for revision in [name for name in self.state.policies if name not in pinned]:
            del self.state.policies[revision]
            self.policies.pop(revision, None)
            changes.policies[revision] = None
        for name in [name for name, one in self.state.summaries.items() if one.revision not in pinned]:
            self._put_summary(name, None)
            changes.summaries[name] = None

"""Expected heartbeats: one that is heard counts anew, one that is missing becomes an alert, until it is heard again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from alertrouter.alert import AlertReport
from alertrouter.engine import intake
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.state import Pulse
from alertrouter.events import AlertsReceived
from alertrouter.policy.heartbeat import HeartbeatRule
from alertrouter.policy.policy import Policy


def hear(memory: Memory, draft: Draft, names: Iterable[str]) -> None:
    """Take beats. One that nobody expects (the policy has changed since it was sent) means nothing."""
    for name in names:
        pulse = memory.state.heartbeats.get(name)
        if pulse is not None:
            _end_alert(memory, draft, pulse)
            since = max(pulse.since, draft.at)
            draft.changes.heartbeats[name] = replace(pulse, since=since, heard_at=draft.at, alert=None)


def miss(memory: Memory, draft: Draft, name: str) -> None:
    """Patience is at its end: let an alert say so, which takes the way of any other."""
    rule, pulse = memory.policy.heartbeats[name], memory.state.heartbeats[name]
    last = f"None has come since {pulse.since:%Y-%m-%d %H:%M:%S} UTC"
    if pulse.heard_at is not None:
        last = f"The last one came at {pulse.heard_at:%Y-%m-%d %H:%M:%S} UTC"
    report = AlertReport.of(rule.alert_labels(), rule.alert_annotations(last), starts_at=draft.at)
    key = f"heartbeat:{name}:{draft.at.isoformat()}"
    intake.receive(memory, draft, AlertsReceived(at=draft.at, actor="heartbeat", key=key, alerts=(report,)))
    draft.changes.heartbeats[name] = replace(pulse, alert=memory.mark_of(report))
    draft.changes.count("heartbeats_missed")


def follow(memory: Memory, draft: Draft, policy: Policy) -> None:
    """A policy comes into force: what it expects anew, or otherwise than before, is counted from now."""
    active = memory.policies.get(memory.state.active)
    before = active.heartbeats if active else {}
    for name, pulse in sorted(memory.state.heartbeats.items()):
        if name not in policy.heartbeats:
            _end_alert(memory, draft, pulse)
            draft.changes.heartbeats[name] = None
    for name, rule in policy.heartbeats.items():
        known = memory.state.heartbeats.get(name)
        if known is None:
            draft.changes.heartbeats[name] = Pulse(since=draft.at)
        elif known.alert is None and name in before and _expects(rule) != _expects(before[name]):
            draft.changes.heartbeats[name] = replace(known, since=draft.at)


def take_over(memory: Memory, now: datetime, *, until: datetime) -> None:
    """A router begins: what it did not hear while none was there is not missing for that. Nothing is before `until`.

    A heartbeat that the active policy expects and of which nothing is stored is counted from now.
    """
    policy, alive_at = memory.policies.get(memory.state.active), memory.state.alive_at
    for name, rule in policy.heartbeats.items() if policy else ():
        pulse = memory.state.heartbeats.get(name)
        if pulse is None:
            moved = Pulse(since=now)
        elif alive_at is None or alive_at >= now:
            continue
        else:
            moved = replace(pulse, since=_after_stand_still(pulse.since, rule, alive_at, now, until))
        if moved != pulse:
            memory.pulses.put(name, moved, policy)
            memory.moved_pulses.add(name)


def _after_stand_still(
    since: datetime, rule: HeartbeatRule, alive_at: datetime, now: datetime, until: datetime
) -> datetime:
    """A beat that was to come in the stand-still counts as heard; for others there is time until `until`."""
    last_expected = since + (now - since) // rule.every * rule.every
    if last_expected > max(since, alive_at):
        return last_expected
    return max(since, until - rule.patience)


def _end_alert(memory: Memory, draft: Draft, pulse: Pulse) -> None:
    """Let the alert that says that it is missing be over."""
    alert = memory.state.alerts.get(pulse.alert) if pulse.alert else None
    if alert is not None and alert.firing(draft.at):
        draft.changes.alerts[alert.fingerprint] = replace(alert, ends_at=draft.at, updated_at=draft.at)
        draft.touched.pop(alert.fingerprint, None)


def _expects(rule: HeartbeatRule) -> tuple[object, ...]:
    return rule.matchers, rule.every, rule.grace

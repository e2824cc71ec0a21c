"""Maintenance windows of the active policy: each opening sets a silence, which then lives as any other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from alertrouter.engine import silences
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.silencing import LONG
from alertrouter.policy.maintenance import MaintenanceWindow
from alertrouter.policy.matcher import Matcher
from alertrouter.policy.policy import Policy
from alertrouter.silence import Silence, SilenceMatcher, SilenceState


def follow(memory: Memory, draft: Draft, policy: Policy) -> None:
    """A policy comes into force: windows that it has no more, or otherwise, end; those that are open begin."""
    windows = {window.name: window for window in policy.maintenance}
    for _, silence in sorted(memory.state.silences.items()):
        if not silence.maintenance or silence.state is SilenceState.EXPIRED:
            continue
        window = windows.get(silence.maintenance)
        if window is None or set(conditions(window.matchers)) != set(silence.matchers):
            silences.end(memory, draft, replace(silence, window_until=None))
        elif not window.is_open(policy.time_intervals, draft.at):
            silences.end(memory, draft, silence)
    for window in policy.maintenance:
        begin(memory, draft, policy, window)


def begin(memory: Memory, draft: Draft, policy: Policy, window: MaintenanceWindow) -> None:
    """Set the silence of a window that is open, once: one that people have ended early stays so until the next time."""
    if not window.is_open(policy.time_intervals, draft.at) or _has_begun(memory, draft, window):
        return
    until = window.closes(policy.time_intervals, draft.at)
    silence = Silence(
        id=silences.id_of(f"maintenance.{policy.revision}.{window.name}.{draft.at.isoformat()}"),
        matchers=conditions(window.matchers),
        starts_at=draft.at,
        ends_at=until,
        created_by="policy",
        comment=window.comment or f"maintenance {window.name}",
        updated_at=draft.at,
        state=SilenceState.ACTIVE,
        noticed=until - draft.at < LONG,
        maintenance=window.name,
        window_until=until,
    )
    silences.keep(memory, draft, silence, look=True)
    draft.changes.count("silences_set")


def next_opening(policy: Policy, window: MaintenanceWindow, now: datetime) -> datetime | None:
    """When a window that was looked at opens the next time."""
    intervals = policy.time_intervals
    after = window.closes(intervals, now) if window.is_open(intervals, now) else now
    return window.opens(intervals, after)


def conditions(matchers: Iterable[Matcher]) -> tuple[SilenceMatcher, ...]:
    """Write the matchers of a policy as those of a silence."""
    return tuple(one.of_silence() for one in matchers)


def _has_begun(memory: Memory, draft: Draft, window: MaintenanceWindow) -> bool:
    known = {**memory.state.silences, **draft.changes.silences}
    return any(
        one is not None
        and one.maintenance == window.name
        and one.window_until is not None
        and one.window_until > draft.at
        for one in known.values()
    )

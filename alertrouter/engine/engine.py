"""The engine: one event or one moment in, changes out. The one place where anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine import (
    flush,
    heartbeats,
    holding,
    intake,
    maintenance,
    people,
    reconciling,
    settling,
    silences,
    summaries,
)
from alertrouter.engine.changes import Activation, Answer, Changes
from alertrouter.engine.draft import Draft
from alertrouter.engine.memory import Memory
from alertrouter.engine.state import EngineState
from alertrouter.engine.timers import Due
from alertrouter.errors import AlertrouterError, PolicyError
from alertrouter.events import (
    AlertsReceived,
    DeliverySettled,
    Event,
    Heartbeat,
    PolicyActivated,
    ReloadAsked,
    SilenceExpired,
    SilenceSet,
    SourceReconciled,
)
from alertrouter.incident import State, Timer
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy

GRACE: Final = timedelta(minutes=2)
"""After a stand-still, what fired when it began has this long to be reported again before its `ends_at` counts."""

PARKED_FOR: Final = timedelta(minutes=1)
"""An incident whose timer raised is tried again after this long, then twice as long, up to an hour."""


class Engine:
    """Turns events and time into changes; holds all state in memory.

    Deterministic: the same state and the same calls give the same changes, bit for bit. An event that raises leaves
    nothing half done: the caller sets it aside and goes on.
    """

    def __init__(
        self,
        state: EngineState,
        *,
        now: datetime,
        loaded: Mapping[str, Policy] = MappingProxyType({}),
        every_look: bool = False,
    ) -> None:
        """Take over a loaded state; `loaded` are policies, by revision, that need not be loaded from their texts.

        With `every_look` looks that can find nothing are taken all the same: slower, and what comes of it is the same.
        """
        _grant_grace(state, now)
        self._every_look = every_look
        self._memory = Memory(state, now=now, loaded=loaded)
        heartbeats.take_over(self._memory, now, until=now + GRACE)
        self._clock = state.alive_at or now
        self._parked: dict[str, int] = {}

    @property
    def clock(self) -> datetime:
        """How far its time has come: the newest event or timer so far."""
        return self._clock

    @property
    def state(self) -> EngineState:
        """All alerts, incidents and policies as they are now."""
        return self._memory.state

    @property
    def unloadable(self) -> dict[str, PolicyError]:
        """Stored policies, by revision, that this version can't load; their incidents go by the active one."""
        return dict(self._memory.unloadable)

    def counts_by_state(self) -> dict[State, int]:
        """How many incidents stand in each state."""
        return dict(self._memory.by_state)

    @property
    def parked(self) -> int:
        """How many incidents could not be decided when their time came, and wait to be tried again."""
        return sum(incident in self.state.incidents for incident in self._parked)

    @property
    def looks_spared(self) -> int:
        """How many looks at incidents were not taken, because they could find nothing new."""
        return self._memory.quiet.spared

    def next_due(self) -> datetime | None:
        """When to be called again at the latest; None: nothing is planned."""
        return self._memory.timers.next()

    def apply(self, event: Event) -> Changes:
        """Apply one event; timers due before it fire first. Raises `NotApplied`: then the event changed nothing."""
        changes = self._fire(event.at, inclusive=False)
        self._clock = max(self._clock, event.at)
        draft = Draft(at=self._clock, last_number=self.state.last_number)
        try:
            self._decide(event, draft)
        except Exception as error:
            # The timers that fired before it count; they travel with the error to the next commit.
            raise NotApplied(changes, error) from error
        return changes.then(self._memory.swap(draft))

    def advance(self, now: datetime, *, most: int | None = None) -> Changes:
        """Fire what is due up to and at `now`, or until `most` deliveries are owed: `next_due` tells of the rest."""
        changes = self._fire(now, inclusive=True, most=most)
        if most is None or (due := self.next_due()) is None or due > now:
            self._clock = max(self._clock, now)
        return changes

    def touched_changes(self) -> Changes:
        """The re-sent alerts whose newer times are not persisted yet; asking for them counts as persisting."""
        changes = Changes()
        for mark in sorted(self._memory.touched):
            changes.alerts[mark] = self.state.alerts[mark]
        self._memory.touched.clear()
        for name in sorted(self._memory.moved_pulses & self.state.heartbeats.keys()):
            changes.heartbeats[name] = self.state.heartbeats[name]
        self._memory.moved_pulses.clear()
        return changes

    def _decide(self, event: Event, draft: Draft) -> None:
        match event:
            case AlertsReceived():
                intake.receive(self._memory, draft, event)
                heartbeats.hear(self._memory, draft, draft.heard)
            case Heartbeat():
                heartbeats.hear(self._memory, draft, [event.name])
            case DeliverySettled():
                settling.settle(self._memory, draft, event)
            case PolicyActivated():
                draft.policy = load(event.files)
                heartbeats.follow(self._memory, draft, draft.policy)
                maintenance.follow(self._memory, draft, draft.policy)
                draft.changes.policies[draft.policy.revision] = event.files
                draft.changes.activation = Activation(
                    revision=draft.policy.revision, at=event.at, actor=event.actor, from_files=event.from_files
                )
                draft.changes.answers[event.key] = Answer(
                    incident="", transition=None, text=f"revision {draft.policy.revision} is in force"
                )
                draft.changes.count("policies_activated")
            case SilenceSet():
                silences.put(self._memory, draft, event)
            case SilenceExpired():
                silences.expire(self._memory, draft, event)
            case SourceReconciled():
                reconciling.reconcile(self._memory, draft, event)
            case ReloadAsked():
                pass  # the router reads its files; what it finds there comes as an event of its own
            case _:
                people.act(self._memory, draft, event)
        ended = [one for one in draft.changes.alerts.values() if one is not None and self._ends(one, draft.at)]
        if ended:
            self._ended(draft, ended)

    def _ends(self, alert: Alert, now: datetime) -> bool:
        """Tell whether an alert fired and does no longer."""
        old = self.state.alerts.get(alert.fingerprint)
        return old is not None and old.firing(now) and not alert.firing(now)

    def _ended(self, draft: Draft, alerts: list[Alert]) -> None:
        """Let go what these alerts held back, and silences that go with their alerts."""
        if self._memory.silencer.going_with_alerts:
            silences.over(self._memory, draft, alerts)
        holding.free(self._memory, draft, alerts)

    def _fire(self, until: datetime, *, inclusive: bool, most: int | None = None) -> Changes:
        changes: Changes | None = None
        while (timer := self._memory.timers.pop(until, inclusive=inclusive)) is not None:
            self._clock = max(self._clock, timer.due)
            came = self._come(timer)
            changes = came if changes is None else changes.then(came)
            if most is not None and len(changes.deliveries) >= most:
                break
        return Changes() if changes is None else changes

    def _come(self, timer: Due) -> Changes:
        match timer.kind:
            case "alert":
                return self._over(Fingerprint(timer.id))
            case "heartbeat":
                return self._miss(timer.id)
            case "maintenance":
                return self._maintain(timer.id)
            case "silence":
                return self._silence(timer.id)
            case "summary":
                return self._summarize(timer.id)
            case _:
                return self._flush(timer)

    def _over(self, mark: Fingerprint) -> Changes:
        """An alert's end may have come."""
        if not self._memory.ended(mark, self._clock):
            return Changes()
        draft = Draft(at=self._clock)
        alert = self.state.alerts[mark]
        self._ended(draft, [alert])
        changes = self._memory.swap(draft)
        # Persisted now, not in bulk: the message that tells of its end says when that was.
        changes.alerts.setdefault(mark, alert)
        self._memory.touched.discard(mark)
        return changes

    def _maintain(self, name: str) -> Changes:
        draft = Draft(at=self._clock)
        policy = self._memory.policy
        window = next(one for one in policy.maintenance if one.name == name)
        maintenance.begin(self._memory, draft, policy, window)
        changes = self._memory.swap(draft)
        self._memory.timers.plan("maintenance", name, maintenance.next_opening(policy, window, self._clock))
        return changes

    def _silence(self, name: str) -> Changes:
        draft = Draft(at=self._clock)
        silences.come(self._memory, draft, name)
        return self._memory.swap(draft)

    def _summarize(self, name: str) -> Changes:
        draft = Draft(at=self._clock)
        summaries.come(self._memory, draft, name)
        return self._memory.swap(draft)

    def _miss(self, heartbeat: str) -> Changes:
        draft = Draft(at=self._clock, last_number=self.state.last_number)
        if self._memory.pulses.silent(heartbeat, self._clock, self._memory.policy):
            heartbeats.miss(self._memory, draft, heartbeat)
        return self._memory.swap(draft)

    def _flush(self, timer: Due) -> Changes:
        draft = Draft(at=self._clock)
        unchanged = None if self._every_look else self._memory.quiet.look(self._memory, timer.id, self._clock)
        if unchanged is not None:
            draft.changes.incidents[timer.id] = unchanged
            return self._memory.swap(draft)
        try:
            flush.flush(self._memory, draft, timer.id)
        except Exception as error:  # noqa: BLE001  one incident that can't be decided must not stop the others
            return self._park(timer.id, error)
        self._parked.pop(timer.id, None)
        return self._memory.swap(draft)

    def _park(self, incident: str, error: Exception) -> Changes:
        times = self._parked[incident] = self._parked.get(incident, 0) + 1
        again = self._clock + min(PARKED_FOR * 2 ** (times - 1), timedelta(hours=1))
        draft = Draft(at=self._clock)
        stopped = self.state.incidents[incident]
        draft.changes.incidents[incident] = replace(
            stopped, timers={**dict.fromkeys(stopped.timers, again), Timer.LOOK: again}
        )
        text = f"could not be decided ({type(error).__name__}: {error}); tried again {again:%H:%M:%S} UTC"
        flush.parked(draft, stopped, text)
        draft.changes.count("incidents_parked")
        return self._memory.swap(draft)


class NotApplied(AlertrouterError):
    """An event could not be applied; `changes` are those of the timers that were due before it and did fire."""

    def __init__(self, changes: Changes, error: Exception) -> None:
        """Keep what did happen."""
        self.changes = changes
        super().__init__(f"{type(error).__name__}: {error}")


def _grant_grace(state: EngineState, now: datetime) -> None:
    if state.alive_at is None or state.alive_at >= now:
        return
    until = now + GRACE
    for mark, alert in state.alerts.items():
        # Persisted lazily, so what is stored may be older than what was known: hence GRACE on both sides.
        if alert.ends_at is None or alert.ends_at <= alert.updated_at:
            continue
        if state.alive_at - GRACE < alert.ends_at < until:
            state.alerts[mark] = replace(alert, ends_at=until)

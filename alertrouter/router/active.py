"""The active router: reads the journal, has the engine decide, and commits what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from os import sched_yield
from typing import Final, TypeAlias

import msgspec

from alertrouter import log
from alertrouter.calendars.keeper import Calendars
from alertrouter.engine.changes import Answer, Changes
from alertrouter.engine.engine import Engine, NotApplied
from alertrouter.events import ReloadAsked, decode, encode
from alertrouter.policy.receiver import Channel
from alertrouter.rollout import WATCH_EVERY, Rollout
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.journal import Entry, Journal
from alertrouter.store.keys import Keys
from alertrouter.store.queue import Kicks
from alertrouter.store.statestore import Commit, Gauges, Quarantined, StateStore
from alertrouter.store.sweep import Sweep
from alertrouter.tracing import Tracing
from alertrouter.waking import Waking

Clock: TypeAlias = Callable[[], datetime]

PATIENCE: Final = 10.0
"""Seconds that Redis has for an answer: a commit may be many megabytes."""

MOST_ENTRIES: Final = 500
FIRST_ENTRIES: Final = 16
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_OWED: Final = 200
"""When so many are owed because timers came, they are committed: of thousands that come at once, workers begin with the
first while the router decides about the rest."""
HOLD: Final = timedelta(milliseconds=50)
"""So long repeats wait for a commit that they share: they change nothing but counters, and read again they do not."""
BREATH: Final = 0.01
"""Seconds that more may come in after repeats, or after many events at once, to be read and committed together."""
MANY: Final = 8
ALIVE_EVERY: Final = timedelta(seconds=5)
TOUCHED_EVERY: Final = timedelta(seconds=30)
WATCH_AGAIN: Final = timedelta(seconds=WATCH_EVERY)
LATE: Final = timedelta(seconds=60)
"""What should have been done so long ago and was not is a reason to call for somebody."""

_log = log.get(__name__)


def take_over(
    settings: Settings, epoch: int, clock: Clock, calendars: Calendars, traces: Tracing | None = None
) -> ActiveRouter:
    """Load the state and make the directory's policy the one in force. Only with the lease."""
    keys = Keys(settings.namespace)
    client = connect(redis_url(settings), patience=PATIENCE)
    kicks = Kicks(client, keys)
    store = StateStore(client, keys, kicks, history=timedelta(days=settings.history_days))
    loaded = store.load()
    for record in loaded.unreadable:
        _log.error("record can't be read and is left out", record=record)
    engine = Engine(loaded.state, now=clock())
    for revision, error in engine.unloadable.items():
        _log.error("stored policy can't be loaded", revision=revision, problems=[str(p) for p in error.problems])
    calendars.take_over(loaded.state.active, loaded.state.policies.get(loaded.state.active, {}))
    active = ActiveRouter(
        store=store,
        journal=Journal(client, keys),
        waking=Waking(kicks, Sweep(client, keys, tuple(Channel)), clock()),
        engine=engine,
        rollout=Rollout(settings, loaded.files_revision, store.note_refused, calendars),
        epoch=epoch,
        checkpoint=loaded.checkpoint,
        clock=clock,
        traces=traces,
    )
    _log.info("active", epoch=epoch, alerts=len(loaded.state.alerts), incidents=len(loaded.state.incidents))
    active.begin()
    return active


class ActiveRouter:
    """The state in memory and the loop over the journal. Good for one epoch; after any error it is thrown away."""

    def __init__(
        self,
        *,
        store: StateStore,
        journal: Journal,
        waking: Waking,
        engine: Engine,
        rollout: Rollout,
        epoch: int,
        checkpoint: str,
        clock: Clock,
        traces: Tracing | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._waking = waking
        self._engine = engine
        self._rollout = rollout
        self._epoch = epoch
        self._checkpoint = checkpoint
        self._clock = clock
        self._traces = traces
        self._count = FIRST_ENTRIES
        self._held = Changes()
        self._hold_until: datetime | None = None
        now = clock()
        self._alive_at = now
        self._touched_at = now + TOUCHED_EVERY
        self._watch_at = now + WATCH_AGAIN
        self._caught_up_at = now

    def begin(self) -> None:
        """Put the directory's policy in force when its files have changed; a wrong one leaves the active one in force.

        The first one ever is applied at once, ahead of events that may wait already: without it they mean nothing.
        """
        now, active = self._clock(), self._engine.state.active
        event = self._rollout.begin(now, active)
        if event and active:
            self._journal.append(encode(event))
        elif event:
            self._commit(self._engine.apply(event), [], now)

    def reload(self, actor: str) -> None:
        """Have the directory read again, in its turn among the events."""
        now = self._clock()
        self._journal.append(encode(ReloadAsked(at=now, actor=actor, key=f"reload:{now.isoformat()}")))

    def turn(self) -> None:
        """Wait for what comes first, an event or a timer; decide; commit, or hold what were repeats only."""
        entries = self._journal.read(self._checkpoint, count=self._count, wait_ms=self._wait_ms())
        caught_up = len(entries) < self._count
        changes, quarantined = self._apply(entries)
        now = self._clock()
        if caught_up:
            # Behind, timers go by the events' own times: what has happened before a timer must be known when it fires.
            changes.merge(self._engine.advance(now, most=MOST_OWED))
            self._caught_up_at = now
        if now >= self._touched_at:
            changes.merge(self._engine.touched_changes())
            self._touched_at = now + TOUCHED_EVERY
        self._held.merge(changes)
        if self._held.urgent or quarantined or now >= min(self._alive_at, self._hold_until or self._alive_at):
            self._commit(self._held, quarantined, now)
        elif entries or changes:
            self._hold_until = self._hold_until or now + HOLD
        if now >= self._waking.look_at:
            self._waking.look(now)
        if caught_up and entries and (self._hold_until or len(entries) >= MANY):
            time.sleep(BREATH)
        if now >= self._watch_at:
            self._watch_at = now + WATCH_AGAIN
            if self._rollout.changed():
                self.reload("router (files)")
            self._follow_calendars(now)

    def _follow_calendars(self, now: datetime) -> None:
        state = self._engine.state
        event = self._rollout.calendars_changed(now, state.active, state.policies.get(state.active, {}))
        if event:
            self._journal.append(encode(event))

    def trouble(self) -> str:
        """Why somebody should look after this router; "" when there is no reason. Redis wrote, or a turn had raised."""
        late = self._clock() - LATE
        timer, delivery = self._engine.next_due(), self._waking.oldest_due
        if timer is not None and timer < late:
            return "a timer is overdue"
        if delivery is not None and delivery < late:
            return "a delivery is overdue: no worker takes it"
        if self._engine.parked:
            return "an incident can't be decided"
        return "" if self._caught_up_at >= late else "the journal is longer than what is read of it"

    def _wait_ms(self) -> int:
        now = self._clock()
        moments = [self._waking.look_at, self._alive_at, self._touched_at, self._watch_at]
        first = min(moments + [moment for moment in (self._hold_until, self._engine.next_due()) if moment is not None])
        return max(0, -((now - first) // timedelta(milliseconds=1)))

    def _apply(self, entries: list[Entry]) -> tuple[Changes, list[Quarantined]]:
        changes = Changes()
        quarantined = []
        for entry in entries:
            try:
                event = decode(entry.packed)
                began = self._clock() if self._traces else None
                changes.merge(self._read_files(event) if isinstance(event, ReloadAsked) else self._engine.apply(event))
                if self._traces and began:
                    self._traces.applied(event, began, self._clock())
            except (NotApplied, msgspec.DecodeError) as error:
                if isinstance(error, NotApplied):
                    changes.merge(error.changes)
                _log.exception("event quarantined", entry=entry.id)
                quarantined.append(Quarantined(entry=entry.id, reason=str(error), packed=entry.packed))
            self._checkpoint = entry.id
            sched_yield()  # or Redis and the doors, who are waited for, wait until the kernel takes the core from here
        if entries:
            average = sum(len(entry.packed) for entry in entries) // len(entries) + 1
            self._count = max(1, min(MOST_ENTRIES, MOST_BYTES // average))
        return changes, quarantined

    def _read_files(self, asked: ReloadAsked) -> Changes:
        verdict = self._rollout.read(asked.at, asked.actor, asked.key, self._engine.state.active)
        changes = self._engine.apply(verdict.event or asked)
        changes.answers[asked.key] = Answer(incident="", transition=None, text=verdict.text, problems=verdict.faults)
        return changes

    def _commit(self, changes: Changes, quarantined: list[Quarantined], now: datetime) -> None:
        kicks, nudges = self._waking.wakes(len(changes.deliveries), now)
        commit = Commit(
            changes=changes,
            checkpoint=self._checkpoint,
            now=now,
            last_number=self._engine.state.last_number,
            gauges=Gauges(incidents=self._engine.counts_by_state(), next_due=self._engine.next_due()),
            quarantined=tuple(quarantined),
            kicks=kicks,
            nudges=nudges,
        )
        self._store.commit(self._epoch, commit)
        if self._traces:
            self._traces.committed(changes, now, self._clock())
        self._alive_at = now + ALIVE_EVERY
        self._held, self._hold_until = Changes(), None
        if kicks:
            self._waking.kicked(kicks, now)
        for delivery in changes.deliveries:
            _log.debug(
                "delivery owed",
                cause=delivery.cause,
                delivery=delivery.id,
                incident=delivery.incident,
                destination=delivery.destination,
                reason=delivery.reason.value,
            )

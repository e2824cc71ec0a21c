"""The router's state: loaded at takeover, and kept up to date by commits that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias, TypeVar, cast

import msgspec
import redis
from redis.client import Pipeline
from redis.typing import EncodableT, FieldT

from alertrouter.alert import Alert
from alertrouter.delivery import Outcome
from alertrouter.engine.changes import Activation, Changes, Recall
from alertrouter.engine.state import EngineState, Pulse
from alertrouter.errors import LeaseLost, StoreUnavailable
from alertrouter.events import DeliverySettled, encode
from alertrouter.incident import Incident, State
from alertrouter.record import Silenced, silenced
from alertrouter.record import pack as pack_records
from alertrouter.silence import Silence
from alertrouter.store import records, revisions, stateformat
from alertrouter.store.begun import BEGUN, BEGUN_FOR, pack_marks
from alertrouter.store.connection import border
from alertrouter.store.journal import START, after
from alertrouter.store.keys import RANKS, Keys
from alertrouter.store.ledger_row import KEEP_SECONDS, new_row
from alertrouter.store.metrics import DELIVERIES
from alertrouter.store.moment import from_ms, to_ms
from alertrouter.store.queue import Kicks
from alertrouter.store.readable import UNREADABLE
from alertrouter.store.scripts import Argument, Script
from alertrouter.store.sharing import sharing
from alertrouter.summary import Summary

QUARANTINE_SIZE: Final = 1000
TIMELINE_SIZE: Final = 1000
ANSWER_SECONDS: Final = 60
MOST_NUDGES: Final = 16
_FIELDS_A_COMMAND: Final = 500
_FIELDS_A_SCAN: Final = 2000

_T = TypeVar("_T")
_Value: TypeAlias = str | bytes | int
_Name = TypeVar("_Name", bound=str)


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry that could not be applied, and why."""

    entry: str
    reason: str
    packed: bytes


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """What the router's memory looks like from outside."""

    incidents: dict[State, int]
    next_due: datetime | None


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """All that one commit writes. `checkpoint` is the last journal entry whose effects are in it."""

    changes: Changes
    checkpoint: str
    now: datetime
    last_number: int
    gauges: Gauges
    quarantined: tuple[Quarantined, ...] = ()
    kicks: int = 0
    nudges: int = 0


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in Redis. `unreadable` names records of another version, which were left where they are."""

    state: EngineState
    checkpoint: str
    unreadable: tuple[str, ...]
    files_revision: str


class StateStore:
    """Loads and commits in the name of one router."""

    def __init__(self, client: redis.Redis, keys: Keys, kicks: Kicks, *, history: timedelta) -> None:
        self._redis = client
        self._keys = keys
        self._kicks = kicks
        self._history = history
        self._outdated = True
        self._unrecorded: tuple[Silence, ...] = ()
        """Silences of a format that did not record them: the first commit does."""
        self._recall = Script(client, "ledger_recall")
        self._told = Script(client, "commit_told")
        self._revised = Script(client, revisions.ADD)

    def load(self) -> Loaded:
        """Read the whole state. Only after the lease was acquired: from then on nobody else writes it."""
        keys = self._keys
        unreadable: list[str] = []
        with border():
            alerts = self._records(keys.alerts, Alert, unreadable)
            state = EngineState(
                alerts={alert.fingerprint: alert for alert in sharing(one for _, one in alerts)},
                incidents=dict(self._records(keys.incidents, Incident, unreadable)),
                policies=dict(self._records(keys.policies, dict[str, str], unreadable)),
                heartbeats=dict(self._records(keys.heartbeats, Pulse, unreadable)),
                silences=dict(self._records(keys.silences, Silence, unreadable)),
                summaries=dict(self._records(keys.summaries, Summary, unreadable)),
            )
            values = self._redis.mget(
                keys.active, keys.last_number, keys.alive_at, keys.checkpoint, keys.files_revision, keys.format
            )
            self._outdated = stateformat.outdated(cast(bytes | None, values.pop()))
        self._unrecorded = tuple(state.silences.values()) if self._outdated else ()
        active, last_number, alive_at, checkpoint, from_files = (
            v.decode() if isinstance(v, bytes) else "" for v in values
        )
        state.active = active
        state.last_number = int(last_number or 0)
        state.alive_at = from_ms(int(alive_at)) if alive_at else None
        return Loaded(
            state=state, checkpoint=checkpoint or START, unreadable=tuple(unreadable), files_revision=from_files
        )

    def note_refused(self, faults: Sequence[str]) -> None:
        """Let the doors show why the directory's policy was refused; without faults, that it is no longer."""
        keys = self._keys
        with border(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(keys.gauges, "policy_faults", str(len(faults)))
            if faults:
                pipeline.set(keys.refused, msgspec.msgpack.encode(faults))
            else:
                pipeline.delete(keys.refused)
            pipeline.execute()

    def commit(self, epoch: int, commit: Commit) -> None:
        """Write it in one MULTI; raises `LeaseLost` when a later epoch has begun, and then nothing was written."""
        with border(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.watch(self._keys.epoch)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            if int(cast(bytes | None, pipeline.get(self._keys.epoch)) or 0) != epoch:
                raise LeaseLost("another router took over")
            pipeline.multi()
            self._state(pipeline, commit)
            self._tell(pipeline, commit)
            self._record(pipeline, commit)
            for name, recall in commit.changes.recalled.items():
                self._take_back(pipeline, name, recall, commit.now)
            for key, answer in commit.changes.answers.items():
                pipeline.set(self._keys.answer(key), msgspec.msgpack.encode(answer), ex=ANSWER_SECONDS)
            self._kicks.add(pipeline, commit.kicks)
            if commit.nudges:
                pipeline.rpush(self._keys.nudges, *["1"] * commit.nudges)
                pipeline.ltrim(self._keys.nudges, -MOST_NUDGES, -1)
            self._position(pipeline, commit)
            if self._outdated:
                pipeline.set(self._keys.format, stateformat.stamp())
            try:
                pipeline.execute()
            except redis.WatchError as error:
                raise self._lost(epoch) from error
            self._outdated = False
            self._unrecorded = ()

    def _lost(self, epoch: int) -> StoreUnavailable:
        """Tell the two cases apart that redis-py gives one name: a later epoch, and a connection that broke."""
        if int(cast(bytes | None, self._redis.get(self._keys.epoch)) or 0) == epoch:
            return StoreUnavailable("the answer to a commit was lost: nobody knows whether it was written")
        return LeaseLost("another router took over")

    def _records(self, key: str, kind: type[_T], unreadable: list[str]) -> Iterator[tuple[str, _T]]:
        decode: Callable[[bytes], _T] = msgspec.msgpack.Decoder(kind).decode
        fields = cast(Iterable[tuple[bytes, bytes]], self._redis.hscan_iter(key, count=_FIELDS_A_SCAN))
        for name, packed in fields:
            try:
                yield name.decode(), decode(packed)
            except UNREADABLE as error:
                unreadable.append(f"{key} {name.decode(errors='replace')}: {error}")

    def _state(self, pipeline: Pipeline, commit: Commit) -> None:
        keys, changes = self._keys, commit.changes
        _write(pipeline, keys.alerts, changes.alerts)
        _write(pipeline, keys.incidents, changes.incidents)
        _write(pipeline, keys.policies, changes.policies)
        _write(pipeline, keys.heartbeats, changes.heartbeats)
        _write(pipeline, keys.summaries, changes.summaries)
        if changes.silences:
            _write(pipeline, keys.silences, changes.silences)
            pipeline.set(keys.silences_version, f"{commit.now.isoformat()} {commit.checkpoint}")
        if changes.begun:
            oldest = to_ms(commit.now - BEGUN_FOR)
            pipeline.xadd(keys.begun, {BEGUN: pack_marks(changes.begun)}, minid=oldest, approximate=True)
        if changes.activation is not None:
            self._activate(pipeline, changes.activation, changes.policies[changes.activation.revision] or {})
        if changes.incidents:
            pipeline.set(keys.last_number, commit.last_number)

    def _activate(self, pipeline: Pipeline, activation: Activation, files: dict[str, str]) -> None:
        pipeline.set(self._keys.active, activation.revision)
        if activation.from_files:
            pipeline.set(self._keys.files_revision, activation.revision)
        record = revisions.Revision(
            happened=revisions.Happened.ACTIVATED,
            revision=activation.revision,
            at=activation.at,
            actor=activation.actor,
            files=files,
        )
        self._revised.within(pipeline, *revisions.adding(self._keys, record))

    def _tell(self, pipeline: Pipeline, commit: Commit) -> None:
        """Write stories, deliveries and counters: in one command, for each by itself would cost more than all of it."""
        keys, lines, owed = self._keys, commit.changes.timeline, commit.changes.deliveries
        if lines:
            fields: dict[FieldT, EncodableT] = {b"l": msgspec.msgpack.encode(lines)}
            pipeline.xadd(keys.history, fields, minid=to_ms(commit.now - self._history), approximate=True)
        counts = dict(commit.changes.counts)
        if commit.quarantined:
            counts["quarantined"] = counts.get("quarantined", 0) + len(commit.quarantined)
        if not (lines or owed or counts):
            return
        arguments: list[Argument] = [keys.timeline(""), keys.deliveries(""), keys.delivery(""), keys.due_prefix]
        arguments += [int(self._history.total_seconds()), TIMELINE_SIZE, len(lines), len(owed)]
        for line in lines:
            arguments += [line.incident, msgspec.msgpack.encode(line)]
        for delivery in owed:
            arguments += new_row(delivery)
        for name, by in counts.items():
            arguments += [name, by]
        self._told.within(pipeline, [keys.counters], arguments)

    def _record(self, pipeline: Pipeline, commit: Commit) -> None:
        if found := [*self._known(commit), *records.records_of(commit.changes, commit.now)]:
            oldest = to_ms(commit.now - self._history)
            fields = {records.FIELD: pack_records(found)}
            pipeline.xadd(self._keys.records, _fields(fields.items()), minid=oldest, approximate=True)

    def _known(self, commit: Commit) -> list[Silenced]:
        told = {record.silence for record in commit.changes.silenced}
        unknown = (one for one in self._unrecorded if one.id not in told and not one.maintenance)
        return [silenced(one, commit.now, one.created_by) for one in unknown]

    def _take_back(self, pipeline: Pipeline, name: str, recall: Recall, now: datetime) -> None:
        keys = self._keys
        event = DeliverySettled(
            at=now,
            actor="router",
            key=f"recalled:{name}",
            delivery=name,
            incident=recall.incident,
            destination=recall.destination,
            outcome=Outcome.CANCELLED,
            error=recall.why,
        )
        arguments: list[_Value] = [
            name,
            recall.why,
            encode(event),
            to_ms(now),
            KEEP_SECONDS,
            keys.due_prefix,
            RANKS,
            DELIVERIES,
        ]
        self._recall.within(pipeline, [keys.delivery(name), keys.journal, keys.counters], arguments)

    def _position(self, pipeline: Pipeline, commit: Commit) -> None:
        keys = self._keys
        for entry in commit.quarantined:
            fields: dict[str, _Value] = {"entry": entry.entry, "reason": entry.reason, "e": entry.packed}
            pipeline.xadd(keys.quarantine, _fields(fields.items()), maxlen=QUARANTINE_SIZE, approximate=True)
        gauges = {f"incidents:{state.value}": commit.gauges.incidents.get(state, 0) for state in State}
        next_due = commit.gauges.next_due
        gauges["next_due"] = to_ms(next_due) if next_due else -1
        pipeline.hset(keys.gauges, mapping=_fields(gauges.items()))
        pipeline.mset({keys.checkpoint: commit.checkpoint, keys.alive_at: to_ms(commit.now)})
        pipeline.xtrim(keys.journal, minid=after(commit.checkpoint), approximate=False)


def _write(pipeline: Pipeline, key: str, records: Mapping[_Name, object]) -> None:
    gone = [name for name, record in records.items() if record is None]
    kept = iter([(name, msgspec.msgpack.encode(record)) for name, record in records.items() if record is not None])
    while part := _fields(islice(kept, _FIELDS_A_COMMAND)):
        pipeline.hset(key, mapping=part)
    for start in range(0, len(gone), _FIELDS_A_COMMAND):
        pipeline.hdel(key, *gone[start : start + _FIELDS_A_COMMAND])


def _fields(pairs: Iterable[tuple[str, _Value]]) -> dict[FieldT, EncodableT]:
    """Give pairs the type that redis-py asks of a mapping, whose keys are invariant."""
    return dict[FieldT, EncodableT](pairs)

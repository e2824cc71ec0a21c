"""The history as records: what a commit adds to it, and how it is read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, cast

import msgspec
import redis
from msgspec.structs import replace

from alertrouter.engine.changes import Changes
from alertrouter.errors import PayloadError
from alertrouter.incident import Reason
from alertrouter.record import Begun, Ended, Moved, Record, Silenced, Told, pack, silenced, unpack
from alertrouter.silence import Silence
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.moment import to_ms
from alertrouter.store.readable import UNREADABLE, readable
from alertrouter.transition import Transition

FIELD: Final = "r"

_AT_ONCE: Final = 500
_BY_PEOPLE: Final = frozenset(
    {
        *(Transition.ACK, Transition.ACK_TOO, Transition.EXTEND, Transition.UNACK),
        *(Transition.SNOOZE, Transition.CLOSE),
    }
)


def records_of(changes: Changes, now: datetime) -> list[Record | Begun]:
    """What the history keeps of a commit's changes, in order of time."""
    found: list[Record | Begun] = [*changes.silenced]  # what began at the same moment begins in silence
    begun = frozenset(changes.begun)
    for mark, alert in changes.alerts.items():
        if alert is None:
            found.append(Ended(at=now, alert=mark))
        elif alert.ends_at is not None and alert.ends_at <= alert.updated_at:
            found.append(Ended(at=alert.updated_at, alert=mark))
        elif mark in begun:
            found.append(
                Begun(
                    at=alert.updated_at,
                    alert=mark,
                    labels=msgspec.Raw(alert.packed_labels),
                    starts_at=alert.starts_at,
                    incidents=alert.incidents,
                )
            )
    found += (_moved(changes, line.incident, line.transition, line.at) for line in changes.timeline if line.transition)
    found += (
        Told(
            at=one.born_at,
            incident=one.incident,
            receiver=one.receiver,
            channel=one.channel,
            severity=one.severity,
            over=one.reason is Reason.RESOLVED,
        )
        for one in changes.deliveries
        if not one.redraw
    )
    return sorted(found, key=lambda record: record.at)


def _moved(changes: Changes, name: str, transition: Transition, at: datetime) -> Moved:
    incident = changes.incidents.get(name)
    if incident is None:
        return Moved(at=at, incident=name, transition=transition)
    by, until = "", None
    if transition in _BY_PEOPLE:
        if transition is Transition.SNOOZE and incident.snooze:
            by, until = incident.snooze.by, incident.snooze.until
        elif incident.ack:
            by, until = incident.ack.by, incident.ack.until
    return Moved(
        at=at,
        incident=name,
        transition=transition,
        route=incident.route,
        severity=incident.severity,
        by=by,
        until=until,
    )


class History:
    """Reads the recorded history, and takes in one from elsewhere."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def read(self, since: datetime | None = None) -> Iterator[Record]:
        """Give all records from a moment on, oldest first. Raises `PayloadError` where they can't be read."""
        start = self._entry_before(since) if since else "-"
        while True:
            with border():
                entries = cast(
                    list[tuple[bytes, dict[bytes, bytes]]],
                    self._redis.xrange(self._keys.records, min=start, count=_AT_ONCE),
                )
            for entry, fields in entries:
                found = _unpacked(entry, fields)
                yield from (record for record in found if since is None or record.at >= since)
            if len(entries) < _AT_ONCE:
                return
            start = "(" + entries[-1][0].decode()

    def silences(self, since: datetime | None = None) -> list[Silenced]:
        """Give the silences that people had set by then and that were not over, without since: by the beginning.

        Where the history tells nothing of one that still stands in the state, that does.
        """
        found: dict[str, Silenced] = {}
        begin = since
        for record in self.read():
            begin = begin or record.at
            if record.at >= begin:
                break
            if isinstance(record, Silenced) and not record.maintenance:
                found[record.silence] = record
        if begin is None:
            return []
        with border():
            packed = cast(list[bytes], self._redis.hvals(self._keys.silences))
        for silence in readable(packed, msgspec.msgpack.Decoder(Silence).decode):
            if silence.updated_at < begin and not silence.maintenance:
                found.setdefault(silence.id, silenced(silence, begin, silence.created_by))
        return [replace(record, at=begin) for record in found.values() if record.ends_at > begin]

    def _entry_before(self, moment: datetime) -> str:
        """The entry in which what is of a moment may begin: one that was taken in holds many records."""
        with border():
            entries = cast(
                list[tuple[bytes, object]], self._redis.xrevrange(self._keys.records, max=to_ms(moment), count=1)
            )
        return entries[0][0].decode() if entries else "-"

    def take_in(self, records: Iterable[Record]) -> int:
        """Add records from elsewhere; only where there is no history yet. Raises `PayloadError`."""
        with border():
            if self._redis.xlen(self._keys.records):
                raise PayloadError("there is a history here already: import into a namespace of its own")
        number = 0
        batch: list[Record] = []
        for record in sorted(records, key=lambda one: one.at):
            batch.append(record)
            number += 1
            if len(batch) == _AT_ONCE:
                self._add(batch)
                batch = []
        if batch:
            self._add(batch)
        return number

    def _add(self, batch: list[Record]) -> None:
        with border():
            last = cast(list[tuple[bytes, object]], self._redis.xrevrange(self._keys.records, count=1))
            before, _, sequence = last[0][0].decode().partition("-") if last else ("0", "", "0")
            moment = max(to_ms(batch[0].at), int(before))
            name = f"{moment}-{int(sequence) + 1 if moment == int(before) else 0}"
            self._redis.xadd(self._keys.records, {FIELD: pack(batch)}, id=name)


def _unpacked(entry: bytes, fields: Mapping[bytes, bytes]) -> list[Record]:
    """Read an entry. One left out would make what is counted wrong: it is named instead, with the way out."""
    try:
        return unpack(fields[FIELD.encode()])
    except UNREADABLE as error:
        raise PayloadError(
            f"the recorded history can't be read at {entry.decode()}: {error}; "
            "`alertrouter backup FILE --set-aside` takes out what can't be read"
        ) from None

"""Whether a backup can be read: every entry by today's types, as the router, the workers and the doors would read it.

A checksum says that a file is as it was written, and nothing about what was written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from alertrouter import record as history
from alertrouter.alert import Alert
from alertrouter.delivery import LedgerState
from alertrouter.engine.changes import Answer
from alertrouter.engine.state import Pulse
from alertrouter.events import decode as read_event
from alertrouter.incident import Incident
from alertrouter.notice import InboxMessage
from alertrouter.shadow import Details, Shadow, Sums
from alertrouter.silence import Silence
from alertrouter.store import records, revisions, shadow, stateformat
from alertrouter.store.backup import Backup, Record, entries_of
from alertrouter.store.begun import BEGUN
from alertrouter.store.journal import FIELD
from alertrouter.store.ledger_row import row_of
from alertrouter.store.readable import UNREADABLE
from alertrouter.summary import Summary
from alertrouter.transition import TimelineLine

MOST_NAMED: Final = 20
"""So many complaints are told in words; the others are counted."""

_Fields: TypeAlias = Mapping[bytes, bytes]
_Read: TypeAlias = Callable[[_Fields], object]
_OWED: Final = frozenset(
    state.value.encode() for state in (LedgerState.PENDING, LedgerState.CLAIMED, LedgerState.RETRY, LedgerState.UNKNOWN)
)
_ONLY: Final = b""
"""The name of what an entry holds that has no fields."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a key is: its type in Redis, and how an entry of it is read. A hash has many entries, or is one `row`."""

    kind: str
    read: _Read
    row: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: its key without the namespace and the key's type, then what it takes to remove just it.

    `hash`: field, value; `stream`: id; `list` and `set`: value; `row`, a hash that is one entry: its fields, flat.
    """

    key: str
    kind: str
    entry: tuple[bytes, ...]


@dataclass(slots=True)
class Reading:
    """What was found: entries by key, those of one kind together; what can't be read, and where.

    `removable` are those of the unreadable without which the state is whole: one entry among others of its key.
    """

    entries: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    unreadable: int = 0
    removable: list[Place] = field(default_factory=list)

    def complain(self, what: str) -> None:
        """Note that an entry can't be read."""
        self.unreadable += 1
        if self.unreadable <= MOST_NAMED:
            self.complaints.append(what)


def read(backup: Backup) -> Reading:
    """Read all of it. Raises `NewerState` for a state that only a later version knows."""
    stateformat.refuse_newer(next((one.fields[0] for one in backup.records if one.name == "format"), b""))
    found = Reading()
    for one in backup.records:
        _read_key(one, found)
    _check_active(backup, found)
    return found


def form_of(name: str) -> tuple[str, Form] | None:
    """The kind of a key, as `timeline:`, with its form; None for one that this version doesn't know."""
    kind = name if name in FORMS else f"{name.partition(':')[0]}:"
    return (kind, FORMS[kind]) if kind in FORMS else None


def _read_key(one: Record, found: Reading) -> None:
    known = form_of(one.name)
    if known is None:
        return found.complain(f"{one.name}: this version knows no such key")
    kind, form = known
    if form.kind != one.kind:
        return found.complain(f"{one.name}: expected a {form.kind}, found a {one.kind}")
    try:
        for name, fields in _entries(one, form):
            found.entries[kind.removesuffix(":")] += 1
            if trouble := _trouble(form.read, fields):
                found.complain(f"{one.name} {name.decode(errors='replace')}".rstrip() + f": {trouble}")
                found.removable.extend(_place(one, form, name, fields))
    except (ValueError, IndexError):
        found.complain(f"{one.name}: its entries don't follow each other as in a {one.kind}")
    return None


def _trouble(read_one: _Read, fields: _Fields) -> str:
    try:
        read_one(fields)
    except KeyError as error:
        return f"it has no field {error.args[0].decode(errors='replace')}"
    except UNREADABLE as error:
        return str(error)
    return ""


def _entries(one: Record, form: Form) -> Iterator[tuple[bytes, _Fields]]:
    """Each entry with its name. Raises ValueError or IndexError for a list that can't be taken apart."""
    pairs = list(zip(one.fields[::2], one.fields[1::2], strict=True)) if one.kind in ("hash", "zset") else []
    match one.kind:
        case "stream":
            last = (0, 0)
            for entry, *fields in entries_of(one.fields):
                before, (milliseconds, _, sequence) = last, entry.decode().partition("-")
                last = (int(milliseconds), int(sequence))
                if last <= before:  # XADD would refuse it
                    raise ValueError("not in order")
                yield entry, dict(zip(fields[::2], fields[1::2], strict=True))
        case "hash" if form.row:
            yield b"", dict(pairs)
        case "hash" | "zset":
            yield from ((name, {_ONLY: value}) for name, value in pairs)
        case "string":
            yield b"", {_ONLY: one.fields[0]}
        case _:
            yield from ((str(number).encode(), {_ONLY: value}) for number, value in enumerate(one.fields, 1))


def _place(one: Record, form: Form, name: bytes, fields: _Fields) -> Iterator[Place]:
    """Where it stands, if it may be removed.

    What the router can't read of its journal it sets aside itself, and a delivery that is owed still a worker fails:
    without its end the router would wait for that, and tell the destination nothing more of its incident.
    """
    match one.kind:
        case "stream" if one.name != "journal":
            yield Place(one.name, "stream", (name,))
        case "hash" if form.row and fields.get(b"state") in _OWED:
            return
        case "hash" if form.row:
            yield Place(one.name, "row", one.fields)
        case "hash":
            yield Place(one.name, "hash", (name, fields[_ONLY]))
        case "list" | "set":
            yield Place(one.name, one.kind, (fields[_ONLY],))


def _check_active(backup: Backup, found: Reading) -> None:
    """The policy in force has to be there; it is not removed either while it can't be read: activate another one."""
    held = {one.name: one.fields for one in backup.records}
    active = held.get("active", (b"",))[0]
    if active and active not in held.get("policies", ())[::2]:
        found.complain(f"active: the policy {active.decode(errors='replace')} is not among the policies")
    found.removable = [one for one in found.removable if (one.key, one.entry[0]) != ("policies", active)]


def _packed(kind: object) -> _Read:
    decoder: msgspec.msgpack.Decoder[object] = msgspec.msgpack.Decoder(kind)
    return lambda fields: decoder.decode(fields[_ONLY])


def _values(**readers: Callable[[bytes], object]) -> _Read:
    """Of a stream's entry: these fields, all of them."""
    return lambda fields: [reader(fields[name.encode()]) for name, reader in readers.items()]


def _text(fields: _Fields) -> str:
    return fields[_ONLY].decode()


def _number(fields: _Fields) -> None:
    if not re.fullmatch(rb"-?\d+", fields[_ONLY]):
        raise ValueError(f"expected a whole number, found {fields[_ONLY]!r}")


def _score(fields: _Fields) -> float:
    return float(fields[_ONLY])


def _position(fields: _Fields) -> None:
    if not re.fullmatch(rb"\d+-\d+", fields[_ONLY]):
        raise ValueError(f"expected a place in the journal, found {fields[_ONLY]!r}")


def _mark(fields: _Fields) -> bytes:
    return bytes.fromhex(fields[_ONLY].decode())


def _exemplar(fields: _Fields) -> tuple[str, float, float]:
    trace, seconds, at = fields[_ONLY].decode().split(" ")
    return trace, float(seconds), float(at)


def _ledger_row(fields: _Fields) -> object:
    if (row := row_of(fields)) is None:
        raise ValueError("it has no delivery")
    return row


def _shadow(fields: _Fields) -> None:
    texts = msgspec.msgpack.Decoder(dict[str, str]).decode
    readers: dict[str, Callable[[bytes], object]] = {
        shadow.SET: msgspec.msgpack.Decoder(Shadow).decode,
        shadow.FILES: texts,
        shadow.LIVE: texts,
        shadow.SUMS: msgspec.msgpack.Decoder(Sums).decode,
        shadow.DETAILS: msgspec.msgpack.Decoder(Details).decode,
        shadow.SILENCES: msgspec.msgpack.Decoder(tuple[Silence, ...]).decode,
    }
    for name, reader in readers.items():
        if (value := fields.get(name.encode())) is not None:
            reader(value)


def _marks(packed: bytes) -> None:
    if len(packed) % 8:
        raise ValueError(f"expected 8 bytes for each alert, found {len(packed)}")


_LINES: Final = msgspec.msgpack.Decoder(list[TimelineLine])
_ANYTHING: Final = bytes

FORMS: Final[Mapping[str, Form]] = {
    "journal": Form("stream", _values(**{FIELD.decode(): read_event})),
    "checkpoint": Form("string", _position),
    "epoch": Form("string", _number),
    "format": Form("string", _text),
    "alerts": Form("hash", _packed(Alert)),
    "incidents": Form("hash", _packed(Incident)),
    "policies": Form("hash", _packed(dict[str, str])),
    "heartbeats": Form("hash", _packed(Pulse)),
    "silences": Form("hash", _packed(Silence)),
    "summaries": Form("hash", _packed(Summary)),
    "silences_version": Form("string", _text),
    "begun": Form("stream", _values(**{BEGUN.decode(): _marks})),
    "active": Form("string", _text),
    "files_revision": Form("string", _text),
    "revisions": Form("stream", _values(**{revisions.FIELD: revisions.unpack})),
    "shadow": Form("hash", _shadow, row=True),
    "refused": Form("string", _packed(list[str])),
    "last_number": Form("string", _number),
    "alive_at": Form("string", _number),
    "history": Form("stream", _values(l=_LINES.decode)),
    "records": Form("stream", _values(**{records.FIELD: history.unpack})),
    "timeline:": Form("list", _packed(TimelineLine)),
    "deliveries:": Form("list", _text),
    "delivery:": Form("hash", _ledger_row, row=True),
    "due:": Form("zset", _score),
    "lanes": Form("hash", _text),
    "lane:": Form("hash", _score),
    "counters": Form("hash", _number),
    "gauges": Form("hash", _number),
    "latency": Form("hash", _number),
    "exemplars": Form("hash", _exemplar),
    "answer:": Form("string", _packed(Answer)),
    "used:": Form("string", _text),
    "reconciled": Form("hash", _number),
    "listed:": Form("set", _mark),
    "backups": Form("hash", _number),
    "inbox": Form("hash", _packed(InboxMessage)),
    "inbox_order": Form("zset", _score),
    "quarantine": Form("stream", _values(entry=bytes.decode, reason=bytes.decode, e=_ANYTHING)),
    "set_aside": Form("stream", _values(reason=bytes.decode, raw=_ANYTHING)),
}
"""Every key that a backup may hold, without the namespace; one with a colon at its end stands for all that begin so."""

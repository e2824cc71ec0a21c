"""All of alertrouter's state as one file, and back: the same on every Redis and Valkey, whichever of them wrote it.

The file is a gzip of one MessagePack value, `Backup`. It holds no secret of the settings: policies have placeholders,
and the marks of used links are hashes. Not in it: the lease, which is a living router's, and RQ's keys, of which the
router makes new ones.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias, cast

import msgspec
import redis
from redis.client import Pipeline

from alertrouter.errors import AlertrouterError
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys
from alertrouter.store.moment import to_ms
from alertrouter.store.stateformat import refuse_newer

FORMAT: Final = 1
_READ: Final = Path(__file__).with_name("backup_read.lua").read_text(encoding="utf-8")
_PASSING: Final = frozenset({"lease", "draining", "nudges", "shadow_follower"})
"""What belongs to processes that run, and means nothing to those that will."""
_A_COMMAND: Final = 500
_ADD: Final = {"list": "RPUSH", "set": "SADD"}

_Stream: TypeAlias = list[tuple[bytes, list[bytes]]]


class NoBackup(AlertrouterError):
    """A file is no backup, or can't be put into this Redis as things stand."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One key: `name` without the namespace; `ends_at` in ms, None when it stays; `fields` is what it holds, flat.

    A stream's fields are, for each entry, its id, the number of its names and values, and those.
    """

    name: str
    kind: str
    ends_at: int | None
    fields: tuple[bytes, ...]


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """All state of one namespace at one moment."""

    format: int
    version: str
    namespace: str
    at: datetime
    records: tuple[Record, ...]

    def pack(self) -> bytes:
        """Give it as a file holds it."""
        return gzip.compress(msgspec.msgpack.encode(self), mtime=0)

    @property
    def state_format(self) -> str:
        """The format of what it holds, "1" for a state of before there were stamps."""
        stamp = next((record.fields[0] for record in self.records if record.name == "format"), b"1")
        return stamp.partition(b" ")[0].decode(errors="replace")

    def count(self, name: str) -> int:
        """How many entries a hash holds, as `incidents`."""
        return sum(len(record.fields) // 2 for record in self.records if record.name == name)


def unpack(packed: bytes) -> Backup:
    """Read a file; raises `NoBackup` when it is none, or a later version's."""
    try:
        backup = msgspec.msgpack.decode(gzip.decompress(packed), type=Backup)
    except (OSError, EOFError, ValueError, zlib.error) as error:  # gzip's checksum and msgspec's are among them
        raise NoBackup(f"this is no backup of alertrouter's, or it is damaged: {error}") from None
    if backup.format != FORMAT:
        raise NoBackup(
            f"the backup has format {backup.format}, expected {FORMAT}: it is of alertrouter {backup.version}"
        )
    return backup


def take(client: redis.Redis, keys: Keys, *, version: str, now: datetime) -> Backup:
    """Read all state at one moment. The server does nothing else meanwhile: about a second for 100,000 alerts."""
    prefix = f"{keys.namespace}:"
    with border():
        found = cast(list[tuple[bytes, bytes, bytes, list[bytes] | _Stream]], client.eval(_READ, 1, prefix))
    records = [
        Record(
            name=name.decode().removeprefix(prefix),
            kind=kind.decode(),
            ends_at=int(ends_at) if int(ends_at) >= 0 else None,
            fields=tuple(_held(kind, value)),
        )
        for name, kind, ends_at, value in found
    ]
    return Backup(
        format=FORMAT,
        version=version,
        namespace=keys.namespace,
        at=now,
        records=tuple(sorted((one for one in records if one.name not in _PASSING), key=lambda one: one.name)),
    )


def put_back(client: redis.Redis, keys: Keys, backup: Backup, *, replace: bool, now: datetime) -> None:
    """Make the namespace hold what the backup holds, in one step; a router that runs would write over it.

    Raises `NoBackup` when a router is active, or when the namespace holds something that `replace` doesn't let drop;
    `NewerState` when the backup is of a state that only a later version knows.
    """
    prefix = f"{keys.namespace}:"
    refuse_newer(next((record.fields[0] for record in backup.records if record.name == "format"), b""))
    with border(), client.pipeline() as pipeline:
        # Whoever takes the lease from here on makes EXEC fail.
        pipeline.watch(keys.lease, keys.epoch)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        if pipeline.exists(keys.lease):
            raise NoBackup("a router is active: stop all routers and workers first")
        there = sorted(set(cast(Iterator[bytes], client.scan_iter(f"{prefix}*", count=1000))))
        if there and not replace:
            raise NoBackup(f"{len(there)} keys are there already under {prefix}: --replace drops them")
        epoch = max(int(cast(bytes | None, pipeline.get(keys.epoch)) or 0), _epoch(backup)) + 1
        pipeline.multi()
        for start in range(0, len(there), _A_COMMAND):
            pipeline.delete(*there[start : start + _A_COMMAND])
        for record in backup.records:
            _write(pipeline, prefix + record.name, record, to_ms(now))
        # Later than any that the backup or this Redis has seen: a router of before writes nothing more.
        pipeline.set(keys.epoch, epoch)
        try:
            pipeline.execute()
        except redis.WatchError:
            raise NoBackup("a router became active meanwhile: stop all routers and workers first") from None


def _epoch(backup: Backup) -> int:
    return next((int(record.fields[0]) for record in backup.records if record.name == "epoch"), 0)


def _write(pipeline: Pipeline, key: str, record: Record, now: int) -> None:
    if record.ends_at is not None and record.ends_at <= now:
        return
    for command in _commands(key, record):
        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    if record.ends_at is not None:
        pipeline.pexpireat(key, record.ends_at)


def _commands(key: str, record: Record) -> Iterator[list[str | bytes]]:
    fields = record.fields
    match record.kind:
        case "string":
            yield ["SET", key, fields[0]]
        case "list" | "set":
            for part in _parts(fields, 1):
                yield [_ADD[record.kind], key, *part]
        case "hash":
            for part in _parts(fields, 2):
                yield ["HSET", key, *part]
        case "zset":
            for part in _parts(fields, 2):
                yield ["ZADD", key, *(value for at in range(0, len(part), 2) for value in (part[at + 1], part[at]))]
        case "stream":
            for entry in entries_of(fields):
                yield ["XADD", key, *entry]
        case kind:
            raise NoBackup(f"{record.name}: a {kind} is none of alertrouter's")


def _parts(fields: Sequence[bytes], width: int) -> Iterator[Sequence[bytes]]:
    step = _A_COMMAND * width
    return (fields[start : start + step] for start in range(0, len(fields), step))


def _held(kind: bytes, value: list[bytes] | _Stream) -> Iterator[bytes]:
    if kind == b"stream":
        yield from _flat(cast(_Stream, value))
    elif kind == b"hash":  # in no order of its own: by name, so that equal states make equal files
        plain = cast(list[bytes], value)
        for pair in sorted(zip(plain[::2], plain[1::2], strict=True)):
            yield from pair
    elif kind == b"set":  # in no order either
        yield from sorted(cast(list[bytes], value))
    else:
        yield from cast(list[bytes], value)


def _flat(entries: _Stream) -> Iterator[bytes]:
    for entry, pairs in entries:
        yield entry
        yield str(len(pairs)).encode()
        yield from pairs


def entries_of(fields: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Take a stream's fields apart: for each entry its id, then names and values."""
    at = 0
    while at < len(fields):
        count = int(fields[at + 1])
        yield [fields[at], *fields[at + 2 : at + 2 + count]]
        at += 2 + count


def record_success(client: redis.Redis, keys: Keys, component: str, now: datetime) -> None:
    """Note that the backup of a part of the stack succeeded: `/metrics` tells, and an old one is an alert."""
    with border():
        client.hset(keys.backups, component, str(int(now.timestamp())))

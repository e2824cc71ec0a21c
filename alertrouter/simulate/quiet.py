"""The silences that people set before the records that are lived: which were in force then, as far as these tell. Pure.

Those of the policy itself (`maintenance:`) are not among them: each run sets its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.record import Record, Silenced

_LATER: Final = timedelta(days=1)
"""One that was ended before its time would have lasted longer; until when, nothing tells, and nothing depends on it."""


def since(records: Iterable[Record], begin: datetime) -> list[Record]:
    """Leave out what was before a moment, but for the silences that were in force at it or were to come."""
    silences: dict[str, Silenced] = {}
    rest: list[Record] = []
    for record in records:
        if record.at >= begin:
            rest.append(record)
        elif isinstance(record, Silenced) and not record.maintenance:
            silences[record.silence] = record
    opening = [replace(one, at=begin) for one in silences.values() if one.ends_at > begin]
    return [*opening, *rest]


def with_those_before(records: Sequence[Record]) -> list[Record]:
    """Add the silences that were in force although nothing says when they were set.

    What is said of one first, that it was changed or ended, tells since when it was in force.
    """
    if not records:
        return []
    begin = records[0].at
    told: set[str] = set()
    before: list[Record] = []
    for record in records:
        if not isinstance(record, Silenced) or record.maintenance or record.silence in told:
            continue
        told.add(record.silence)
        at = max(record.starts_at, begin)
        if at < record.at and record.ends_at > at:
            until = record.at + _LATER if record.ends_at == record.at else record.ends_at
            before.append(replace(record, at=at, ends_at=until))
    return sorted([*before, *records], key=lambda record: record.at) if before else list(records)

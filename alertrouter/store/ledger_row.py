"""A row of the ledger, as a worker gets it, as it is looked at later, and as it is written when a delivery is born."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from alertrouter.delivery import Delivery, LedgerState
from alertrouter.store.keys import due_set
from alertrouter.store.moment import from_ms, to_ms

KEEP_SECONDS: Final = 7 * 24 * 3600
"""How long the fate of a delivery can be looked at."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this worker may send now.

    `attempts` counts this try. `lane` is where its destination was last sent through, "" if never; a place in it is
    taken, `pace` ms after the one before.
    `first_at` is when it was first tried, `error` what the last try said. `doubtful`: an earlier try may have arrived.
    """

    delivery: Delivery
    fence: int
    attempts: int
    lane: str
    pace: int
    first_at: datetime
    error: str
    doubtful: bool


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a try ended, to be written down. `channel` is where the message really went.

    For good it is `sent`, `failed` or `cancelled`, at `moment`; `retry` and `unknown` (it may have arrived) are due
    again at `moment`, until when the lane `hold_lane` is held, as `Retry-After` asks ("": none is). `reference` is
    where the message stands at the far side, `note` what a reader should know of it. `proven`: the far side has it
    once.
    """

    claimed: Claimed
    state: LedgerState
    moment: datetime
    channel: str
    error: str = ""
    note: str = ""
    reference: str | None = None
    hold_lane: str = ""
    proven: bool = False


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """The fate of one delivery, as it can be looked at until 7 days after it ended."""

    delivery: Delivery
    state: LedgerState
    attempts: int
    doubtful: bool
    worker: str = ""
    error: str = ""
    note: str = ""
    reference: str = ""
    first_at: datetime | None = None
    settled_at: datetime | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries are due, since when the oldest is, when the next one will be, and how many workers drain."""

    count: int
    earliest: datetime | None
    later: datetime | None
    draining: int = 0


def row_of(fields: Mapping[bytes, bytes]) -> LedgerRow | None:
    """Read a row from its hash; None when it holds none."""
    if b"delivery" not in fields:
        return None

    def moment(name: bytes) -> datetime | None:
        return from_ms(int(fields[name])) if name in fields else None

    return LedgerRow(
        delivery=msgspec.msgpack.decode(fields[b"delivery"], type=Delivery),
        state=LedgerState(fields[b"state"].decode()),
        attempts=int(fields.get(b"attempts", b"0")),
        doubtful=fields.get(b"doubtful") == b"1",
        worker=fields.get(b"worker", b"").decode(),
        error=fields.get(b"error", b"").decode(),
        note=fields.get(b"note", b"").decode(),
        reference=fields.get(b"reference", b"").decode(),
        first_at=moment(b"first_at"),
        settled_at=moment(b"settled_at"),
    )


def new_row(delivery: Delivery) -> tuple[str | int | bytes, ...]:
    """Give what the commit's script needs of a delivery that was just born."""
    return (
        delivery.id,
        delivery.incident,
        delivery.destination,
        delivery.channel,
        delivery.rank,
        due_set(delivery.channel, delivery.rank),
        to_ms(delivery.born_at),
        msgspec.msgpack.encode(delivery),
    )

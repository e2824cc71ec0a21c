"""A delivery: one message owed to one destination, and the states it passes through in the ledger."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from alertrouter.alert import Fingerprint
from alertrouter.incident import Ack, Reason, Snooze, State
from alertrouter.summary import Entry


class LedgerState(StrEnum):
    """Where a delivery stands. `pending → claimed → sent | retry | unknown | failed | cancelled`."""

    PENDING = "pending"
    CLAIMED = "claimed"
    """A worker holds it, until its lease runs out; the fence tells its settle from a late one."""
    RETRY = "retry"
    """Failed for now; due again at its time."""
    UNKNOWN = "unknown"
    """The request left and no answer came; due again, the far side may see it twice."""
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How a delivery ended, for good."""

    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message owed to one destination: what it should show, not its text.

    The worker reads the alerts of `firing` and `resolved` when it sends. `id` is `<incident>.<n>`, derived, never
    random, so that deciding twice owes once. `sequence` counts the messages to this destination from 1.
    `received_at` is when the report that caused it came in, `cause` its correlation id. A `redraw` changes a message in
    place and tells nobody anew; `version` is the incident's that it shows, as are `ack` and `snooze`; `raised` is the
    severity that time gave it, `climbs` says that it has a level to escalate to, `silenced` which silence hides all of
    it.
    """

    id: str
    incident: str
    destination: str
    receiver: str
    channel: str
    revision: str
    reason: Reason
    state: State
    severity: str
    rank: int
    group_key: str
    group_labels: dict[str, str]
    firing: tuple[Fingerprint, ...]
    resolved: tuple[Fingerprint, ...]
    sequence: int
    opened_at: datetime
    born_at: datetime
    received_at: datetime
    reference: str | None = None
    cause: str = ""
    redraw: bool = False
    version: int = 0
    ack: Ack | None = None
    snooze: Snooze | None = None
    raised: str = ""
    climbs: bool = False
    given_back: int = 0
    silenced: str = ""
    remarks: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

"""The journal's vocabulary: all that can happen, as one tagged union.

Each event carries `at` (UTC, from the door's clock), `actor` (who, and through what) and `key` (idempotence and
correlation: the same key twice changes nothing).
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from alertrouter.alert import AlertReport, Fingerprint
from alertrouter.delivery import Outcome
from alertrouter.silence import SilenceMatcher


class AlertsReceived(msgspec.Struct, frozen=True, kw_only=True, tag="alerts"):
    """A sender reported alerts."""

    at: datetime
    actor: str
    key: str
    alerts: tuple[AlertReport, ...]


class DeliverySettled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """A delivery ended: sent, failed for good, or cancelled. `reference` is where the message stands now."""

    at: datetime
    actor: str
    key: str
    delivery: str
    incident: str
    destination: str
    outcome: Outcome
    reference: str | None = None
    error: str = ""


class PolicyActivated(msgspec.Struct, frozen=True, kw_only=True, tag="policy"):
    """From now on new incidents follow this policy. `files` are its texts by file name; no secret is in them.

    `from_files`: the router found it in its policy directory; otherwise somebody published it.
    """

    at: datetime
    actor: str
    key: str
    revision: str
    files: dict[str, str]
    from_files: bool = False


class ReloadAsked(msgspec.Struct, frozen=True, kw_only=True, tag="reload"):
    """The router shall read its policy directory again. To the engine that means nothing: what is found there does."""

    at: datetime
    actor: str
    key: str


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """A sign of life came in for the heartbeat of this name."""

    at: datetime
    actor: str
    key: str
    name: str


class SilenceSet(msgspec.Struct, frozen=True, kw_only=True, tag="silence"):
    """Somebody asks for silence about alerts that meet all these matchers, or changes the silence of this id.

    A new one gets an id that follows from `key`. `with_alerts` lets it end when its alerts are over.
    """

    at: datetime
    actor: str
    key: str
    matchers: tuple[SilenceMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str = ""
    silence: str = ""
    with_alerts: bool = False


class SilenceExpired(msgspec.Struct, frozen=True, kw_only=True, tag="unsilence"):
    """Somebody ends a silence now."""

    at: datetime
    actor: str
    key: str
    silence: str


class Missed(msgspec.Struct, frozen=True, array_like=True):
    """An alert that its source lists as firing and that is not known here, at each look since a moment."""

    report: AlertReport
    since: datetime


class Gone(msgspec.Struct, frozen=True, array_like=True):
    """An alert that fires here and that its source lists no more, at each look since a moment."""

    alert: Fingerprint
    since: datetime


class HeldThere(msgspec.Struct, frozen=True, array_like=True):
    """Why an alert that fires here is held back at its source; "": it is no longer."""

    alert: Fingerprint
    why: str


class SourceReconciled(msgspec.Struct, frozen=True, kw_only=True, tag="reconciled"):
    """What a source lists was compared with what is known here; this is what its webhooks don't tell.

    `source` is how people know it, `looks` how often in a row it was looked at before that counts. `heard` are alerts
    that fire here and that it lists, told now and then and not at each look: its word of them is not old.
    """

    at: datetime
    actor: str
    key: str
    source: str
    looks: int
    missed: tuple[Missed, ...] = ()
    gone: tuple[Gone, ...] = ()
    held: tuple[HeldThere, ...] = ()
    heard: tuple[Fingerprint, ...] = ()


class _ByPerson(msgspec.Struct, frozen=True, kw_only=True):
    """What all that a person does to one incident has in common."""

    at: datetime
    actor: str
    key: str
    incident: str


class Acknowledged(_ByPerson, frozen=True, kw_only=True, tag="ack"):
    """Somebody takes an incident. `version` is the one they saw, None when they saw none (CLI, API)."""

    version: int | None = None


class Extended(_ByPerson, frozen=True, kw_only=True, tag="extend"):
    """Who took it is still on it: the acknowledgement lapses at `until`."""

    until: datetime


class Unacknowledged(_ByPerson, frozen=True, kw_only=True, tag="unack"):
    """Somebody gives an incident back."""

    version: int | None = None


class Snoozed(_ByPerson, frozen=True, kw_only=True, tag="snooze"):
    """Somebody asks for quiet about an incident until a moment."""

    until: datetime
    version: int | None = None


class Resolved(_ByPerson, frozen=True, kw_only=True, tag="resolve"):
    """Somebody calls an incident over. While its source still fires that takes `force`."""

    force: bool = False
    version: int | None = None


class Escalated(_ByPerson, frozen=True, kw_only=True, tag="escalate"):
    """Somebody wants the next level told now."""

    version: int | None = None


class Noted(_ByPerson, frozen=True, kw_only=True, tag="note"):
    """Somebody writes a line into an incident's story."""

    text: str


Action: TypeAlias = Acknowledged | Extended | Unacknowledged | Snoozed | Resolved | Escalated | Noted
"""What a person does to one incident."""

Event: TypeAlias = (
    AlertsReceived
    | DeliverySettled
    | PolicyActivated
    | ReloadAsked
    | Heartbeat
    | SilenceSet
    | SilenceExpired
    | SourceReconciled
    | Action
)

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Pack an event for the journal."""
    return _ENCODER.encode(event)


def decode(packed: bytes) -> Event:
    """Unpack a journal entry; raises `msgspec.ValidationError` or `msgspec.DecodeError` when it is none."""
    try:
        return _DECODER.decode(packed)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None

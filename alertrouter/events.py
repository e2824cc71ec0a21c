"""The journal's vocabulary: all that can happen, as one tagged union.

Each event carries `at` (UTC, from the door's clock), `actor` (who, and through what) and `key` (idempotence and
correlation: the same key twice changes nothing).
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from alertrouter.alert import AlertReport
from alertrouter.delivery import Outcome


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
    """From now on new incidents follow this policy. `files` are its texts by file name; no secret is in them."""

    at: datetime
    actor: str
    key: str
    revision: str
    files: dict[str, str]


Event: TypeAlias = AlertsReceived | DeliverySettled | PolicyActivated

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Pack an event for the journal."""
    return _ENCODER.encode(event)


def decode(packed: bytes) -> Event:
    """Unpack a journal entry; raises `msgspec.ValidationError` or `msgspec.DecodeError` when it is none."""
    return _DECODER.decode(packed)

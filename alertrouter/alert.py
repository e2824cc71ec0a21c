"""An alert: one label set, and what was last said about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NewType, TypeAlias

import msgspec

Labels: TypeAlias = Mapping[str, str]
"""Label names to values. A label that is not there equals the empty string."""

Fingerprint = NewType("Fingerprint", str)
"""Names a label set: 16 hex digits, equal to Alertmanager's."""

_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_MASK = 0xFFFFFFFFFFFFFFFF


def fingerprint(labels: Labels) -> Fingerprint:
    """Name a label set as Alertmanager does: FNV-1a 64 over name, 0xff, value, 0xff, sorted by name.

    About 10 µs for eight labels: compute it once for each new label set, never for a repeat.
    Source: https://github.com/prometheus/common/blob/main/model/signature.go
    """
    text = bytearray()
    for name in sorted(labels, key=lambda name: name.encode()):
        text += name.encode() + b"\xff" + labels[name].encode() + b"\xff"
    value = _FNV_OFFSET
    for byte in text:
        value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return Fingerprint(f"{value:016x}")


class AlertReport(msgspec.Struct, frozen=True, array_like=True):
    """What a sender said about one alert, once.

    `labels` stay MessagePack bytes until the router has seen that it doesn't know them: a re-sent alert
    is then one dict look-up. `ends_at` is None while it fires with no end in sight; an alert whose
    `ends_at` is not after the event's time is resolved.
    """

    labels: msgspec.Raw
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""

    @classmethod
    def of(
        cls,
        labels: Labels,
        annotations: Mapping[str, str] | None = None,
        *,
        starts_at: datetime,
        ends_at: datetime | None = None,
        generator_url: str = "",
    ) -> AlertReport:
        """Make a report from plain values; labels with an empty value are dropped, as Alertmanager does."""
        packed = msgspec.msgpack.encode({name: value for name, value in labels.items() if value})
        return cls(msgspec.Raw(packed), dict(annotations or {}), starts_at, ends_at, generator_url)

    def label_set(self) -> dict[str, str]:
        """Unpack the labels."""
        return msgspec.msgpack.decode(self.labels, type=dict[str, str])


class Alert(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One label set with its newest report, as the router remembers it.

    `incidents` are the ids of the incidents it belongs to, in route order. `updated_at` and a moved
    `ends_at` are persisted lazily, in bulk.
    """

    fingerprint: Fingerprint
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    generator_url: str = ""
    incidents: tuple[str, ...] = ()

    def firing(self, now: datetime) -> bool:
        """Tell whether it fires at `now`."""
        return self.ends_at is None or self.ends_at > now

"""From the fields that a sender gave to an `AlertReport`: times, limits, and what counts as resolved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from alertrouter.alert import AlertReport, pack, pack_annotations
from alertrouter.errors import PayloadError

MAX_LABELS: Final = 128
MAX_NAME: Final = 1024
MAX_LABEL: Final = 8 * 1024
MAX_ANNOTATION: Final = 64 * 1024
"""Limits in characters; an alert beyond one of them is set aside."""

Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""An RFC 3339 time. Digits behind the microseconds are rounded; a time without an offset is a fault."""

Status: TypeAlias = Literal["firing", "resolved"]

_FOREVER: Final = 9999
"""Some senders write the last year of the calendar for "no end"; nothing can be added to it."""

_EMPTY: Final = 0xA0
"""The empty text in MessagePack. Other texts may hold this byte too."""


class PostedAlert(
    msgspec.Struct, rename={"starts_at": "startsAt", "ends_at": "endsAt", "generator_url": "generatorURL"}
):
    """One alert in a body, as Prometheus writes it. Unknown members are ignored, null is as good as absent."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    generator_url: str | None = None


class ToldAlert(PostedAlert):
    """One alert in a webhook's body: its sender says whether it fires."""

    status: Status | None = None


def told(alert: ToldAlert, now: datetime, annotations: dict[str, str] | None = None) -> AlertReport:
    """Report an alert whose sender says whether it fires; `annotations` take the place of the alert's own.

    A firing alert whose end has passed has a sender with a wrong clock: it fires, without an end. An alert without
    `status` fires until its `endsAt`.
    """
    ends_at = moment(alert.ends_at, "endsAt")
    if alert.status == "resolved" or (alert.status is None and ends_at is not None and ends_at <= now):
        ends_at = min(ends_at or now, now)
    elif ends_at is not None and ends_at <= now:
        ends_at = None
    starts_at = moment(alert.starts_at, "startsAt") or now
    return report(alert, annotations, starts_at, ends_at, now)


def report(
    alert: PostedAlert,
    annotations: dict[str, str] | None,
    starts_at: datetime,
    ends_at: datetime | None,
    now: datetime,
    *,
    timeout: bool = False,
) -> AlertReport:
    """Check the limits and pack the labels. An alert has not begun later than now, nor after its own end."""
    if annotations is None:
        annotations = alert.annotations or {}
    packed = pack_annotations(annotations)
    _check_texts(annotations, packed, "annotations", MAX_ANNOTATION)
    generator_url = alert.generator_url
    if not generator_url:
        generator_url = ""
    elif len(generator_url) > MAX_LABEL:
        raise PayloadError(f"$.generatorURL: {len(generator_url)} characters, expected at most {MAX_LABEL}")
    if starts_at > now:
        starts_at = now
    if ends_at is not None and starts_at > ends_at:
        starts_at = ends_at
    return AlertReport(_packed(alert.labels), msgspec.Raw(packed), starts_at, ends_at, generator_url, timeout)


def moment(value: datetime | None, field: str) -> datetime | None:
    """Give a time in UTC; None for an absent one, for Go's zero time (year 1) and for the year 9999.

    A time without an offset, where a source lets one through, is in UTC.
    """
    if value is None or not 1 < value.year < _FOREVER:
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError as error:
        raise PayloadError(f"$.{field}: time out of range") from error


def _packed(labels: dict[str, str]) -> msgspec.Raw:
    packed = pack(labels)
    if _EMPTY in packed and "" in labels.values():
        labels = {name: value for name, value in labels.items() if value}
        packed = pack(labels)
    if not labels:
        raise PayloadError("$.labels: at least one label pair required")
    _check_texts(labels, packed, "labels", MAX_LABEL)
    return msgspec.Raw(packed)


def _check_texts(texts: dict[str, str], packed: bytes, field: str, longest: int) -> None:
    """Check the limits; few that are short together, as nearly always, are not looked at one by one."""
    if len(packed) <= MAX_NAME and len(texts) <= MAX_LABELS and not (_EMPTY in packed and "" in texts):
        return
    if len(texts) > MAX_LABELS:
        raise PayloadError(f"$.{field}: {len(texts)} of them, expected at most {MAX_LABELS}")
    for name, value in texts.items():
        if not name or len(name) > MAX_NAME:
            raise PayloadError(f"$.{field}: a name of {len(name)} characters, expected 1 to {MAX_NAME}")
        if len(value) > longest:
            raise PayloadError(f"$.{field}.{name[:64]}: {len(value)} characters, expected at most {longest}")

"""The values of Alertmanager's API v2, as it names them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from alertrouter.alert import Alert
from alertrouter.silence import Silence, SilenceMatcher
from alertrouter.store.catalogue import Shown

NO_END: Final = timedelta(minutes=5)
"""An alert whose sender named no end is shown with one that lies so far ahead; Alertmanager's `resolve_timeout`."""


class Named(msgspec.Struct, frozen=True):
    """A receiver."""

    name: str


class AlertStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How an alert stands. It is never `unprocessed`: what the API shows, the router has dealt with."""

    inhibited_by: list[str]
    muted_by: list[str]
    silenced_by: list[str]
    state: str


class GettableAlert(
    msgspec.Struct,
    frozen=True,
    rename={"generator_url": "generatorURL"}
    | {name: name.split("_")[0] + "At" for name in ("ends_at", "starts_at", "updated_at")},
):
    """One firing alert."""

    annotations: dict[str, str]
    ends_at: datetime
    fingerprint: str
    receivers: list[Named]
    starts_at: datetime
    status: AlertStatus
    updated_at: datetime
    generator_url: str
    labels: dict[str, str]

    @classmethod
    def of(cls, shown: Shown, receivers: Iterable[str], now: datetime) -> GettableAlert:
        """Show an alert."""
        alert = shown.alert
        suppressed = shown.silences or shown.inhibited_by
        return cls(
            annotations=alert.annotations,
            ends_at=_end(alert, now),
            fingerprint=shown.name,
            receivers=[Named(name) for name in receivers],
            starts_at=alert.starts_at,
            status=AlertStatus(
                inhibited_by=list(shown.inhibited_by),
                muted_by=[one.held for one in shown.incidents if one.held],
                silenced_by=sorted(one.id for one in shown.silences),
                state="suppressed" if suppressed else "active",
            ),
            updated_at=alert.updated_at,
            generator_url=alert.generator_url,
            labels=shown.labels,
        )


class AlertGroup(msgspec.Struct, frozen=True):
    """The alerts of one incident that go to one receiver."""

    alerts: list[GettableAlert]
    labels: dict[str, str]
    receiver: Named


class Matcher(msgspec.Struct, frozen=True, rename="camel"):
    """One condition of a silence."""

    name: str
    value: str
    is_regex: bool
    is_equal: bool | None = True

    @classmethod
    def of(cls, one: SilenceMatcher) -> Matcher:
        """Show a condition."""
        return cls(one.name, one.value, one.is_regex, one.is_equal)


class SilenceStatus(msgspec.Struct, frozen=True):
    """How a silence stands."""

    state: str


class GettableSilence(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One silence. `with_alerts` is ours: it ends once its alerts are over."""

    id: str
    status: SilenceStatus
    updated_at: datetime
    comment: str
    created_by: str
    ends_at: datetime
    matchers: list[Matcher]
    starts_at: datetime
    with_alerts: bool = False

    @classmethod
    def of(cls, silence: Silence, now: datetime) -> GettableSilence:
        """Show a silence."""
        return cls(
            id=silence.id,
            status=SilenceStatus(silence.state_at(now)),
            updated_at=silence.updated_at,
            comment=silence.comment,
            created_by=silence.created_by,
            ends_at=silence.ends_at,
            matchers=[Matcher.of(one) for one in silence.matchers],
            starts_at=silence.starts_at,
            with_alerts=silence.with_alerts,
        )


class PostableSilence(msgspec.Struct, frozen=True, rename="camel"):
    """A silence that is asked for, or the one of this id, changed."""

    matchers: list[Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str | None = None
    with_alerts: bool = False


def answer(value: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def fault(status: int, message: str, code: int = 0) -> Response:
    """Say what can't be done: as a text, or, with a code, as Alertmanager's framework does."""
    return answer({"code": code, "message": message} if code else message, status)


def _end(alert: Alert, now: datetime) -> datetime:
    return alert.ends_at or max(alert.updated_at, now.astimezone(UTC)) + NO_END

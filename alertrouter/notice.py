"""A notice: everything a message about an incident may say, as plain values, before any channel's form.

The worker builds it from a `Delivery` and the alerts it names; `render` turns it into text, a notifier sends that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

import msgspec

from alertrouter.alert import Alert, Fingerprint, Labels, alertmanager_fingerprint
from alertrouter.correlation import trace_of
from alertrouter.delivery import Delivery
from alertrouter.incident import Ack, Reason, Snooze, State
from alertrouter.summary import Entry

Status: TypeAlias = Literal["firing", "resolved"]


TOGETHER: Final = (
    "Told together; this isn't drawn anew when one is taken. "
    "Each escalates by itself and is acknowledged by its number, as in: ack INC-142."
)


class NoticeAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as a message shows it. `ends_at` is None while it fires.

    `name` is Alertmanager's name for the label set, "" when nobody has asked for it yet.
    """

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""
    name: str = ""

    @property
    def fingerprint(self) -> str:
        """Alertmanager's name for the label set."""
        return self.name or alertmanager_fingerprint(self.labels)


class Notice(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What one destination is to be told now: the whole picture, not the news.

    `severity` is the policy's word, `severity_rank` its place (0 lowest) among `severity_count` severities.
    `sequence` is 1 for the first message to this destination; `reference` is where that one stands (Slack
    `channel:ts`). `external_url` is alertrouter's own address, "" when not set. A `redraw` changes the message in place
    and tells nobody anew. `raised` is the severity that time gave it, "" when none; one that `climbs` can be escalated.
    `given_back` counts the acknowledgements that ended while it went on.
    `trace_id` is that of the request that caused it, "" when nobody traces.
    `silenced` says which silence hides all of it, until when, and who wanted that; "" when none does.
    `doubtful_since` is when it was first tried, if an earlier try may have arrived, None when none can have.
    """

    delivery: str
    incident: str
    destination: str
    receiver: str
    reason: Reason
    status: Status
    severity: str
    severity_rank: int
    severity_count: int
    group_key: str
    group_labels: dict[str, str]
    firing: tuple[NoticeAlert, ...]
    resolved: tuple[NoticeAlert, ...]
    sequence: int
    opened_at: datetime
    at: datetime
    reference: str | None = None
    external_url: str = ""
    state: State = State.TRIGGERED
    version: int = 0
    redraw: bool = False
    ack: Ack | None = None
    snooze: Snooze | None = None
    raised: str = ""
    climbs: bool = False
    given_back: int = 0
    trace_id: str = ""
    silenced: str = ""
    remarks: tuple[str, ...] = ()
    shared: bool = False
    doubtful_since: datetime | None = None

    @classmethod
    def of(
        cls,
        delivery: Delivery,
        alerts: Mapping[Fingerprint, Alert],
        *,
        severity_count: int,
        external_url: str = "",
        now: datetime,
        doubtful_since: datetime | None = None,
        names: Mapping[Fingerprint, str] | None = None,
    ) -> Notice:
        """Build it from what the ledger owes and the alerts as they are now; an alert that is gone is left out.

        `names` are Alertmanager's, as far as they are known. What follows is a line a field.
        """
        firing = _shown(delivery.firing, "firing", alerts, names or {}, now)
        resolved = _shown(delivery.resolved, "resolved", alerts, names or {}, now)
        firing += tuple(_entry(entry) for entry in delivery.entries if entry.fires)
        resolved += tuple(_entry(entry) for entry in delivery.entries if not entry.fires)
        return cls(
            delivery=delivery.id,
            incident=delivery.incident,
            destination=delivery.destination,
            receiver=delivery.receiver,
            reason=delivery.reason,
            status="firing" if delivery.firing or any(entry.fires for entry in delivery.entries) else "resolved",
            severity=delivery.severity,
            severity_rank=delivery.rank,
            severity_count=severity_count,
            group_key=delivery.group_key,
            group_labels=delivery.group_labels,
            firing=firing,
            resolved=resolved,
            sequence=delivery.sequence,
            opened_at=delivery.opened_at,
            at=now,
            reference=delivery.reference,
            external_url=external_url,
            state=delivery.state,
            version=delivery.version,
            redraw=delivery.redraw,
            ack=delivery.ack,
            snooze=delivery.snooze,
            raised=delivery.raised,
            climbs=delivery.climbs,
            given_back=delivery.given_back,
            trace_id=trace.trace_id if (trace := trace_of(delivery.cause)) else "",
            silenced=delivery.silenced,
            remarks=delivery.remarks,
            shared=bool(delivery.entries),
            doubtful_since=doubtful_since,
        )

    @property
    def alerts(self) -> tuple[NoticeAlert, ...]:
        """Firing ones first, then the resolved; each in Alertmanager's order, so that no message reshuffles."""
        return self.firing + self.resolved

    @cached_property
    def common_labels(self) -> dict[str, str]:
        """The labels that all its alerts share."""
        return _common([alert.labels for alert in self.alerts])

    @cached_property
    def common_annotations(self) -> dict[str, str]:
        """The annotations that all its alerts share."""
        return _common([alert.annotations for alert in self.alerts])

    def differing(self, alert: NoticeAlert) -> dict[str, str]:
        """The labels of `alert` that tell it from the others."""
        return {name: value for name, value in alert.labels.items() if self.common_labels.get(name) != value}

    @property
    def title(self) -> str:
        """A headline in plain text: the common alert name, else the group labels, else the incident."""
        name = self.common_labels.get("alertname") or self.group_labels.get("alertname")
        return name or " ".join(self.group_labels.values()) or self.incident

    @property
    def page(self) -> str:
        """Where its incident's page is; "" when its address isn't known, or it is of several incidents or of none."""
        known = self.external_url and self.incident.startswith("INC-") and not self.shared
        return f"{self.external_url.rstrip('/')}/incidents/{quote(self.incident)}" if known else ""


class InboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message in the built-in inbox.

    `html` is escaped and safe to show; `instead_of` says which channel it stands in for.
    """

    id: str
    incident: str
    receiver: str
    severity: str
    severity_rank: int
    severity_count: int
    status: Status
    title: str
    html: str
    at: datetime
    sequence: int = 1
    instead_of: str = ""


class Inbox(Protocol):
    """Where the inbox notifier keeps its messages (Redis, by the store)."""

    def keep(self, message: InboxMessage) -> None:
        """Keep a message; one with the id of an earlier one takes its place."""


def _shown(
    marks: Iterable[Fingerprint],
    status: Status,
    alerts: Mapping[Fingerprint, Alert],
    names: Mapping[Fingerprint, str],
    now: datetime,
) -> tuple[NoticeAlert, ...]:
    shown = [
        NoticeAlert(
            status=status,
            labels=alert.labels,
            annotations=alert.annotations,
            starts_at=alert.starts_at,
            ends_at=(alert.ends_at or now) if status == "resolved" else None,
            generator_url=alert.generator_url,
            name=names.get(mark, ""),
        )
        for mark in marks
        if (alert := alerts.get(mark))
    ]
    return tuple(in_order(shown))


def in_order(alerts: Sequence[NoticeAlert]) -> list[NoticeAlert]:
    """Alertmanager's order: by job, then instance (those without come last), then the labels, which seldom decide."""
    first = list(map(_place, alerts))
    if len(set(first)) == len(first):
        return [alerts[at] for at in sorted(range(len(first)), key=first.__getitem__)]
    return sorted(alerts, key=lambda alert: (*_place(alert), len(alert.labels), sorted(alert.labels.items())))


def _place(alert: NoticeAlert) -> tuple[bool, str, bool, str]:
    job, instance = alert.labels.get("job"), alert.labels.get("instance")
    return job is None, job or "", instance is None, instance or ""


def _entry(entry: Entry) -> NoticeAlert:
    """Show an incident of a summary as an alert is shown."""
    return NoticeAlert(
        status="firing" if entry.fires else "resolved",
        labels=entry.labels,
        annotations={"summary": TOGETHER} if entry.fires else {},
        starts_at=entry.since,
        ends_at=entry.ended_at,
    )


def _common(sets: list[dict[str, str]]) -> dict[str, str]:
    if not sets:
        return {}
    shared, *others = sets
    for other in others:
        if not shared.items() <= other.items():
            shared = {name: value for name, value in shared.items() if other.get(name) == value}
    return dict(shared)


def labels_text(labels: Labels) -> str:
    """Give labels as Alertmanager writes them: `{a="b", c="d"}`, sorted."""
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return "{" + inner + "}"

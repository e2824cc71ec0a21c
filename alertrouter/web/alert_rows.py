"""An incident's alerts as its pages show them: what each says of itself, where, since when, and where help is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alertrouter.alert import Alert
from alertrouter.incident import Incident
from alertrouter.render.look import Link, cut, web_url

MOST_LABELS: Final = 12
LONGEST: Final = 600
"""Characters of a description; the message had more."""
_LINKS: Final = (
    ("Runbook", ("runbook_url", "runbook")),
    ("Dashboard", ("dashboard_url", "dashboard")),
)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `labels` are those that its incident does not say already, `held` why it is told to nobody."""

    name: str
    summary: str
    description: str
    labels: tuple[str, ...]
    firing: bool
    starts_at: datetime
    ends_at: datetime | None
    held: str
    links: tuple[Link, ...]

    @classmethod
    def list_of(cls, incident: Incident, alerts: Iterable[Alert], now: datetime) -> list[AlertRow]:
        """Show them: what fires first, then the oldest first."""
        rows = [cls._of(incident, one, now) for one in alerts]
        return sorted(rows, key=lambda row: (not row.firing, row.starts_at, row.labels))

    @classmethod
    def _of(cls, incident: Incident, alert: Alert, now: datetime) -> AlertRow:
        labels, said = alert.labels, alert.annotations
        known = {"alertname", "severity", *incident.group_labels}
        firing = alert.firing(now)
        return cls(
            name=labels.get("alertname", ""),
            summary=cut(said.get("summary") or said.get("message") or "", LONGEST),
            description=cut(said.get("description", ""), LONGEST),
            labels=tuple(f"{name}={cut(value, 120)}" for name, value in labels.items() if name not in known)[
                :MOST_LABELS
            ],
            firing=firing,
            starts_at=alert.starts_at,
            ends_at=None if firing else alert.ends_at,
            held=incident.suppressed.get(alert.fingerprint, ""),
            links=tuple(_links(said, alert.generator_url)),
        )


def _links(annotations: Mapping[str, str], source: str) -> Iterable[Link]:
    """Runbook, dashboard and source, where they are links that may be shown."""
    for text, names in _LINKS:
        if url := next((found for name in names if (found := web_url(annotations.get(name, "")))), ""):
            yield Link(text, url)
    if url := web_url(source):
        yield Link("Source", url)

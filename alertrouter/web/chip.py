"""An incident at a glance, as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alertrouter.incident import Incident, State
from alertrouter.render.look import tone_of
from alertrouter.web.standing import taken_by


@dataclass(frozen=True, slots=True)
class Chip:
    """An incident at a glance; `taken` and `silenced` say who has it, and who silenced it, or nothing.

    `failed` are the destinations that were not reached, and why.
    """

    id: str
    title: str
    where: str
    severity: str
    tone: str
    state: str
    opened_at: datetime
    taken: str
    silenced: str
    failed: tuple[str, ...]

    @classmethod
    def of(cls, incident: Incident) -> Chip:
        """Show an incident by its alert name and the labels of its group."""
        labels = dict(incident.group_labels)
        name = labels.pop("alertname", "") or " · ".join(labels.values())
        # The severities of the policy that opened it aren't known here: an unusual one is shown as a warning.
        tone = "resolved" if incident.state is State.RESOLVED else tone_of(incident.severity, 1, 3)
        return cls(
            id=incident.id,
            title=name or incident.id,
            where=" · ".join(labels.values()) if "alertname" in incident.group_labels else "",
            severity=incident.severity or "none",
            tone=tone,
            state=incident.state,
            opened_at=incident.opened_at,
            taken=taken_by(incident),
            silenced=incident.silenced,
            failed=tuple(f"not {one.id}: {one.error}" for one in incident.destinations if one.error),
        )

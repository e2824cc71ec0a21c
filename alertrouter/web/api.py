"""The incidents as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from alertrouter.errors import NotFound
from alertrouter.incident import Incident, Reason, State, TimelineLine, Transition
from alertrouter.store.doorstore import DoorStore

IncidentId = Annotated[str, Path(max_length=512, description="The incident's id.")]


class DestinationView(BaseModel):
    """What one destination was told."""

    id: str
    messages: int
    in_flight: bool
    last_sent_at: datetime | None
    error: str

    @classmethod
    def list_of(cls, incident: Incident) -> list[DestinationView]:
        """Show an incident's destinations."""
        return [
            cls(
                id=one.id,
                messages=one.sequence,
                in_flight=one.in_flight is not None,
                last_sent_at=one.last_sent_at,
                error=one.error,
            )
            for one in incident.destinations
        ]


class IncidentView(BaseModel):
    """One incident. `suppressed` says for each alert that is held back why; `held` why the whole incident is."""

    id: str
    number: int
    state: State
    severity: str
    peak: str
    route: str
    group_key: str
    group_labels: dict[str, str]
    opened_at: datetime
    due: datetime | None
    resolved_at: datetime | None
    revision: str
    suppressed: dict[str, str]
    held: str
    destinations: list[DestinationView]

    @classmethod
    def of(cls, incident: Incident) -> IncidentView:
        """Show an incident."""
        return cls(
            id=incident.id,
            number=incident.number,
            state=incident.state,
            severity=incident.severity,
            peak=incident.peak,
            route=incident.route,
            group_key=incident.group_key,
            group_labels=incident.group_labels,
            opened_at=incident.opened_at,
            due=incident.due,
            resolved_at=incident.resolved_at,
            revision=incident.revision,
            suppressed={str(name): why for name, why in incident.suppressed.items()},
            held=incident.held,
            destinations=DestinationView.list_of(incident),
        )


class LineView(BaseModel):
    """One line of an incident's story."""

    at: datetime
    transition: Transition | None
    reason: Reason | None
    text: str

    @classmethod
    def of(cls, line: TimelineLine) -> LineView:
        """Show a line."""
        return cls(at=line.at, transition=line.transition, reason=line.reason, text=line.text)


def router(store: DoorStore) -> APIRouter:
    """Give the routes of the API."""
    api = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])

    @api.get("")
    async def incidents(
        state: Annotated[
            list[State] | None, Query(description="Only these states; may be given several times.")
        ] = None,
    ) -> list[IncidentView]:
        """List the incidents, newest first."""
        found = [one for one in await store.incidents() if state is None or one.state in state]
        return [IncidentView.of(one) for one in sorted(found, key=lambda one: one.number, reverse=True)]

    @api.get("/{incident}/timeline")
    async def timeline(incident: IncidentId, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[LineView]:
        """Tell what happened to an incident, oldest first; also of one that is long over."""
        lines = await store.timeline(incident, limit)
        if not lines:
            await _find(store, incident)
        return [LineView.of(line) for line in lines]

    @api.get("/{incident}")
    async def one(incident: IncidentId) -> IncidentView:
        """Show one incident."""
        return IncidentView.of(await _find(store, incident))

    return api


async def _find(store: DoorStore, incident: str) -> Incident:
    for one in await store.incidents():
        if one.id == incident:
            return one
    raise NotFound(f"there is no incident {incident!r}")

"""The pages: the inbox with the newest messages, the open incidents, and one incident's story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident, State
from alertrouter.render.look import tone_of
from alertrouter.settings import Settings
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.first_steps import first_alert, receiver
from alertrouter.web.page import Pages
from alertrouter.web.standing import standing, taken_by

MESSAGES: Final = 50
INCIDENTS: Final = 24
LINES: Final = 500


@dataclass(frozen=True, slots=True)
class Chip:
    """An incident at a glance."""

    id: str
    number: int
    title: str
    where: str
    severity: str
    tone: str
    state: str
    opened_at: datetime
    taken: str

    @classmethod
    def of(cls, incident: Incident) -> Chip:
        """Show an incident by its alert name and the labels of its group."""
        labels = dict(incident.group_labels)
        name = labels.pop("alertname", "") or " · ".join(labels.values())
        # The severities of the policy that opened it aren't known here: an unusual one is shown as a warning.
        tone = "resolved" if incident.state is State.RESOLVED else tone_of(incident.severity, 1, 3)
        return cls(
            id=incident.id,
            number=incident.number,
            title=name or incident.id,
            where=" · ".join(labels.values()) if "alertname" in incident.group_labels else "",
            severity=incident.severity or "none",
            tone=tone,
            state=incident.state,
            opened_at=incident.opened_at,
            taken=taken_by(incident),
        )


class Console:
    """The pages that people look at."""

    def __init__(self, store: DoorStore, settings: Settings, pages: Pages) -> None:
        self._store = store
        self._first_alert = first_alert(settings)
        self._receiver = receiver(settings)
        self._pages = pages

    def routes(self) -> list[Route]:
        """Give the routes of the pages."""
        return [
            Route("/", self.inbox),
            Route("/live", self.live),
            Route("/incidents/{incident:path}", self.incident),
        ]

    async def inbox(self, request: Request) -> Response:
        """Show the newest messages and the open incidents."""
        return await self._shown(request, "inbox.html")

    async def live(self, request: Request) -> Response:
        """Give the part of the inbox that changes, for the page's script."""
        return await self._shown(request, "live.html")

    async def incident(self, request: Request) -> Response:
        """Show one incident's story and its messages."""
        name = str(request.path_params["incident"])
        try:
            lines = await self._store.timeline(name, LINES)
            found = await self._store.incident(name)
            messages = [one for one in await self._store.inbox(MESSAGES) if one.incident == name]
        except StoreUnavailable as error:
            return self._pages.page(request, "gone.html", 503, text=str(error))
        if not lines and not found:
            return self._pages.page(request, "gone.html", 404, text="There is no such incident.")
        return self._pages.page(
            request,
            "incident.html",
            name=name,
            chip=Chip.of(found) if found else None,
            facts=tuple(standing(found)) if found else (),
            lines=lines,
            messages=messages,
        )

    async def _shown(self, request: Request, page: str) -> Response:
        try:
            messages = await self._store.inbox(MESSAGES)
            incidents = await self._store.incidents()
            trouble = await self._store.trouble()
            refused = await self._store.refused()
        except StoreUnavailable as error:
            return self._pages.page(request, "gone.html", 503, text=str(error))
        chips = [Chip.of(one) for one in incidents if one.state is not State.RESOLVED]
        return self._pages.page(
            request,
            page,
            messages=messages,
            chips=chips[:INCIDENTS],
            open_count=len(chips),
            more=max(len(chips) - INCIDENTS, 0),
            trouble=trouble,
            refused=refused,
            first_alert=self._first_alert,
            receiver=self._receiver,
        )

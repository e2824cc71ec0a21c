"""The pages: the inbox with the newest messages, the open incidents, and one incident's story."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import __version__
from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident, State
from alertrouter.notice import InboxMessage
from alertrouter.render.look import tone_of
from alertrouter.settings import Settings
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.first_steps import first_alert, receiver

MESSAGES: Final = 50
INCIDENTS: Final = 24
LINES: Final = 500

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""On every page. Messages hold what senders wrote: nothing of it can run here, even if its escaping failed."""


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
        )


class Console:
    """The pages that people look at."""

    def __init__(self, store: DoorStore, settings: Settings) -> None:
        self._store = store
        self._first_alert = first_alert(settings)
        self._receiver = receiver(settings)
        self._pages = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(version=__version__)
        self._pages.filters.update(safe_card=_card, clock=_clock, iso=_iso)

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
            found = [one for one in await self._store.incidents() if one.id == name]
            messages = [one for one in await self._store.inbox(MESSAGES) if one.incident == name]
        except StoreUnavailable as error:
            return self._page(request, "gone.html", 503, text=str(error))
        if not lines and not found:
            return self._page(request, "gone.html", 404, text="There is no such incident.")
        chip = Chip.of(found[0]) if found else None
        return self._page(request, "incident.html", name=name, chip=chip, lines=lines, messages=messages)

    async def _shown(self, request: Request, page: str) -> Response:
        try:
            messages = await self._store.inbox(MESSAGES)
            incidents = await self._store.incidents()
            trouble = await self._store.trouble()
        except StoreUnavailable as error:
            return self._page(request, "gone.html", 503, text=str(error))
        chips = [Chip.of(one) for one in incidents if one.state is not State.RESOLVED]
        return self._page(
            request,
            page,
            messages=messages,
            chips=chips[:INCIDENTS],
            open_count=len(chips),
            more=max(len(chips) - INCIDENTS, 0),
            trouble=trouble,
            first_alert=self._first_alert,
            receiver=self._receiver,
        )

    def _page(self, request: Request, page: str, status: int = 200, **values: object) -> Response:
        text = self._pages.get_template(page).render(values).encode()
        tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(text, status, headers, "text/html")


def _card(message: InboxMessage) -> Markup:
    """Take a message's HTML as it is: the renderer has escaped it, and the page's CSP stands behind that."""
    return Markup(message.html)  # noqa: S704 - the one place that trusts it, for the reason above


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")

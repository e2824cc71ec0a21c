"""The inbox: the newest messages, the open incidents, and what is silenced."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter.errors import StoreUnavailable
from alertrouter.settings import Settings
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.chip import Chip
from alertrouter.web.first_steps import first_alert, receiver
from alertrouter.web.glance import Glances
from alertrouter.web.page import Pages


class Console:
    """The inbox, and the part of it that changes."""

    def __init__(self, store: DoorStore, catalogue: Catalogue, settings: Settings, pages: Pages) -> None:
        self._glances = Glances(store, catalogue)
        self._first_alert = first_alert(settings)
        self._receiver = receiver(settings)
        self._pages = pages

    def routes(self) -> list[Route]:
        """Give the routes of the pages."""
        return [Route("/", self.inbox), Route("/live", self.live)]

    async def inbox(self, request: Request) -> Response:
        """Show the newest messages, the open incidents and the silences."""
        return await self._shown(request, "inbox.html")

    async def live(self, request: Request) -> Response:
        """Give the part of the inbox that changes, for the page's script."""
        return await self._shown(request, "live.html")

    async def _shown(self, request: Request, page: str) -> Response:
        try:
            glance = await self._glances.now()
        except StoreUnavailable as error:
            return self._pages.page(request, "gone.html", 503, text=str(error))
        return self._pages.page(
            request,
            page,
            messages=glance.messages,
            chips=[Chip.of(one) for one in glance.shown],
            open_count=glance.open_count,
            more=glance.open_count - len(glance.shown),
            trouble=glance.trouble,
            refused=glance.refused,
            shadow=glance.shadow,
            silences=glance.silences,
            silence_count=glance.silence_count,
            first_alert=self._first_alert,
            receiver=self._receiver,
        )

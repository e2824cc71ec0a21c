"""The page behind the link in a message: it shows the incident, and its button acknowledges.

Following a link changes nothing, for mail scanners follow links; only the button's POST does, and once. Whoever has
the link may press it: it is the credential, so there is neither a session nor anything that another site could forge.
A link that we have not signed costs one digest and asks nothing of the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident, Reason, State
from alertrouter.links import Link, Links
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import body
from alertrouter.web.alert_rows import AlertRow
from alertrouter.web.chip import Chip
from alertrouter.web.page import Pages

MAX_BODY: Final = 4096
"""The button sends nothing but itself."""
LINES: Final = 8
LOOKED_AT: Final = 200
_TELLING: Final = (None, Reason.ESCALATED)
"""What stands in the story besides transitions and is no delivery's fate: notes, and who wanted help."""
KEEP: Final = timedelta(days=1)
"""How long a used link is remembered after it has expired: clocks differ."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a link is good for now: the button is there when `open`, else `heading` and `text` say why not."""

    status: int
    heading: str
    text: str
    incident: Incident | None = None

    @property
    def open(self) -> bool:
        return self.status == 200 and self.incident is not None and self.incident.ack is None


_UNKNOWN: Final = _Standing(404, "This link is not one of ours", "It may have been cut off when it was copied.")
_EXPIRED: Final = _Standing(410, "This link has expired", "Links work for a day. The newest message has a fresh one.")
_GONE: Final = _Standing(410, "It is long over", "The incident that this link was for is not kept any more.")
_TOO_LARGE: Final = _Standing(413, "That was too much", "The button sends nothing but itself.")
_CUT_OFF: Final = _Standing(400, "That did not arrive whole", "Nothing has changed. Please press the button again.")
_WRITTEN: Final = _Standing(202, "It is written down", "It counts as soon as a router is active again.")
_USED: Final = "This link has been used"


class AckPage:
    """The page of a link."""

    def __init__(self, store: DoorStore, links: Links, pages: Pages) -> None:
        self._store = store
        self._links = links
        self._pages = pages

    def routes(self) -> list[Route]:
        """Give the routes of the page."""
        return [Route("/ack/{token}", self.show), Route("/ack/{token}", self.acknowledge, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Show the incident, and the button while nobody has it. Changes nothing."""
        link = self._links.read(str(request.path_params["token"]))
        if link is None:
            return await self._page(_UNKNOWN)
        try:
            return await self._page(await self._standing(link, datetime.now(UTC)), link)
        except StoreUnavailable as error:
            return await self._page(_unavailable(error))

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge the incident, if the link is still good for that."""
        link = self._links.read(str(request.path_params["token"]))
        if link is None:
            return await self._page(_UNKNOWN)
        try:
            await body.read(request, MAX_BODY)
            return await self._acknowledge(link, datetime.now(UTC))
        except body.TooLarge:
            return await self._page(_TOO_LARGE)
        except (ClientDisconnect, TimeoutError):
            return await self._page(_CUT_OFF)
        except StoreUnavailable as error:
            return await self._page(_unavailable(error))

    async def _acknowledge(self, link: Link, now: datetime) -> Response:
        standing = await self._standing(link, now)
        if standing.status != 200:
            return await self._page(standing, link)
        key = f"link/{link.id}"
        actor = link.actor(await self._store.people())
        event = events.Acknowledged(at=now, actor=actor, key=key, incident=link.incident)
        keep = link.expires_at - now + KEEP
        if not await self._store.append_once(events.encode(event), [key], keep):
            return await self._page(await self._standing(link, now), link)
        _log.info("acknowledged by a link", incident=link.incident, actor=actor)
        try:
            return await self._page(await self._done(key, link), link)
        except StoreUnavailable:  # from here on that isn't to say that nothing has changed
            return await self._page(_WRITTEN)

    async def _done(self, key: str, link: Link) -> _Standing:
        """Say what has come of it."""
        answer = await self._store.answer(key)
        incident = await self._store.incident(link.incident)
        if answer is None:
            return replace(_WRITTEN, incident=incident)
        if answer.transition is None:
            return _Standing(409, "Nothing has changed", answer.text, incident)
        return _Standing(200, "It is yours", answer.text, incident)

    async def _standing(self, link: Link, now: datetime) -> _Standing:
        if now >= link.expires_at:
            return _EXPIRED
        incident = await self._store.incident(link.incident)
        if incident is None or int(incident.opened_at.timestamp()) != link.opened:
            return _GONE
        if incident.state is State.RESOLVED:
            return _Standing(410, "It is over", "There is nothing left to acknowledge.", incident)
        if await self._store.used(f"link/{link.id}"):
            return _Standing(410, _USED, "Links work once. This is how the incident stands.", incident)
        return _Standing(200, "", "", incident)

    async def _page(self, standing: _Standing, link: Link | None = None) -> Response:
        incident = standing.incident
        lines = await self._store.timeline(incident.id, LOOKED_AT) if incident else []
        alerts = await self._store.alerts_of(incident) if incident else []
        return self._pages.private(
            "ack.html",
            standing.status,
            standing=standing,
            link=link,
            actor=link.actor(await self._store.people()) if link and standing.open else "",
            incident=incident,
            chip=Chip.of(incident) if incident else None,
            alerts=AlertRow.list_of(incident, alerts, datetime.now(UTC)) if incident else [],
            lines=[line for line in lines if line.transition or line.reason in _TELLING][-LINES:],
        )


def _unavailable(error: StoreUnavailable) -> _Standing:
    return _Standing(503, "Not available", f"Nothing has changed. Please try again in a moment: {error}")

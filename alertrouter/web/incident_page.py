"""One incident's page: its story, its messages, and a button for whoever may act.

Who may act is as in the API (`api_access`): with tokens whoever types one in, without any whoever sits at this machine.
A form of another site can't press the button: it has neither the cookie's word nor this site's origin.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.alert import Alert
from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident, State
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.doorstore import MOST_ALERTS, DoorStore
from alertrouter.web import body
from alertrouter.web.alert_rows import AlertRow
from alertrouter.web.api_access import Forbidden, Unknown, access_of
from alertrouter.web.chip import Chip
from alertrouter.web.page import Pages
from alertrouter.web.standing import standing

LINES: Final = 500
MESSAGES: Final = 50
MAX_FORM: Final = 4096
COOKIE: Final = "alertrouter_form"
MAX_WORD: Final = 100

_log = log.get(__name__)


class IncidentPage:
    """The page of an incident. What is asked for there is one event, and the router's answer."""

    def __init__(self, store: DoorStore, catalogue: Catalogue, pages: Pages) -> None:
        self._store = store
        self._catalogue = catalogue
        self._pages = pages

    def routes(self) -> list[Route]:
        """Give the routes of the page."""
        path = "/incidents/{incident:path}"
        return [Route(path, self.show), Route(path, self.act, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Show its story and its messages."""
        return await self._page(request)

    async def act(self, request: Request) -> Response:
        """Acknowledge it, or give it back; then show how it stands."""
        name = str(request.path_params["incident"])
        try:
            form = _form(await body.read(request, MAX_FORM))
            actor = self._actor(request, form)
            found = await self._store.incident(name)
            if found is None:
                return await self._page(request)
            event = _event(name, actor, form)
            answer = await self._store.ask(events.encode(event), event.key)
        except Unknown:
            return await self._page(request, 401, "Nothing has changed: that is none of ALERTROUTER_API_TOKENS.")
        except Forbidden as error:
            return await self._page(request, 403, f"Nothing has changed: {error}.")
        except (body.TooLarge, TimeoutError, ClientDisconnect, ValueError):
            return await self._page(request, 400, "Nothing has changed: that did not arrive as it should.")
        except StoreUnavailable as error:
            return self._pages.page(request, "gone.html", 503, text=str(error))
        _log.info("asked on the page", action=type(event).__name__, incident=name, actor=actor, key=event.key)
        if answer is None:
            return await self._page(request, 202, "It is written down, and counts as soon as a router is active again.")
        if answer.transition is None:
            return await self._page(request, 409, f"Nothing has changed: {answer.text}.")
        return RedirectResponse(f"/incidents/{quote(name)}", 303)

    def _actor(self, request: Request, form: dict[str, str]) -> str:
        """Give the name of who acts; raises `Unknown` or `Forbidden`."""
        word = request.cookies.get(COOKIE, "")
        if not word or not hmac.compare_digest(word.encode(), form.get("word", "").encode()):
            raise Forbidden("the form is not from this page, or the browser keeps no cookies: try again")
        return access_of(request).writer(form.get("token", ""), request, through="console")

    async def _page(self, request: Request, status: int = 200, said: str = "") -> Response:
        name = str(request.path_params["incident"])
        try:
            lines = await self._store.timeline(name, LINES)
            found = await self._store.incident(name)
            alerts = await self._alerts(found) if found else []
            messages = [one for one in await self._store.inbox(MESSAGES) if one.incident == name]
        except StoreUnavailable as error:
            return self._pages.page(request, "gone.html", 503, text=str(error))
        if not lines and not found:
            return self._pages.page(request, "gone.html", 404, text="There is no such incident.")
        word = request.cookies.get(COOKIE, "")[:MAX_WORD] or secrets.token_urlsafe(24)
        page = self._pages.page(
            request,
            "incident.html",
            status,
            name=name,
            said=said,
            chip=Chip.of(found) if found else None,
            facts=tuple(standing(found)) if found else (),
            alerts=AlertRow.list_of(found, alerts, datetime.now(UTC)) if found else [],
            lines=lines,
            messages=messages,
            action=_action(found),
            asks=access_of(request).asks(request),
            word=word,
        )
        if COOKIE not in request.cookies:
            secure = request.url.scheme == "https"
            page.set_cookie(COOKIE, word, path="/incidents", httponly=True, samesite="lax", secure=secure)
        return page

    async def _alerts(self, incident: Incident) -> list[Alert]:
        """Its alerts. Before somebody was told of one, or it was held back, they have to be looked for."""
        known = await self._store.alerts_of(incident)
        if known or incident.state is State.RESOLVED:
            return known
        return await self._catalogue.alerts_of(incident, MOST_ALERTS)


def _action(incident: Incident | None) -> str:
    """What the button does."""
    if incident is None or incident.state is State.RESOLVED:
        return ""
    return "unack" if incident.ack else "ack"


def _event(name: str, actor: str, form: dict[str, str]) -> events.Action:
    key, now = f"console.{secrets.token_hex(16)}", datetime.now(UTC)
    match form.get("action"):
        case "ack":
            return events.Acknowledged(at=now, actor=actor, key=key, incident=name)
        case "unack":
            return events.Unacknowledged(at=now, actor=actor, key=key, incident=name)
        case _:
            raise ValueError("action: expected ack or unack")


def _form(raw: bytes) -> dict[str, str]:
    """Read the form; raises `ValueError` when it is none."""
    fields = parse_qs(raw.decode("ascii"), max_num_fields=10, errors="strict")
    return {name: values[0] for name, values in fields.items()}

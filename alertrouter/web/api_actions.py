"""What people and programs do to an incident through the API: one event each, and what the router answers.

The door decides nothing: it writes the event down and waits two seconds for the answer. An `Idempotency-Key` makes a
request that is sent again the same request: it changes nothing, and gets the answer that the first one got.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, FastAPI, Header
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alertrouter import events, log
from alertrouter.errors import AlertrouterError
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.api_access import may_write
from alertrouter.web.api_bodies import DoneView, For, Note, OutOfReach, Plain, Resolution, Until, WrittenView
from alertrouter.web.api_terms import ERRORS, PREFIX, UNKNOWN_INCIDENT, IncidentId, Responses, find
from alertrouter.web.small_body import LARGEST_BODY, SmallBody
from alertrouter.web.views import ErrorView

_log = log.get(__name__)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="The same key of the same token for the same incident and action is the same request.",
    ),
]
Writer = Annotated[str, Depends(may_write)]
MaybePlain = Annotated[Plain | None, Body()]
MaybeResolution = Annotated[Resolution | None, Body()]

ANSWERS: Final[Responses] = {
    **ERRORS,
    **UNKNOWN_INCIDENT,
    400: {"model": ErrorView, "description": "The body is no JSON"},
    413: {"model": ErrorView, "description": f"The body is larger than {LARGEST_BODY} bytes"},
    202: {"model": WrittenView, "description": "Written down; no router answered in time"},
    403: {"model": ErrorView, "description": "The token may only read"},
    409: {"model": ErrorView, "description": "It can't be done now; the error says why"},
}


class Refused(AlertrouterError):
    """The router said no; the text tells why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for what, when, under which key."""

    incident: str
    actor: str
    key: str
    at: datetime

    @classmethod
    def of(cls, action: str, incident: str, actor: str, given: str | None) -> Ask:
        """Make the key of the event: of the given one, within the actor, the incident and the action; or a new one."""
        scope = "\n".join((actor, incident, action, given or secrets.token_hex(16)))
        key = "api." + hashlib.sha256(scope.encode()).hexdigest()[:32]
        return cls(incident=incident, actor=actor, key=key, at=datetime.now(UTC))


class Actions:
    """The addresses that change something. Each raises what `answer_errors` tells."""

    def __init__(self, store: DoorStore) -> None:
        self._store = store

    async def ack(
        self, incident: IncidentId, actor: Writer, body: MaybePlain = None, key: Key = None
    ) -> DoneView | JSONResponse:
        """Acknowledge: nobody else is told while it holds."""
        ask = Ask.of("ack", incident, actor, key)
        return await self._done(
            events.Acknowledged(at=ask.at, actor=actor, key=ask.key, incident=incident, version=_seen(body))
        )

    async def unack(
        self, incident: IncidentId, actor: Writer, body: MaybePlain = None, key: Key = None
    ) -> DoneView | JSONResponse:
        """Give it back: the level at which it was acknowledged is told again."""
        ask = Ask.of("unack", incident, actor, key)
        return await self._done(
            events.Unacknowledged(at=ask.at, actor=actor, key=ask.key, incident=incident, version=_seen(body))
        )

    async def snooze(
        self, incident: IncidentId, actor: Writer, body: Until | For, key: Key = None
    ) -> DoneView | JSONResponse:
        """Be quiet about it until later; its escalation goes on then with the time that it had left."""
        ask = Ask.of("snooze", incident, actor, key)
        until = body.end(ask.at)
        return await self._done(
            events.Snoozed(at=ask.at, actor=actor, key=ask.key, incident=incident, until=until, version=body.version)
        )

    async def resolve(
        self, incident: IncidentId, actor: Writer, body: MaybeResolution = None, key: Key = None
    ) -> DoneView | JSONResponse:
        """Call it over. While its source still fires that takes `force`."""
        ask = Ask.of("resolve", incident, actor, key)
        force = body.force if body else False
        return await self._done(
            events.Resolved(at=ask.at, actor=actor, key=ask.key, incident=incident, force=force, version=_seen(body))
        )

    async def escalate(
        self, incident: IncidentId, actor: Writer, body: MaybePlain = None, key: Key = None
    ) -> DoneView | JSONResponse:
        """Tell the next level now."""
        ask = Ask.of("escalate", incident, actor, key)
        return await self._done(
            events.Escalated(at=ask.at, actor=actor, key=ask.key, incident=incident, version=_seen(body))
        )

    async def extend(
        self, incident: IncidentId, actor: Writer, body: Until | For, key: Key = None
    ) -> DoneView | JSONResponse:
        """Still on it: let the acknowledgement hold until then."""
        ask = Ask.of("extend", incident, actor, key)
        return await self._done(
            events.Extended(at=ask.at, actor=actor, key=ask.key, incident=incident, until=body.end(ask.at))
        )

    async def note(self, incident: IncidentId, actor: Writer, body: Note, key: Key = None) -> DoneView | JSONResponse:
        """Write a line into its story. As a sign of work it lets the acknowledgement hold for its whole time again."""
        ask = Ask.of("note", incident, actor, key)
        return await self._done(events.Noted(at=ask.at, actor=actor, key=ask.key, incident=incident, text=body.text))

    async def _done(self, event: events.Action) -> DoneView | JSONResponse:
        await find(self._store, event.incident)
        _log.info("asked", action=type(event).__name__, incident=event.incident, actor=event.actor, key=event.key)
        answer = await self._store.ask(events.encode(event), event.key)
        if answer is None:
            text = "written down and will be done: no router has answered yet"
            return JSONResponse(WrittenView(incident=event.incident, key=event.key, text=text).model_dump(), 202)
        if answer.transition is None and not await self._took(event):
            raise Refused(answer.text)
        return DoneView(
            incident=answer.incident, transition=answer.transition, text=answer.text, version=answer.version
        )

    async def _took(self, event: events.Action) -> bool:
        """Tell a note, or a request that was sent again, from a refused one: what was done is remembered by its key."""
        incident = await self._store.incident(event.incident)
        return incident is not None and event.key in incident.acted


def router(store: DoorStore) -> APIRouter:
    """Give the routes."""
    api = APIRouter(prefix=PREFIX, tags=["actions"], responses=ANSWERS, route_class=SmallBody)
    actions = Actions(store)
    for act in (
        actions.ack,
        actions.unack,
        actions.snooze,
        actions.resolve,
        actions.escalate,
        actions.extend,
        actions.note,
    ):
        api.post(f"/{{incident}}/{act.__name__}", response_model=DoneView)(act)
    return api


def answer_refusals(app: FastAPI) -> None:
    """Let the application say what could not be done, and why."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(OutOfReach, _refused)


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409)


def _seen(body: Plain | Resolution | None) -> int | None:
    return body.version if body else None

"""PagerDuty's webhooks, version 3: what a person does to an incident there counts here, as done by that person.

2xx says that there is nothing to send again, also when the incident is none of ours: after some refusals PagerDuty
stops sending for a day. 400 can't be read, 401 has no right signature, 503 asks for it once more. What we do to
PagerDuty comes back as an event too, by the integration and not by a user: it is told apart by that, and changes
nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.errors import StoreUnavailable
from alertrouter.incident import Incident, State
from alertrouter.policy.identity import known_as
from alertrouter.settings import Settings
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import body

MAX_BODY: Final = 512 * 1024
KEEP: Final = timedelta(days=30)
"""How long an event is remembered: nothing in its signature says how old it is."""
MAX_NAME: Final = 100

_PEOPLE: Final = frozenset(("user", "user_reference"))
_GIVEN_BACK: Final = frozenset(("incident.unacknowledged", "incident.reopened"))
_HEARD: Final = frozenset(("incident.acknowledged", "incident.resolved", *_GIVEN_BACK))

_log = log.get(__name__)


class Agent(msgspec.Struct, frozen=True):
    """Who did it. `summary` is the name, which is an address as long as the user has given no other."""

    id: str | None = None
    type: str | None = None
    summary: str | None = None


class Subject(msgspec.Struct, frozen=True):
    """What it was done to; `incident_key` is our dedup key."""

    incident_key: str | None = None


class Event(msgspec.Struct, frozen=True):
    """What happened in PagerDuty."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    event_type: str
    agent: Agent | None = None
    data: Subject | None = None


class Body(msgspec.Struct, frozen=True):
    """A webhook."""

    event: Event


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What PagerDuty is told; its page of deliveries shows it."""

    did: str = ""
    error: str = ""


_BODIES: Final = msgspec.json.Decoder(Body)


class PagerDutyHook:
    """The address that PagerDuty posts to. Secrets are several while one is being changed."""

    def __init__(self, store: DoorStore, settings: Settings) -> None:
        self._store = store
        self._secrets = tuple(secret.encode() for secret in settings.pagerduty_webhook_secrets)
        namespace = re.escape(settings.namespace)
        self._ours = re.compile(rf"alertrouter/{namespace}/([^/]{{1,200}})/([0-9]{{1,12}})/.+", re.DOTALL)

    def routes(self) -> list[Route]:
        """Give the route of the webhook."""
        return [Route("/pagerduty/webhook", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        """Take an event in, or say why not."""
        try:
            raw = await body.read(request, MAX_BODY)
            if not self._secrets:
                return _refuse(401, "PAGERDUTY_WEBHOOK_SECRETS is not set")
            if not signed(raw, request.headers.getlist("x-pagerduty-signature"), self._secrets):
                return _refuse(401, "the signature is missing or of another secret")
            event = _BODIES.decode(raw).event
            did = await self._hear(event, request.headers.get("x-webhook-id", ""), datetime.now(UTC))
        except body.TooLarge:
            return _refuse(413, f"body too large, expected at most {MAX_BODY} bytes")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refuse(400, f"no webhook that can be read: {error}")
        except (ClientDisconnect, TimeoutError):
            return _refuse(400, "the body did not arrive whole")
        except StoreUnavailable as error:
            return _refuse(503, str(error))
        _log.info("PagerDuty's webhook", id=event.id, type=event.event_type, did=did)
        return _respond(200, Heard(did=did))

    async def _hear(self, event: Event, webhook: str, now: datetime) -> str:
        """Do what an event asks for; gives what that was, in words."""
        if event.event_type not in _HEARD:
            return f"ignored: {event.event_type[:MAX_NAME]} changes nothing here"
        if event.agent is None or event.agent.type not in _PEOPLE:
            return "ignored: done by PagerDuty or by us, not by a person"
        incident = await self._meant(event)
        if incident is None:
            return "ignored: no open incident of ours"
        marks = [f"pagerduty event {event.id}", *([f"pagerduty webhook {webhook}"] if webhook else [])]
        if await self._store.used(marks[0]) or await self._store.used(marks[-1]):
            return "ignored: seen before"
        actor, key = await self._actor(event.agent), f"pagerduty/{event.id}"
        if event.event_type == "incident.resolved" and await self._resolved(incident, actor, key, now):
            return f"{incident.id} is resolved"
        action: events.Action
        if event.event_type in _GIVEN_BACK:
            action = events.Unacknowledged(at=now, actor=actor, key=key, incident=incident.id)
        else:
            action = events.Acknowledged(at=now, actor=actor, key=key, incident=incident.id)
        written = await self._store.append_once(events.encode(action), marks, KEEP)
        return f"{incident.id}: {event.event_type}, by {actor}" if written else "ignored: seen before"

    async def _actor(self, agent: Agent) -> str:
        name = _called(agent)
        return f"{known_as(await self._store.people(), pagerduty=agent.id or '', email=name) or name} (pagerduty)"

    async def _resolved(self, incident: Incident, actor: str, key: str, now: datetime) -> bool:
        """Resolve it if nothing of it fires any more. While its source fires, who resolves it there has only taken it.

        A refused one leaves no trace, so that trying again does no harm.
        """
        resolve = events.Resolved(at=now, actor=actor, key=f"{key}/resolve", incident=incident.id)
        answer = await self._store.ask(events.encode(resolve), resolve.key)
        return answer is not None and answer.transition is not None

    async def _meant(self, event: Event) -> Incident | None:
        """Find the open incident that PagerDuty means by our dedup key, which no earlier one of its id had."""
        ours = self._ours.fullmatch((event.data and event.data.incident_key) or "")
        incident = await self._store.incident(ours[1]) if ours else None
        if ours is None or incident is None or incident.state is State.RESOLVED:
            return None
        return incident if int(incident.opened_at.timestamp()) == int(ours[2]) else None


def signed(raw: bytes, headers: Iterable[str], secrets: Iterable[bytes]) -> bool:
    """Tell whether any of the signatures is of any of the secrets; all are compared, in constant time."""
    given = [part.strip() for header in headers for part in header.split(",")]
    digests = [part.removeprefix("v1=").encode("latin-1", "replace") for part in given if part.startswith("v1=")]
    expected = [hmac.new(secret, raw, hashlib.sha256).hexdigest().encode() for secret in secrets]
    return sum(hmac.compare_digest(one, other) for one in digests for other in expected) > 0


def _called(agent: Agent) -> str:
    """What PagerDuty calls them."""
    name = "".join(sign for sign in " ".join((agent.summary or "").split()) if sign.isprintable())
    return name[:MAX_NAME] or "somebody"


def _refuse(status: int, error: str) -> Response:
    _log.warning("PagerDuty's webhook refused", status=status, reason=error)
    return _respond(status, Heard(error=error))


def _respond(status: int, heard: Heard) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Response(msgspec.json.encode(heard), status, headers, "application/json")

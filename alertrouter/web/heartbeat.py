"""Where signs of life come in: `POST /api/v1/heartbeat/{name}`, with a body or without.

200 means: it is in the journal. 404 says that the active policy expects no heartbeat of that name. It is taken in also
while the backlog keeps out alerts: most who send one, such as a line in a crontab, don't try again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from alertrouter import events, log
from alertrouter.errors import StoreUnavailable
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import body, hooks
from alertrouter.web.auth import Senders

_log = log.get(__name__)


class Heartbeats:
    """The addresses of all heartbeats."""

    def __init__(self, store: DoorStore, senders: Senders, max_body: int) -> None:
        self._store = store
        self._senders = senders
        self._max_body = max_body

    def routes(self) -> list[Route]:
        """Give the route."""
        return [Route("/api/v1/heartbeat/{name}", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        """Take a beat, or say why not."""
        key = hooks.correlation_id(request.headers.get("x-request-id"))
        if (stranger := hooks.turn_away(self._senders, request, key)) is not None:
            return stranger
        name = str(request.path_params["name"])
        try:
            await body.read(request, self._max_body)
            if not await self._store.expects(name):
                return hooks.refuse(404, key, "the active policy expects no heartbeat of this name")
            beat = events.Heartbeat(at=datetime.now(UTC), actor="heartbeat", key=key, name=name)
            await self._store.append(events.encode(beat), urgent=True)
        except body.TooLarge:
            return hooks.refuse(413, key, f"body too large, expected at most {self._max_body} bytes")
        except StoreUnavailable as error:
            _log.error("store unavailable", source="heartbeat", key=key, reason=str(error))
            return hooks.refuse(503, key, str(error))
        except TimeoutError:
            return hooks.refuse(503, key, f"the body did not arrive within {body.PATIENCE:g} s")
        except ClientDisconnect:
            return hooks.refuse(400, key, "the body ended before its announced length")
        return hooks.respond(200, hooks.Answer(key))

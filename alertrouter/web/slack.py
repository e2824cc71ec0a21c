"""Where Slack tells us of clicks and commands by HTTP.

200 within 3 s means: it is in the journal, and nobody was called meanwhile. 401 says that it does not come from Slack,
400 that it can't be read, 404 that no signing secret is set, 503 that it was not taken down: Slack shows the person so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alertrouter import log
from alertrouter.errors import PayloadError, StoreUnavailable
from alertrouter.settings import Settings
from alertrouter.store.doorstore import DoorStore
from alertrouter.web import body
from alertrouter.web.slack_desk import SlackDesk
from alertrouter.web.slack_payload import read_command, read_form, read_interaction
from alertrouter.web.slack_reply import Whisper
from alertrouter.web.slack_signature import SIGNATURE, TIMESTAMP, Signatures

MAX_BODY: Final = 1024 * 1024
"""Bytes; Slack sends the whole message along with a click."""
UNSET: Final = "SLACK_SIGNING_SECRET is not set: clicks and commands from Slack can't be told from anybody else's"

_log = log.get(__name__)

Heard: TypeAlias = Callable[[bytes], Awaitable[Response]]


class SlackDoor:
    """Takes what Slack posts, once it is sure that it is Slack."""

    def __init__(self, store: DoorStore, settings: Settings) -> None:
        self._signatures = Signatures(settings.slack_signing_secrets)
        self._desk = SlackDesk(store, settings.slack_allowed_users, _now)
        self._whisper = Whisper(settings.slack_api_url)

    async def interactivity(self, request: Request) -> Response:
        """Somebody pressed a button."""
        return await self._answer(request, self._clicked)

    async def command(self, request: Request) -> Response:
        """Somebody typed `/alertrouter`."""
        return await self._answer(request, self._commanded)

    async def _answer(self, request: Request, heard: Heard) -> Response:
        if not self._signatures:
            return _refuse(404, UNSET)
        try:
            raw = await body.read(request, MAX_BODY)
            headers = request.headers
            fault = self._signatures.fault(headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, ""), raw, _now())
            return _refuse(401, fault) if fault else await heard(raw)
        except PayloadError as error:
            return _refuse(400, str(error))
        except body.TooLarge:
            return _refuse(413, f"body too large, expected at most {MAX_BODY} bytes")
        except ClientDisconnect:
            return _refuse(400, "the body ended before its announced length")
        except (StoreUnavailable, TimeoutError) as error:
            return _refuse(503, str(error) or "the body did not arrive in time")

    async def _clicked(self, raw: bytes) -> Response:
        payload = read_form(raw).get("payload")
        if payload is None:
            raise PayloadError("payload: expected a form with it, found none")
        click = read_interaction(payload)
        text = await self._desk.click(click) if click else ""
        then = BackgroundTask(self._whisper, click.response_url, text) if click and text else None
        return Response(status_code=200, background=then)

    async def _commanded(self, raw: bytes) -> Response:
        text = await self._desk.command(read_command(read_form(raw)))
        return JSONResponse({"response_type": "ephemeral", "text": text})


def routes(store: DoorStore, settings: Settings) -> list[Route]:
    """Give the routes: plain Starlette, for the signature is of the raw body."""
    door = SlackDoor(store, settings)
    return [
        Route("/slack/interactivity", door.interactivity, methods=["POST"]),
        Route("/slack/command", door.command, methods=["POST"]),
    ]


def _refuse(status: int, why: str) -> Response:
    _log.warning("Slack request refused", status=status, reason=why)
    return PlainTextResponse(why, status)


def _now() -> datetime:
    return datetime.now(UTC)

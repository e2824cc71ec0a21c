"""`alertrouter slack-socket`: hears of clicks and commands by Socket Mode, for sites that Slack can't reach.

The connection goes from here to Slack. What is heard comes to the same desk as what Slack posts by HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alertrouter import log
from alertrouter.errors import PayloadError, SettingsError, StoreUnavailable
from alertrouter.notifiers.http import heeds_proxies
from alertrouter.settings import Settings
from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.embedded import redis_url
from alertrouter.store.keys import Keys
from alertrouter.web.slack_desk import SlackDesk
from alertrouter.web.slack_payload import read_command, read_interaction
from alertrouter.web.slack_reply import Whisper

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
LET_GO_WITHIN: Final = 5.0

_log = log.get(__name__)


def run_slack_socket(settings: Settings) -> None:
    """Stay connected until SIGTERM or SIGINT, whatever Slack says."""
    log.configure(settings, process="slack-socket")
    if not settings.slack_app_token:
        raise SettingsError("SLACK_APP_TOKEN: found nothing, expected an app-level token (xapp-…)")
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    redis = connect_async(redis_url(settings))
    store = DoorStore(redis, Keys(settings.namespace), max_backlog=settings.max_backlog)
    desk = SlackDesk(store, settings.slack_allowed_users, lambda: datetime.now(UTC))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = _client(settings)
    client.socket_mode_request_listeners.append(_Ear(desk, Whisper(settings.slack_api_url), loop))
    await _connect(client, stop)
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(client.close), LET_GO_WITHIN)
    await redis.aclose()


def _client(settings: Settings) -> SocketModeClient:
    """The client, which connects anew by itself once it was connected."""
    web = WebClient(base_url=settings.slack_api_url, retry_handlers=[])
    if not heeds_proxies(settings.slack_api_url):
        web.proxy = None
    client = SocketModeClient(app_token=settings.slack_app_token, web_client=web)
    client.proxy = web.proxy
    return client


async def _connect(client: SocketModeClient, stop: asyncio.Event) -> None:
    """Connect for the first time; a refusal or a broken network is told and tried again, it ends nothing."""
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            await asyncio.to_thread(client.connect)
        except (SlackClientError, OSError) as error:
            _log.warning("no connection to Slack", reason=_reason(error), again_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            _log.info("hears Slack by Socket Mode")
            return


class _Ear:
    """Brings what the client's threads hear to the desk, and the desk's answer back."""

    def __init__(self, desk: SlackDesk, whisper: Whisper, loop: asyncio.AbstractEventLoop) -> None:
        self._desk = desk
        self._whisper = whisper
        self._loop = loop

    def __call__(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        asyncio.run_coroutine_threadsafe(self._hear(client, request), self._loop).add_done_callback(_tell_of_bug)

    async def _hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            if request.type == "interactive":
                await self._clicked(client, request)
            elif request.type == "slash_commands":
                text = await self._desk.command(read_command(_texts(request.payload)))
                await _confirm(client, request, {"response_type": "ephemeral", "text": text})
            else:
                await _confirm(client, request)
        except PayloadError as error:
            _log.warning("Slack request refused", reason=str(error))
            await _confirm(client, request)
        except StoreUnavailable as error:
            # Not confirmed: Slack shows the person that it did not work.
            _log.error("not taken down", reason=str(error))

    async def _clicked(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            payload = msgspec.json.encode(request.payload)
        except ValueError as error:
            raise PayloadError(f"payload: {type(error).__name__}") from None
        click = read_interaction(payload)
        text = await self._desk.click(click) if click else ""
        await _confirm(client, request)
        if click and text:
            await self._whisper(click.response_url, text)


async def _confirm(
    client: BaseSocketModeClient, request: SocketModeRequest, payload: dict[str, str] | None = None
) -> None:
    response = SocketModeResponse(request.envelope_id, payload)
    await asyncio.to_thread(client.send_socket_mode_response, response)


def _texts(payload: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a command that are text; they are those of the form that Slack posts."""
    return {name: value for name, value in payload.items() if isinstance(value, str)}


def _tell_of_bug(done: Future[None]) -> None:
    if not done.cancelled() and (bug := done.exception()) is not None:
        _log.error("a click or a command could not be taken", exc_info=bug)


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["error"]) if response else f"{type(error).__name__}: {error}"

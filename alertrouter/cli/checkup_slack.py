"""What `doctor` looks at of the way back from Slack: whether a click on a button would be heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import httpx2
import msgspec

from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.notifiers import Patience
from alertrouter.notifiers.http import NO_ANSWER, client, excerpt, failure_of, heeds_proxies
from alertrouter.settings import Settings
from alertrouter.web.slack_signature import SIGNATURE, TIMESTAMP, sign

PATIENCE: Final = Patience(connect=5, read=5)
CHECK: Final = "slack buttons"
SOCKET: Final = "slack socket"


class _Opened(msgspec.Struct):
    ok: bool = False
    error: str = ""


_OPENED: Final = msgspec.json.Decoder(_Opened)


def way_back(settings: Settings) -> Iterator[Finding]:
    """Look at what hears clicks: Socket Mode, or the door."""
    if settings.slack_app_token:
        yield _socket(settings)
    elif settings.slack_signing_secrets:
        yield _round_trip(settings.local_url, settings)
        yield from _reachable(settings)
    else:
        yield warning(
            CHECK,
            "neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set: messages have no buttons, the door is shut",
            "take the Signing Secret of your app: docs/slack.md",
        )


def _reachable(settings: Settings) -> Iterator[Finding]:
    """Knock at the address that Slack uses, as far as it can be known from here."""
    url = settings.external_url
    host = urlsplit(url).hostname or ""
    if not heeds_proxies(url) or "." not in host or not url.startswith("https://"):
        yield warning(
            CHECK,
            f"Slack posts to HTTPS addresses that the world knows, and ALERTROUTER_EXTERNAL_URL is {url}",
            "set it to the address in the app's Request URL, or use Socket Mode: docs/slack.md, step 9",
        )
    elif url != settings.local_url:
        yield _round_trip(url, settings)


def _round_trip(url: str, settings: Settings) -> Finding:
    """Click on a button that does nothing: rightly signed it must be taken, wrongly signed refused."""
    address = f"{url}/slack/interactivity"
    right, wrongly = settings.slack_signing_secrets[0], settings.slack_signing_secrets[0] + "?"
    try:
        with client(url, PATIENCE) as http:
            taken, refused = _click(http, address, right), _click(http, address, wrongly)
    except NO_ANSWER as error:
        return wrong(CHECK, str(failure_of(error, address)), "start alertrouter, or check the address")
    match taken, refused:
        case 200, 401:
            return fine(CHECK, f"{address} takes a click that is rightly signed, and no other")
        case 404, _:
            return wrong(CHECK, f"{address}: the door has no signing secret", "set SLACK_SIGNING_SECRET, restart")
        case 401, _:
            return wrong(
                CHECK, f"{address}: the door has another signing secret, or another time", "set the same one, restart"
            )
        case _:
            text = f"{address} answered {taken} to a right click and {refused} to a wrong one, expected 200 and 401"
            return wrong(CHECK, text, "see what stands between: it must hand body and headers on as they are")


def _click(http: httpx2.Client, address: str, secret: str) -> int:
    payload = {"type": "block_actions", "user": {"id": "doctor"}, "actions": [{"action_id": "open_doctor"}]}
    body = urlencode({"payload": msgspec.json.encode(payload)}).encode()
    timestamp = str(int(datetime.now(UTC).timestamp()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        TIMESTAMP: timestamp,
        SIGNATURE: sign(secret, timestamp, body),
    }
    return http.post(address, content=body, headers=headers).status_code


def _socket(settings: Settings) -> Finding:
    """Ask Slack for a connection; none is opened."""
    url, token = f"{settings.slack_api_url}apps.connections.open", settings.slack_app_token
    mend = "Socket Mode must be on, and the token have connections:write: docs/slack.md, step 9"
    try:
        with client(url, PATIENCE) as http:
            said = _OPENED.decode(http.post(url, headers={"Authorization": f"Bearer {token}"}).content)
    except NO_ANSWER as error:
        return wrong(SOCKET, str(failure_of(error, url)), "check SLACK_API_URL, proxies and the firewall")
    except (ValueError, RecursionError):
        return wrong(SOCKET, f"{url} answers, but not as Slack does", "check SLACK_API_URL")
    if not said.ok:
        return wrong(SOCKET, f"SLACK_APP_TOKEN is refused: {excerpt(said.error.encode(), (token,))}", mend)
    return fine(SOCKET, "SLACK_APP_TOKEN is taken: clicks come by Socket Mode (alertrouter slack-socket)")

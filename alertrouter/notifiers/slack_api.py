"""Slack's Web API: one call, and what its answer means. Slack says yes and no with status 200 alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from alertrouter.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.notifiers import http
from alertrouter.notifiers.exchange import Answer
from alertrouter.notifiers.notifier import Patience

MAX_LISTING: Final = 4 * 1024 * 1024
"""Bytes of a page of messages or channels."""

_TEMPORARY: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
_HINTS: Final = {
    "channel_not_found": "there is no such channel, or it is private and the bot is not in it",
    "not_in_channel": "invite the bot: /invite @alertrouter",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is not valid",
    "not_authed": "the token is not valid",
    "account_inactive": "the token's app was removed",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "missing_scope": "the app lacks a scope",
}


class Refused(PermanentFailure):
    """Slack said no; `code` is its word for why."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


class Verdict(msgspec.Struct):
    """The parts that every answer has; an incoming webhook's has them too."""

    ok: bool = True
    error: str = ""
    needed: str = ""


class Posted(Verdict):
    """Where a message stands now."""

    channel: str = ""
    ts: str = ""


_POSTED: Final = msgspec.json.Decoder(Posted)
_V = TypeVar("_V", bound=Verdict)


class SlackApi:
    """Calls Slack with a bot's token; threads may share it."""

    def __init__(self, url: str, token: str, patience: Patience) -> None:
        self._url = url
        self._token = token
        self._patience = patience
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = http.Poster(url, patience)

    def post(self, method: str, body: Mapping[str, object]) -> Posted:
        """Write something, over a kept connection; raises `Refused`, or another `DeliveryError`."""
        answer = http.post(
            self._client,
            self._url + method,
            msgspec.json.encode(body),
            who=f"Slack {method}",
            secrets=(self._token,),
            headers=self._headers,
        )
        return understood(answer, f"Slack {method}", (self._token,))

    def read(self, method: str, fields: Mapping[str, str], decoder: msgspec.json.Decoder[_V]) -> _V:
        """Read something, as a form: not every method that reads takes JSON. Raises as `post` does."""
        who, url = f"Slack {method}", self._url + method
        secrets = (self._token,)
        answer = http.ask(
            url, fields, self._patience, who=who, secrets=secrets, headers=self._headers, most=MAX_LISTING
        )
        return _judged(answer, decoder, who, secrets)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def understood(answer: Answer, who: str, secrets: tuple[str, ...]) -> Posted:
    """Read Slack's own verdict on what was posted."""
    return _judged(answer, _POSTED, who, secrets)


def _judged(answer: Answer, decoder: msgspec.json.Decoder[_V], who: str, secrets: tuple[str, ...]) -> _V:
    try:
        reply = decoder.decode(answer.body)
    except (ValueError, RecursionError):
        raise UnknownOutcome(f"{who}: answered {answer.status} with no JSON that can be read") from None
    if reply.ok:
        return reply
    code = http.excerpt(reply.error.encode(), secrets) or "no reason given"
    if code in _TEMPORARY:
        raise TemporaryFailure(f"{who}: {code}", retry_after=http.retry_after(answer.headers))
    hint = _HINTS.get(code, "")
    if reply.needed:
        hint = f"{hint}: {http.excerpt(reply.needed.encode())}".removeprefix(": ")
    raise Refused(f"{who}: {code}" + (f" ({hint})" if hint else ""), code)

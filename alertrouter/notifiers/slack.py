"""Slack, by a bot or by an incoming webhook.

A bot has one message for each incident, updates it in place, and tells its thread what a reader must know. Its messages
have buttons when we hear of clicks on them. A webhook posts one message after another, without buttons.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from alertrouter.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from alertrouter.links import Links
from alertrouter.notice import Notice
from alertrouter.notifiers import http, slack_blocks
from alertrouter.notifiers.connections import Answer
from alertrouter.notifiers.notifier import Patience, Sent
from alertrouter.policy.receiver import Channel
from alertrouter.render import Renderer

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
_GONE: Final = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "channel_not_found"}
)
"""Answers to an update that mean: that message can't be changed any more, a new one can be posted."""
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


class _Reply(msgspec.Struct):
    """The parts of Slack's answer that matter."""

    ok: bool = True
    error: str = ""
    needed: str = ""
    channel: str = ""
    ts: str = ""


_REPLIES: Final = msgspec.json.Decoder(_Reply)


class _Refused(PermanentFailure):
    """Slack said no; `code` is its word for why."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


class SlackBot:
    """Posts as a bot. The reference of a message is `channel id:ts`; with `hears` its messages have buttons.

    `mention` is the id of a user who is called by its messages.
    """

    channel = Channel.SLACK

    def __init__(
        self,
        api_url: str,
        token: str,
        channel: str,
        renderer: Renderer,
        links: Links,
        patience: Patience,
        *,
        hears: bool = False,
        mention: str = "",
    ) -> None:
        self._mention = mention
        self._api_url = api_url
        self._token = token
        self._hears = hears
        self._channel = channel
        self._renderer = renderer
        self._links = links
        self._client = http.Poster(api_url, patience)

    def lane(self) -> str:
        """One lane for each Slack channel: Slack limits each by itself."""
        return f"slack:{self._channel}"

    def send(self, notice: Notice) -> Sent:
        """Post the first message of an incident, update it from then on; a message that is gone is posted anew."""
        link = "" if self._hears else _ack_link(self._links, notice, self._channel)
        message = slack_blocks.message(notice, self._renderer, hears=self._hears, ack_link=link, mention=self._mention)
        channel, _, ts = (notice.reference or "").rpartition(":")
        if notice.redraw and not ts:
            return Sent(note="there is no message to redraw")
        if not channel or not ts:
            return self._post(notice, message)
        try:
            self._call("chat.update", notice, {"channel": channel, "ts": ts, **message.fields()})
        except _Refused as refusal:
            if refusal.code not in _GONE:
                raise
            if notice.redraw:
                return Sent(note=f"the message can't be redrawn: {refusal.code}")
            return self._post(
                notice, message, note=f"posted anew, the earlier message can't be updated: {refusal.code}"
            )
        return Sent(reference=notice.reference, note=self._reply(notice, channel, ts))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, notice: Notice, message: slack_blocks.Message, *, note: str = "") -> Sent:
        reply = self._call("chat.postMessage", notice, {"channel": self._channel, **message.fields()})
        return Sent(reference=f"{reply.channel or self._channel}:{reply.ts}" if reply.ts else None, note=note)

    def _reply(self, notice: Notice, channel: str, ts: str) -> str:
        """Tell the thread. The message itself already shows it, so a refusal is noted and no more."""
        reply = slack_blocks.reply(notice, self._renderer, mention=self._mention)
        if reply is None:
            return ""
        body = {"channel": channel, "thread_ts": ts, "text": reply.text, "reply_broadcast": reply.to_channel}
        try:
            self._call("chat.postMessage", notice, body)
        except _Refused as refusal:
            return f"the thread was not told: {refusal.code}"
        return ""

    def _call(self, method: str, notice: Notice, body: dict[str, object]) -> _Reply:
        """Call the Web API. The delivery's id goes along as metadata, so that a message can be traced to it."""
        metadata = {
            "event_type": "alertrouter_notice",
            "event_payload": {"delivery_id": notice.delivery, "incident": notice.incident},
        }
        answer = http.post(
            self._client,
            self._api_url + method,
            msgspec.json.encode({**body, "metadata": metadata}),
            who=f"Slack {method}",
            secrets=(self._token,),
            headers={"Authorization": f"Bearer {self._token}"},
        )
        return _understood(answer, f"Slack {method}", (self._token,))


class SlackWebhook:
    """Posts to an incoming webhook, which can neither update nor hear of clicks: a link stands in for the buttons."""

    channel = Channel.SLACK

    def __init__(
        self, url: str, channel: str, renderer: Renderer, links: Links, patience: Patience, *, mention: str = ""
    ) -> None:
        self._url = url
        self._mention = mention
        self._channel = channel
        self._renderer = renderer
        self._links = links
        self._client = http.Poster(url, patience)

    def lane(self) -> str:
        """One lane for each webhook; a hash stands for its address, which is a secret."""
        return f"slack:webhook:{sha256(self._url.encode()).hexdigest()[:12]}"

    def send(self, notice: Notice) -> Sent:
        """Post a message; one that was posted can't be redrawn."""
        if notice.redraw:
            return Sent(note="a webhook can't redraw its messages")
        link = _ack_link(self._links, notice, self._channel)
        body = slack_blocks.message(notice, self._renderer, ack_link=link, mention=self._mention).fields()
        if self._channel:  # only old custom webhooks and Slack-alikes heed it
            body["channel"] = self._channel
        content = msgspec.json.encode(body)
        answer = http.post(self._client, self._url, content, who="Slack webhook", secrets=http.secrets_of(self._url))
        text = answer.body.strip()
        if text.startswith(b"{") or "json" in answer.headers.get("content-type", ""):
            _understood(answer, "Slack webhook", http.secrets_of(self._url))
        elif text not in (b"", b"ok"):
            raise PermanentFailure(f"Slack webhook: answered {http.excerpt(text, http.secrets_of(self._url))}")
        return Sent()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _ack_link(links: Links, notice: Notice, channel: str) -> str:
    """The link for whoever reads a channel: which of them uses it can't be told."""
    return links.ack_link(notice, f"somebody in {channel or notice.receiver}", Channel.SLACK)


def _understood(answer: Answer, who: str, secrets: tuple[str, ...]) -> _Reply:
    """Read Slack's own verdict, which comes with status 200 whatever it is."""
    try:
        reply = _REPLIES.decode(answer.body)
    except msgspec.DecodeError:
        raise UnknownOutcome(f"{who}: answered {answer.status} with no JSON that can be read") from None
    if reply.ok:
        return reply
    code = http.excerpt(reply.error.encode(), secrets) or "no reason given"
    if code in _TEMPORARY:
        raise TemporaryFailure(f"{who}: {code}", retry_after=http.retry_after(answer.headers))
    hint = _HINTS.get(code, "")
    if reply.needed:
        hint = f"{hint}: {http.excerpt(reply.needed.encode())}".removeprefix(": ")
    raise _Refused(f"{who}: {code}" + (f" ({hint})" if hint else ""), code)

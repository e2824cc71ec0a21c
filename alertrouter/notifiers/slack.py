"""Slack, by a bot or by an incoming webhook.

A bot has one message for each incident, updates it in place, and tells its thread what a reader must know. Its messages
have buttons when we hear of clicks on them. A webhook posts one message after another, without buttons.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from alertrouter.errors import PermanentFailure
from alertrouter.links import Links
from alertrouter.notice import Notice
from alertrouter.notifiers import http, slack_blocks
from alertrouter.notifiers.notifier import Patience, Sent
from alertrouter.notifiers.slack_api import Posted, Refused, SlackApi, understood
from alertrouter.notifiers.slack_traces import Traces, metadata
from alertrouter.policy.receiver import Channel
from alertrouter.render import Renderer

FOUND: Final = "an earlier try, whose answer never came, had arrived"

_GONE: Final = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "channel_not_found"}
)
"""Answers to an update that mean: that message can't be changed any more, a new one can be posted."""


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
        self._hears = hears
        self._channel = channel
        self._renderer = renderer
        self._links = links
        self._api = SlackApi(api_url, token, patience)
        self._traces = Traces(self._api, channel)

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
        if channel and ts:
            return self._update(notice, message, channel, ts)
        found = self._traces.message(notice, notice.doubtful_since) if notice.doubtful_since else None
        return self._take_up(notice, message, *found) if found else self._post(notice, message)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _post(self, notice: Notice, message: slack_blocks.Message, *, note: str = "") -> Sent:
        posted = self._call("chat.postMessage", notice, {"channel": self._channel, **message.fields()})
        self._traces.learn(posted.channel)
        return Sent(reference=f"{posted.channel or self._channel}:{posted.ts}" if posted.ts else None, note=note)

    def _take_up(self, notice: Notice, message: slack_blocks.Message, channel: str, ts: str) -> Sent:
        """An earlier try had posted it: bring that message up to date."""
        with contextlib.suppress(Refused):
            self._call("chat.update", notice, {"channel": channel, "ts": ts, **message.fields()})
        return Sent(reference=f"{channel}:{ts}", note=FOUND, proven=True)

    def _update(self, notice: Notice, message: slack_blocks.Message, channel: str, ts: str) -> Sent:
        try:
            self._call("chat.update", notice, {"channel": channel, "ts": ts, **message.fields()})
        except Refused as refusal:
            if refusal.code not in _GONE:
                raise
            if notice.redraw:
                return Sent(note=f"the message can't be redrawn: {refusal.code}")
            return self._post(
                notice, message, note=f"posted anew, the earlier message can't be updated: {refusal.code}"
            )
        return self._reply(notice, channel, ts)

    def _reply(self, notice: Notice, channel: str, ts: str) -> Sent:
        """Tell the thread. The message itself already shows it, so a refusal is noted and no more."""
        reply = slack_blocks.reply(notice, self._renderer, mention=self._mention)
        if reply is None:
            return Sent(reference=notice.reference, proven=True)
        if notice.doubtful_since and self._traces.replied(notice, notice.doubtful_since, channel, ts):
            return Sent(reference=notice.reference, note=FOUND, proven=True)
        body = {"channel": channel, "thread_ts": ts, "text": reply.text, "reply_broadcast": reply.to_channel}
        try:
            self._call("chat.postMessage", notice, body)
        except Refused as refusal:
            return Sent(reference=notice.reference, note=f"the thread was not told: {refusal.code}")
        return Sent(reference=notice.reference)

    def _call(self, method: str, notice: Notice, body: Mapping[str, object]) -> Posted:
        """Call the Web API. The delivery's id goes along as metadata, so that the message can be found by it."""
        return self._api.post(method, {**body, "metadata": metadata(notice)})


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
            understood(answer, "Slack webhook", http.secrets_of(self._url))
        elif text not in (b"", b"ok"):
            raise PermanentFailure(f"Slack webhook: answered {http.excerpt(text, http.secrets_of(self._url))}")
        return Sent()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _ack_link(links: Links, notice: Notice, channel: str) -> str:
    """The link for whoever reads a channel: which of them uses it can't be told."""
    return links.ack_link(notice, f"somebody in {channel or notice.receiver}", Channel.SLACK)

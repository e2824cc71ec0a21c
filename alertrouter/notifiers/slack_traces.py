"""Whether a message of ours stands in Slack already, after a try whose answer never came.

Each message carries the id of its delivery as metadata, which Slack shows to whoever may read the channel. A bot that
may not (the scopes are its owner's choice: docs/slack.md) can't find out, and posts again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alertrouter.errors import DeliveryError
from alertrouter.notice import Notice
from alertrouter.notifiers.slack_api import Refused, SlackApi, Verdict

EVENT_TYPE: Final = "alertrouter_notice"
SKEW: Final = timedelta(minutes=1)
"""How far our clock may be ahead of Slack's."""
PAGES: Final = 10
MESSAGES: Final = 200
CHANNELS: Final = 1000

_ID: Final = re.compile(r"[CGD][A-Z0-9]{6,}")
_USER: Final = re.compile(r"[UW][A-Z0-9]{6,}")


class _Metadata(msgspec.Struct):
    event_type: str = ""
    event_payload: dict[str, object] = {}


class _Message(msgspec.Struct):
    ts: str = ""
    metadata: _Metadata | None = None


class _Channel(msgspec.Struct):
    id: str = ""
    name: str = ""


class _More(msgspec.Struct):
    next_cursor: str = ""


class _Page(Verdict):
    """A page of messages, of channels, or a conversation that was opened."""

    messages: tuple[_Message, ...] = ()
    channels: tuple[_Channel, ...] = ()
    channel: _Channel | None = None
    response_metadata: _More | None = None


_PAGES: Final = msgspec.json.Decoder(_Page)


def metadata(notice: Notice) -> dict[str, object]:
    """What a message carries, so that it can be found."""
    return {"event_type": EVENT_TYPE, "event_payload": _payload(notice)}


class Traces:
    """Finds messages of a bot in its channel, which may be given by name. Threads may share it."""

    def __init__(self, api: SlackApi, channel: str) -> None:
        self._api = api
        self._channel = channel
        self._id = channel if _ID.fullmatch(channel) else ""

    def learn(self, channel_id: str) -> None:
        """Note what Slack said of the channel's id when something was posted."""
        self._id = channel_id or self._id

    def message(self, notice: Notice, since: datetime) -> tuple[str, str] | None:
        """Where the first message of a delivery stands: channel id and ts. None: not there, or it can't be told."""
        try:
            channel = self._id or self._look_up()
            found = self._find("conversations.history", notice, since, {"channel": channel}) if channel else ""
        except DeliveryError:
            return None
        self.learn(channel)
        return (channel, found) if found else None

    def replied(self, notice: Notice, since: datetime, channel: str, thread: str) -> bool:
        """Tell whether a thread has the reply of a delivery. False: it has not, or it can't be told."""
        try:
            return bool(self._find("conversations.replies", notice, since, {"channel": channel, "ts": thread}))
        except DeliveryError:
            return False

    def _find(self, method: str, notice: Notice, since: datetime, place: Mapping[str, str]) -> str:
        """The ts of a delivery's message, "" when there is none. What a thread hangs on is none of its replies."""
        oldest = f"{(since - SKEW).timestamp():.6f}"
        asked = {**place, "oldest": oldest, "limit": str(MESSAGES), "include_all_metadata": "true"}
        wanted, parent = _Metadata(EVENT_TYPE, _payload(notice)), place.get("ts")
        for page in self._pages(method, asked):
            for one in page.messages:
                if one.metadata == wanted and one.ts != parent:
                    return one.ts
        return ""

    def _look_up(self) -> str:
        """The id of the channel by its name, or of the conversation with a user; "" when there is none to be seen."""
        if _USER.fullmatch(self._channel):
            opened = self._api.read("conversations.open", {"users": self._channel}, _PAGES).channel
            return opened.id if opened else ""
        name = self._channel.removeprefix("#")
        asked = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": str(CHANNELS)}
        try:
            return self._named(name, asked)
        except Refused:  # it may see the public ones only
            return self._named(name, {**asked, "types": "public_channel"})

    def _named(self, name: str, asked: Mapping[str, str]) -> str:
        pages = self._pages("conversations.list", asked)
        return next((one.id for page in pages for one in page.channels if one.name == name), "")

    def _pages(self, method: str, asked: Mapping[str, str]) -> Iterator[_Page]:
        cursor: Mapping[str, str] = {}
        for _ in range(PAGES):
            page = self._api.read(method, {**asked, **cursor}, _PAGES)
            yield page
            if not page.response_metadata or not page.response_metadata.next_cursor:
                return
            cursor = {"cursor": page.response_metadata.next_cursor}


def _payload(notice: Notice) -> dict[str, object]:
    """The name of a delivery; incident numbers start again when the store is wiped, so the opening is part of it."""
    opened = int(notice.opened_at.timestamp())
    return {"delivery_id": notice.delivery, "incident": notice.incident, "opened": opened}

"""Slack on loopback: posting, updating and reading as a bot, and an incoming webhook, with Slack's limits."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from tests.standins.http import Answer, HttpStandIn, Received


@dataclass(frozen=True)
class SlackMessage:
    """A message as people see it now: `body` is the newest, `updates` counts how often it was changed."""

    channel: str
    ts: str
    body: dict[str, Any]
    thread_ts: str = ""
    updates: int = 0


READING = {
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.list": "channels:read",
    "conversations.open": "im:write",
}
"""What a bot must be allowed to, by method."""


class SlackStandIn(HttpStandIn):
    """Keeps messages as Slack does. `token` is the one that it takes, `scopes` what it may do besides writing."""

    token = "xoxb-stand-in"
    scopes: frozenset[str] = frozenset()
    page = 100

    def __init__(self, port: int = 0) -> None:
        self._numbers = itertools.count()
        self._messages: dict[tuple[str, str], SlackMessage] = {}
        self._lock = threading.Lock()
        self._hangs_up = False
        self._flooded: tuple[str, int] = "", 0
        super().__init__(port)

    @property
    def api_url(self) -> str:
        """For SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        """For SLACK_WEBHOOK_URL; any path under /services/ will do."""
        return f"{self.url}/services/T000/B000/standin-secret"

    @property
    def messages(self) -> list[SlackMessage]:
        """The messages of all channels in the order of their first posting, replies in threads left out."""
        with self._lock:
            return [message for message in self._messages.values() if not message.thread_ts]

    def thread(self, ts: str) -> list[SlackMessage]:
        """The replies to a message."""
        with self._lock:
            return [message for message in self._messages.values() if message.thread_ts == ts]

    def button(self, message: SlackMessage, action: str) -> str:
        """The value of a button that a message shows now."""
        elements = [one for block in blocks_of(message.body) for one in block.get("elements", [])]
        values = {one["action_id"]: one.get("value", "") for one in elements if "action_id" in one}
        assert action in values, f"there is no button {action}, but {sorted(values)}"
        return str(values[action])

    def delete(self, ts: str) -> None:
        """Delete a message, as a person can."""
        with self._lock:
            self._messages = {key: message for key, message in self._messages.items() if message.ts != ts}

    def hang_up_after_the_next(self) -> None:
        """Take the next message that is posted, and then hang up without an answer."""
        self._hangs_up = True

    def flood(self, channel: str, *, retry_after: int = 1) -> None:
        """Say 429 to whatever is posted to one channel from now on; "": to none."""
        self._flooded = channel, retry_after

    def respond(self, request: Received) -> Answer:
        """Do what Slack does."""
        method = request.path.removeprefix("/api/")
        if method in READING:
            return self._read(method, request)
        body = request.json
        fault = _fault(body)
        if request.path.startswith("/services/"):
            if fault:
                return Answer(400, fault.encode())
            self._post(request.path, body)
            return Answer(200, b"ok")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _no("invalid_auth")
        if fault:
            return _no(fault)
        if request.path == "/api/chat.postMessage" and body["channel"] == self._flooded[0]:
            headers = {"Retry-After": str(self._flooded[1])}
            return Answer.of_json({"ok": False, "error": "ratelimited"}, 429, headers)
        if request.path == "/api/chat.postMessage":
            channel = _channel_id(body["channel"])
            ts = self._post(channel, body).ts
            drop, self._hangs_up = self._hangs_up, False
            return replace(Answer.of_json({"ok": True, "channel": channel, "ts": ts}), drop=drop)
        if request.path == "/api/chat.update":
            return self._update(body)
        return _no("unknown_method")

    def _read(self, method: str, request: Received) -> Answer:
        """Show channels and messages, newest first, `page` of them at a time."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _no("invalid_auth")
        if READING[method] not in self.scopes:
            return Answer.of_json({"ok": False, "error": "missing_scope", "needed": READING[method]})
        asked = dict(parse_qsl(request.body.decode()))
        if method == "conversations.open":
            return Answer.of_json({"ok": True, "channel": {"id": f"D0{asked['users']}"}})
        with self._lock:
            known = list(self._messages.values())
        if method == "conversations.list":
            ids = dict.fromkeys(["C0OTHER", *(one.channel for one in known)])
            channels = [{"id": one, "name": one.removeprefix("C0").lower()} for one in ids if one.startswith("C0")]
            return self._page("channels", channels, asked)
        found = [_shown(one, asked) for one in reversed(known) if _asked_for(one, asked)]
        if not found and asked["channel"] not in {one.channel for one in known}:
            return _no("channel_not_found")
        return self._page("messages", found, asked)

    def _page(self, name: str, items: list[dict[str, Any]], asked: dict[str, str]) -> Answer:
        start = int(asked.get("cursor", "0"))
        end = start + min(self.page, int(asked["limit"]))
        following = str(end) if end < len(items) else ""
        return Answer.of_json({"ok": True, name: items[start:end], "response_metadata": {"next_cursor": following}})

    def _post(self, channel: str, body: dict[str, Any]) -> SlackMessage:
        with self._lock:
            ts = f"{int(time.time())}.{next(self._numbers):06d}"
            message = SlackMessage(channel, ts, body, str(body.get("thread_ts", "")))
            self._messages[channel, ts] = message
            return message

    def _update(self, body: dict[str, Any]) -> Answer:
        key = str(body["channel"]), str(body["ts"])
        with self._lock:
            message = self._messages.get(key)
            if message is None:
                return _no("message_not_found")
            self._messages[key] = replace(message, body=body, updates=message.updates + 1)
        return Answer.of_json({"ok": True, "channel": key[0], "ts": key[1]})


def blocks_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """All blocks of a message, those of its attachments too."""
    return [*body.get("blocks", []), *(block for part in body.get("attachments", []) for block in part["blocks"])]


def texts_of(blocks: object) -> list[str]:
    """Every string in blocks that counts for Slack's limit on the whole."""
    if isinstance(blocks, dict):
        return [text for value in blocks.values() for text in texts_of(value)]
    if isinstance(blocks, list):
        return [text for value in blocks for text in texts_of(value)]
    return [blocks] if isinstance(blocks, str) else []


def _fault(body: dict[str, Any]) -> str:
    """Slack's word for what is wrong with a message, empty when nothing is."""
    blocks = blocks_of(body)
    if not body.get("text") and not blocks:
        return "no_text"
    if len(blocks) > 50:
        return "invalid_blocks"
    for block in blocks:
        limit = {"header": 150, "section": 3000}.get(block["type"])
        text, fields = block.get("text"), block.get("fields", [])
        if limit and not (text or fields):
            return "invalid_blocks"
        if limit and text and not 1 <= len(text["text"]) <= limit:
            return "invalid_blocks"
        if len(fields) > 10 or not all(1 <= len(field["text"]) <= 2000 for field in fields):
            return "invalid_blocks"
        ids = [element["action_id"] for element in block.get("elements", []) if "action_id" in element]
        if len(set(ids)) < len(ids):
            return "invalid_blocks"
    return "msg_blocks_too_long" if sum(map(len, texts_of(blocks))) > 13_200 else ""


def _asked_for(message: SlackMessage, asked: dict[str, str]) -> bool:
    """Tell whether a message is of the channel, or of the thread with what it hangs on, and not too old."""
    here = message.channel == asked["channel"] and float(message.ts) >= float(asked.get("oldest", "0"))
    return here and (asked["ts"] in (message.ts, message.thread_ts) if "ts" in asked else not message.thread_ts)


def _shown(message: SlackMessage, asked: dict[str, str]) -> dict[str, Any]:
    marks = {"metadata": message.body["metadata"]} if asked.get("include_all_metadata") == "true" else {}
    return {"type": "message", "ts": message.ts, "text": message.body["text"], **marks}


def _channel_id(channel: str) -> str:
    if channel.startswith("U"):
        return f"D0{channel}"
    return channel if channel.startswith("C0") else f"C0{channel.lstrip('#').upper()}"


def _no(error: str) -> Answer:
    return Answer.of_json({"ok": False, "error": error})

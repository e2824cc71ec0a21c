"""Slack's Socket Mode on loopback: one WebSocket, by hand, as far as text frames of up to 64 KiB go."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from typing import Any

from tests.standins.http import Answer, Received
from tests.standins.record import Record
from tests.standins.slack import SlackStandIn

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class SlackSocketStandIn(SlackStandIn):
    """Slack with `apps.connections.open`, and the WebSocket that it leads to."""

    app_token = "xapp-stand-in"

    def __init__(self) -> None:
        self.connections: Record[socket.socket] = Record()
        self._confirmed: Record[dict[str, Any]] = Record()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        super().__init__()

    @property
    def told(self) -> list[dict[str, Any]]:
        """What was posted to a response_url, oldest first."""
        return [one.json for one in self.received if one.path.startswith("/actions/")]

    def respond(self, request: Received) -> Answer:
        """Give the WebSocket's address to whoever has the token; the rest is Slack's usual."""
        if request.path.startswith("/actions/"):
            return Answer()
        if request.path != "/api/apps.connections.open":
            return super().respond(request)
        if request.headers.get("authorization") != f"Bearer {self.app_token}":
            return Answer.of_json({"ok": False, "error": "invalid_auth"})
        port = self._listener.getsockname()[1]
        return Answer.of_json({"ok": True, "url": f"ws://127.0.0.1:{port}/link?ticket=1"})

    def send(self, kind: str, payload: dict[str, Any], envelope: str) -> None:
        """Send an envelope to the newest connection."""
        newest = self.connections.wait_for(bool, 20)[-1]
        text = json.dumps({"type": kind, "envelope_id": envelope, "payload": payload}).encode()
        newest.sendall(struct.pack("!BBH", 0x80 | _TEXT, 126, len(text)) + text)

    def confirmation(self, envelope: str, deadline: float = 10) -> dict[str, Any]:
        """What came back for an envelope."""
        got = self._confirmed.wait_for(lambda all_: any(one["envelope_id"] == envelope for one in all_), deadline)
        return next(one for one in got if one["envelope_id"] == envelope)

    def close(self) -> None:
        """Stop, and hang up."""
        self._listener.close()
        for connection in self.connections.items():
            connection.close()
        super().close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reading:
                head = {}
                while line := reading.readline().strip():
                    name, _, value = line.partition(b":")
                    head[name.lower()] = value.strip()
                accept = base64.b64encode(hashlib.sha1(head[b"sec-websocket-key"] + _MAGIC).digest())  # noqa: S324  its rule
                connection.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                )
                self.connections.add(connection)
                while frame := reading.read(2):
                    opcode, length = frame[0] & 15, frame[1] & 127
                    if length == 126:
                        (length,) = struct.unpack("!H", reading.read(2))
                    mask = reading.read(4)
                    text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(reading.read(length)))
                    if opcode == _CLOSE:
                        return
                    if opcode == _PING:
                        connection.sendall(struct.pack("!BB", 0x80 | _PONG, len(text)) + text)
                    if opcode == _TEXT:
                        self._confirmed.add(json.loads(text))
        except (OSError, ValueError):
            return  # hung up

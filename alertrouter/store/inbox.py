"""The built-in inbox: the newest messages, in Redis."""

from __future__ import annotations

import msgspec
import redis

from alertrouter.notice import InboxMessage
from alertrouter.store.keys import Keys
from alertrouter.store.moment import to_ms
from alertrouter.store.scripts import Script


class RedisInbox:
    """Keeps the newest `size` messages; one with the id of an earlier one takes its place, at its own time."""

    def __init__(self, client: redis.Redis, keys: Keys, size: int) -> None:
        self._keys = keys
        self._size = size
        self._keep = Script(client, "inbox_keep")

    def keep(self, message: InboxMessage) -> None:
        """Keep a message."""
        keys = [self._keys.inbox, self._keys.inbox_order]
        self._keep(keys, [message.id, msgspec.msgpack.encode(message), to_ms(message.at), self._size])

"""The Lua scripts beside this file, ready to be called; a script the server forgot is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import redis

from alertrouter.store.connection import border

Argument: TypeAlias = str | bytes | int
Answer: TypeAlias = bytes | int | list["Answer"] | None


class Script:
    """One Lua script. It runs whole or not at all, and nothing else runs meanwhile."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        text = Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
        self._script = client.register_script(text)

    def __call__(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Answer:
        """Run it; raises `StoreUnavailable`."""
        with border():
            answer: Answer = self._script(keys=keys, args=arguments)
        return answer

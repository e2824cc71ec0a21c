"""The Lua scripts beside this file, ready to be called; a script the server forgot is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import redis
from redis.client import Pipeline

from alertrouter.store.connection import border

Argument: TypeAlias = str | bytes | int
Answer: TypeAlias = bytes | int | list["Answer"] | None


class Script:
    """One Lua script. It runs whole or not at all, and nothing else runs meanwhile."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._text = Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
        self._script = client.register_script(self._text)

    def __call__(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Answer:
        """Run it; raises `StoreUnavailable`."""
        with border():
            answer: Answer = self._script(keys=keys, args=arguments)
        return answer

    def within(self, pipeline: Pipeline, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        """Run it as part of a MULTI; with its whole text, for a MULTI can't be taken back when the server forgot it."""
        pipeline.eval(self._text, len(keys), *keys, *arguments)

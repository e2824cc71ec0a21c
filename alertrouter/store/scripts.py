"""The Lua scripts beside this file, ready to be called; a script the server forgot is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import TypeAlias

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

from alertrouter.store.connection import border

Argument: TypeAlias = str | bytes | int
Answer: TypeAlias = bytes | int | list["Answer"] | None


class Script:
    """One Lua script. It runs whole or not at all, and nothing else runs meanwhile."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._redis = client
        self._text = Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8")
        self._sha = sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Answer:
        """Run it; raises `StoreUnavailable`."""
        with border():
            try:
                return self._run("EVALSHA", self._sha, keys, arguments)
            except NoScriptError:
                return self._run("EVAL", self._text, keys, arguments)

    def _run(self, command: str, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Answer:
        """By the bare command: redis-py's own way takes half as long again, and each message has to wait for it."""
        answer: Answer = self._redis.execute_command(command, script, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        return answer

    def last(self, pipeline: Pipeline, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Answer]:
        """Run it behind what is in a pipeline that is no MULTI, and give all answers; raises as redis-py does."""
        pipeline.execute_command("EVALSHA", self._sha, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]  # as above
        *others, own = pipeline.execute(raise_on_error=False)
        if isinstance(own, NoScriptError):
            own = self(keys, arguments)
        for answer in (*others, own):
            if isinstance(answer, Exception):
                raise answer
        return [*others, own]

    def within(self, pipeline: Pipeline, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        """Run it as part of a MULTI; with its whole text, for a MULTI can't be taken back when the server forgot it."""
        pipeline.eval(self._text, len(keys), *keys, *arguments)

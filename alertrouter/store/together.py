"""Several commands in one round trip of the asyncio client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import redis.asyncio

Command: TypeAlias = tuple[str | bytes | int, ...]


async def together(client: redis.asyncio.Redis, commands: Iterable[Command], *, whole: bool = False) -> list[Any]:
    """Run the commands in order and give their answers; `whole`: as one MULTI.

    The error of a single one is raised after all have run.
    """
    pipeline = client.pipeline(transaction=whole)
    for command in commands:
        pipeline.pipeline_execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    answers: list[Any] = await pipeline.execute()
    return answers

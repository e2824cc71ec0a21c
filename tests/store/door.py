"""The web door's side of the store, for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.keys import Keys

_T = TypeVar("_T")


def with_door(
    url: str, keys: Keys, act: Callable[[DoorStore], Coroutine[Any, Any, _T]], *, max_backlog: int = 1000
) -> _T:
    """Do something with a door, in an event loop of its own."""

    async def run() -> _T:
        async with connect_async(url) as client:
            return await act(DoorStore(client, keys, max_backlog=max_backlog))

    return asyncio.run(run())

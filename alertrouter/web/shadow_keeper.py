"""Keeps a follower running while there is a shadow: a process of its own, so that no door and no router bears its work.

Every web process looks; where none follows, one starts it, and of several started at once one stays.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from typing import Final

from alertrouter import log, parent
from alertrouter.errors import StoreUnavailable
from alertrouter.shadow import Shadow
from alertrouter.store.doorstore import DoorStore

LOOK_EVERY: Final = 2.0
STOPS_WITHIN: Final = 2.0
MOST_DEATHS: Final = 3
"""A follower that dies so often in a row, whatever kills it, is not started again: the shadow is shown as failed."""

COMMAND: Final = (sys.executable, "-P", "-m", "alertrouter.follower")

_log = log.get(__name__)


class ShadowKeeper:
    """One task of the web process."""

    def __init__(self, store: DoorStore, *, command: Sequence[str] = COMMAND, every: float = LOOK_EVERY) -> None:
        """`command` gets the name of the follower as its last word."""
        self._store = store
        self._command = command
        self._every = every
        self._task: asyncio.Task[None] | None = None
        self._deaths = 0
        self._of: Shadow | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Look no more, and let no follower be left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                shadow = await self._store.shadow.unfollowed()
                if shadow is not None:
                    await self._follow(shadow)
            except StoreUnavailable as error:
                _log.debug("store unavailable", reason=str(error))  # the doors say so, loudly
            except Exception:  # noqa: BLE001  whatever it is, this task is the only one that would try again
                _log.exception("the shadow's process can't be kept running")
            await asyncio.sleep(self._every)

    async def _follow(self, shadow: Shadow) -> None:
        """Run a follower to its end."""
        if shadow != self._of:
            self._of, self._deaths = shadow, 0
        name = f"{socket.gethostname()}:{secrets.token_hex(4)}"
        command = parent.command_for((*self._command, name))
        running = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, start_new_session=True)
        try:
            code = await running.wait()
        except asyncio.CancelledError:
            await _stopped(running)
            raise
        if not code:
            self._deaths = 0
            return
        self._deaths += 1
        _log.warning("the shadow's process died", code=code, deaths=self._deaths)
        await self._store.shadow.let_go(name)
        if self._deaths >= MOST_DEATHS:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            await self._store.shadow.fail(shadow, f"its process died {self._deaths} times ({how})")


async def _stopped(running: Process) -> None:
    if running.returncode is not None:
        return
    running.terminate()
    try:
        await asyncio.wait_for(running.wait(), STOPS_WITHIN)
    except TimeoutError:
        running.kill()
        await running.wait()

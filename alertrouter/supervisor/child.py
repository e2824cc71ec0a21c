"""One program under supervision: started, started again when it dies, stopped in time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alertrouter import parent
from alertrouter.supervisor.forked import Forked, can_fork

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_AFTER: Final = 10.0
"""A program that ran this long (seconds) died of something new: its pauses start over."""
RECOVERED_AFTER: Final = 2.0
"""A program that died at its start and now runs this long (seconds) has started after all."""
LOOP: Final = 3
"""So many early deaths in a row are called a crash loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. `patience` is how long it may take to stop (seconds) before it is killed.

    With `run` it is a fork of this process that calls that; where forks can't be watched it is `command` all the same.
    `keeps_open` are files of the supervisor's that it holds open too, as a lock that is free only when both are gone.
    """

    name: str
    command: Sequence[str]
    patience: float
    keeps_open: Sequence[int] = ()
    run: Callable[[], object] | None = None


async def at_most(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, but no longer than that."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


class Child:
    """A program's running process, and the next one when that dies.

    `early_deaths` counts those in a row that came soon after the start. The process has a session of its own, so that
    Ctrl-C in a terminal reaches the supervisor alone, which then stops each child once and in order.
    """

    def __init__(self, program: Program, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
        self.program = program
        self.early_deaths = 0
        self._environ = environ
        self._tell = tell
        self._process: asyncio.subprocess.Process | Forked | None = None
        self._stopping = asyncio.Event()
        self._started = 0.0

    def recovering(self) -> bool:
        """Tell whether it died early and it isn't known yet whether it runs now."""
        return self.early_deaths > 0 and asyncio.get_running_loop().time() - self._started < RECOVERED_AFTER

    async def run(self) -> None:
        """Keep it running until `stop` is called."""
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            self._started = clock()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self.early_deaths = self.early_deaths + 1 if clock() - self._started < STEADY_AFTER else 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.early_deaths - 1))
            self._tell(self._obituary(code, pause))
            self._started = clock() + pause
            await at_most(pause, self._stopping)

    async def stop(self) -> None:
        """Ask it to stop; kill it when its patience is over."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.program.patience)
        except TimeoutError:
            self._tell(f"{self.program.name} did not stop within {self.program.patience:g} s: killed")
            self.kill()
            await process.wait()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it at once, with whatever it started."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            for kill in (os.killpg, os.kill):  # a fork that has just begun leads no group yet
                with contextlib.suppress(ProcessLookupError):
                    kill(self._process.pid, signal.SIGKILL)

    async def _run_once(self) -> int:
        try:
            self._process = await self._start()
        except OSError as error:
            self._tell(f"{self.program.name} can't be started: {error}")
            return 1
        if self._stopping.is_set():
            self.kill()
        return await self._process.wait()

    async def _start(self) -> asyncio.subprocess.Process | Forked:
        if self.program.run is not None and can_fork():
            return Forked(self.program.command[-1], self.program.run, self._environ)
        return await asyncio.create_subprocess_exec(
            *parent.command_for(self.program.command),
            stdin=asyncio.subprocess.DEVNULL,
            env=self._environ,
            start_new_session=True,
            pass_fds=self.program.keeps_open,
        )

    def _obituary(self, code: int, pause: float) -> str:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if self.early_deaths < LOOP:
            return f"{self.program.name} {how}; starting it again"
        return (
            f"{self.program.name} {how}, {self.early_deaths} times in a row: it is in a crash loop, "
            f"its last words stand above; trying again in {pause:.0f} s"
        )

"""One program under supervision: it is started again when it dies, and it stops in time."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from alertrouter.supervisor.child import LOOP, Child, Program

ANNOUNCES = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"
DEAF = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + ANNOUNCES
FAILS = "import sys; sys.exit(3)"


def test_a_program_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """`kill -9` is told, and a new process takes the place of the old one."""
    supervised = Supervised(tmp_path, ANNOUNCES)

    async def story() -> None:
        first, *_ = await supervised.pids(1)
        os.kill(first, signal.SIGKILL)
        second = (await supervised.pids(2))[-1]

        assert second != first

    supervised.run(story)

    assert supervised.told[0] == "sleeper was killed by SIGKILL; starting it again"


def test_a_program_that_cannot_start_is_called_a_crash_loop(tmp_path: Path) -> None:
    """After a few early deaths in a row it says so, and the pauses grow."""
    supervised = Supervised(tmp_path, FAILS)

    async def story() -> None:
        await _until(lambda: supervised.child.early_deaths >= LOOP)

    supervised.run(story)

    assert supervised.told[0] == "sleeper ended with exit code 3; starting it again"
    assert f"sleeper ended with exit code 3, {LOOP} times in a row: it is in a crash loop" in supervised.told[LOOP - 1]


def test_a_program_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    """Its patience is the limit, and the exceeding is told."""
    supervised = Supervised(tmp_path, DEAF, patience=0.2)

    async def story() -> None:
        await supervised.pids(1)

    supervised.run(story)

    assert supervised.told == ["sleeper did not stop within 0.2 s: killed"]
    assert not supervised.alive()


def test_a_program_stops_while_it_waits_to_be_started_again(tmp_path: Path) -> None:
    """Stopping does not sit out the pause of a crash loop."""
    supervised = Supervised(tmp_path, FAILS)

    async def story() -> None:
        await _until(lambda: supervised.child.early_deaths >= 1)

    supervised.run(story)

    assert not supervised.alive()


class Supervised:
    """A child that runs a Python one-liner, which writes its process id into a file."""

    def __init__(self, directory: Path, code: str, *, patience: float = 10) -> None:
        """Make it; `run` starts it."""
        self.told: list[str] = []
        self._file = directory / "pids"
        command = (sys.executable, "-c", code, str(self._file))
        self.child = Child(Program(name="sleeper", command=command, patience=patience), os.environ, self.told.append)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        """Start it, tell the story, stop it."""

        async def whole() -> None:
            running = asyncio.create_task(self.child.run())
            try:
                await story()
            finally:
                await self.child.stop()
                await asyncio.wait_for(running, 10)

        asyncio.run(whole())

    async def pids(self, count: int) -> list[int]:
        """The ids of the processes so far, as soon as there are that many."""
        await _until(lambda: len(self._pids()) >= count)
        return self._pids()

    def alive(self) -> list[int]:
        """Those that still run."""
        return [pid for pid in self._pids() if Path(f"/proc/{pid}").exists()]

    def _pids(self) -> list[int]:
        return [int(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110 - another process is watched, which sets no event
            await asyncio.sleep(0.02)

"""A fork of the supervisor lives as a process of its own, and nothing of the supervisor's goes on in it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alertrouter.supervisor.child import Child, Program
from alertrouter.supervisor.forked import Forked, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="forks can't be watched here: it takes Linux 5.3")


def ends_with(run: Callable[[], object]) -> int:
    """Fork, and give the exit code."""

    async def story() -> int:
        return await Forked("some-role", run, {}).wait()

    return asyncio.run(story())


def test_its_exit_code_is_what_it_ends_with() -> None:
    """As a program's: none is 0, a text or an exception is 1; no exception is passed on to the supervisor."""

    def fails() -> None:
        raise ValueError("for the log")

    assert ends_with(lambda: None) == 0
    assert ends_with(lambda: sys.exit(3)) == 3
    assert ends_with(lambda: sys.exit("wrong")) == 1
    assert ends_with(fails) == 1
    assert ends_with(lambda: os.kill(os.getpid(), signal.SIGKILL)) == -signal.SIGKILL


def test_it_has_a_name_an_environment_and_a_session_of_its_own_and_no_open_file(tmp_path: Path) -> None:
    """The lock of the state directory, the loop's files, the terminal's input: all that stays the supervisor's."""
    found = tmp_path / "found"

    def look() -> None:
        files = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
        own = os.getsid(0) == os.getpid()
        title = Path("/proc/self/cmdline").read_text().rstrip("\0").split("\0")
        stdin = Path("/proc/self/fd/0").readlink()
        found.write_text(repr((title, dict(os.environ), own, [file for file in files if file > 3], str(stdin))))

    async def story() -> int:
        with (tmp_path / "lock").open("w") as held:
            assert held.fileno() > 2
            return await Forked("some-role", look, {"A": "b"}).wait()

    assert asyncio.run(story()) == 0
    assert found.read_text() == ("(['alertrouter', 'some-role'], {'A': 'b'}, True, [], '/dev/null')")


def test_a_signal_to_it_does_not_reach_the_supervisor() -> None:
    """Its handlers are the system's own from the start: asked to stop, it stops, and the supervisor hears nothing."""

    async def story() -> tuple[int, bool]:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.set)
        forked = Forked("some-role", lambda: time.sleep(60), {})
        forked.terminate()
        return await asyncio.wait_for(forked.wait(), 20), heard.is_set()

    assert asyncio.run(story()) == (-signal.SIGTERM, False)


def test_it_may_run_an_event_loop(tmp_path: Path) -> None:
    """Though it was forked out of one."""

    async def inside() -> None:
        await asyncio.sleep(0)
        (tmp_path / "done").touch()

    assert ends_with(lambda: asyncio.run(inside())) == 0
    assert (tmp_path / "done").exists()


def test_one_that_is_killed_is_forked_again(tmp_path: Path) -> None:
    """The supervisor treats it as any other of its programs."""
    pids = tmp_path / "pids"

    def announce() -> None:
        with pids.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(60)

    told: list[str] = []
    child = Child(Program(name="sleeper", command=("nothing",), patience=10, run=announce), {}, told.append)

    def announced() -> list[int]:
        return [int(line) for line in pids.read_text().splitlines()] if pids.exists() else []

    async def story() -> None:
        running = asyncio.create_task(child.run())
        await _until(lambda: len(announced()) > 0)
        os.kill(announced()[0], signal.SIGKILL)
        await _until(lambda: len(announced()) > 1)
        await child.stop()
        await running

    asyncio.run(story())

    assert told == ["sleeper was killed by SIGKILL; starting it again"]
    assert all(not Path(f"/proc/{pid}").exists() for pid in announced())


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not check():  # noqa: ASYNC110 - another process is watched, which sets no event
            await asyncio.sleep(0.02)

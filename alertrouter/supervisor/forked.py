"""A process that is a fork of the supervisor: it has all modules from it, and shares the memory that they take.

Linux only, for the kernel must tell of its end by a file (pidfd) and kill it when the supervisor dies. It looks like a
process of its own: a session, a command line (`alertrouter router`), no file of the supervisor's but stderr and stdout.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from alertrouter.parent import PR_SET_PDEATHSIG

_HANDLED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ARG_START: Final = 45
"""Place of the command line's address among the fields of /proc/self/stat that follow the name; its end is the next."""


def can_fork() -> bool:
    """Tell whether forks can be watched here: not before Linux 5.3, nor in a sandbox that forbids it."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class Forked:
    """A running fork; for one event loop. What asyncio's own `Process` has of the same names does the same."""

    def __init__(self, name: str, run: Callable[[], object], environ: Mapping[str, str]) -> None:
        """Fork. In the new process `run` is called with this environment; it ends with its SystemExit's code, or 1."""
        parent = os.getpid()
        # A signal that comes to the fork before its handlers are its own would wake the supervisor's loop.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            self.pid = os.fork()
            if not self.pid:
                _live(name, run, environ, parent)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._watched = os.pidfd_open(self.pid)
        self._loop.add_reader(self._watched, self._reap)

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative when a signal ended it; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for its end."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if not self._ended.done():
            os.kill(self.pid, number)

    def _reap(self) -> None:
        self._loop.remove_reader(self._watched)
        os.close(self._watched)
        _, status = os.waitpid(self.pid, 0)
        self._ended.set_result(os.waitstatus_to_exitcode(status))


def _live(name: str, run: Callable[[], object], environ: Mapping[str, str], parent: int) -> NoReturn:
    """Be the new process, to its end: nothing of the supervisor's below on the stack may go on here."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it died before the kernel was told to watch it
        _leave_files()
        _entitle("alertrouter", name)
        os.environ.clear()  # noqa: TID251  as exec would set it; the settings read it
        os.environ.update(environ)  # noqa: TID251  as above
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001  whatever it was: it must be seen, and this process must end here
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _leave_files() -> None:
    """Close what the supervisor has open. Its objects stay referenced by its frames, so nobody closes them again."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, max(int(entry.name) for entry in Path("/proc/self/fd").iterdir()) + 1)


def _entitle(*words: str) -> None:
    """Write a command line over the supervisor's, for ps and pgrep: in place, as far as there is room."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_START + 1])
    if not 0 < start < end:
        return  # the kernel doesn't say where it lies to a process that may not be traced
    title = "\0".join(words).encode()[: end - start - 1]
    ctypes.memmove(start, title.ljust(end - start, b"\0"), end - start)

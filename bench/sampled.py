"""One of alertrouter's processes with a profiler in it: `python -m bench.sampled FILE web|router|worker`.

Web and router do all in one thread: it is asked where it stands each few milliseconds of CPU time, which distorts
nothing. A worker sends in threads, so its calls are counted (cProfile, CPU time), which makes small functions look
dearer than they are. SIGUSR1 forgets what was seen so far. The report is written to FILE at the end.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from alertrouter.router import run_router
from alertrouter.settings import Settings, from_environment
from alertrouter.web.app import run_web
from alertrouter.worker import run_worker

EVERY: Final = 0.001
SHOWN: Final = 32
ROLES: Final[dict[str, Callable[[Settings], None]]] = {"web": run_web, "router": run_router, "worker": run_worker}


class Samples:
    """Counts where the main thread stands, by function: itself, and with all that it called."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._own: Counter[CodeType] = Counter()
        self._whole: Counter[CodeType] = Counter()

    def start(self) -> None:
        """Look from now on."""
        signal.signal(signal.SIGPROF, self._look)
        signal.signal(signal.SIGUSR1, self._forget)
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def report(self) -> str:
        """Look no longer, and say where the time went."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = self._own.total() or 1
        lines = [f"{total} samples of CPU time"]
        for title, counts in (("itself", self._own), ("with what it calls", self._whole)):
            lines += ["", title]
            lines += [f"{times / total:7.1%}  {_name(code)}" for code, times in counts.most_common(SHOWN)]
        return "\n".join(lines) + "\n"

    def _look(self, _: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append(frame.f_code)
            frame = frame.f_back
        self._own[stack[0]] += 1
        self._whole.update(set(stack))

    def _forget(self, *_: object) -> None:
        self._own.clear()
        self._whole.clear()


class Calls:
    """Counts the calls of all threads that begin after `start`, and times them in CPU seconds."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._profiles: list[cProfile.Profile] = []

    def start(self) -> None:
        """Count from now on."""
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        threading.setprofile(self._begin)
        self._begin()

    def report(self) -> str:
        """Say where the time went; the threads must have ended."""
        text = io.StringIO()
        stats = pstats.Stats(*self._profiles, stream=text)
        stats.strip_dirs().sort_stats("tottime").print_stats(SHOWN)
        stats.sort_stats("cumulative").print_stats(SHOWN)
        return text.getvalue()

    def _begin(self, *_: Any) -> None:  # noqa: ANN401  what a profile function is called with
        profile = cProfile.Profile(time.thread_time)
        self._profiles.append(profile)
        profile.enable()


def _name(code: CodeType) -> str:
    file = Path(code.co_filename)
    return f"{'/'.join(file.parts[-3:])}:{code.co_firstlineno} {code.co_qualname}"


def _ended(*_: object) -> None:
    """Be what uvicorn raises its signal to once it has stopped."""
    raise SystemExit(0)


def main(arguments: Sequence[str]) -> None:
    """Run a role until SIGTERM."""
    file, role = arguments
    profiler = Calls() if role == "worker" else Samples()
    signal.signal(signal.SIGTERM, _ended)
    profiler.start()
    try:
        ROLES[role](from_environment())
    finally:
        Path(file).write_text(profiler.report(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

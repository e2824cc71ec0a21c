"""Run a command that never outlives the process which asked for it: `python -m alertrouter.parent PID COMMAND…`.

On Linux the kernel kills the command when its parent is gone (PR_SET_PDEATHSIG, which survives exec). Elsewhere this
process stays between the two and looks after its parent. The command is killed, not asked: what is left after the
supervisor's death may hang, alertrouter is made to be killed at any moment, and a next `up` finds nobody in its way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final, NoReturn

PR_SET_PDEATHSIG: Final = 1
LOOK_EVERY: Final = 0.5


def command_for(command: Sequence[str]) -> tuple[str, ...]:
    """The command that runs `command` bound to this process."""
    return (sys.executable, "-P", "-m", "alertrouter.parent", str(os.getpid()), *command)


def main(arguments: Sequence[str]) -> NoReturn:
    """Bind the command to the process PID, which must be this one's parent, and become or run it."""
    parent, command = int(arguments[0]), list(arguments[1:])
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) == 0:
        if os.getppid() != parent:
            sys.exit(1)  # it died before the kernel was told to watch it
        os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command line, no shell
    sys.exit(stand_between(parent, command))


def stand_between(parent: int, command: Sequence[str]) -> int:
    """Run the command, hand signals on to it, and kill it when `parent` is no longer this process's parent."""
    child = subprocess.Popen(command, close_fds=False)  # noqa: S603 - the supervisor's own command line, no shell

    def hand_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    while True:
        try:
            code = child.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()
        else:
            return 128 - code if code < 0 else code


if __name__ == "__main__":
    main(sys.argv[1:])

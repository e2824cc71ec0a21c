"""A command that is bound to its parent ends with it, however that ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alertrouter import parent
from tests.waiting import eventually

SLEEPER = "import time; time.sleep(600)"
BOUND = """
import subprocess, sys
from alertrouter import parent
child = subprocess.Popen(parent.command_for([sys.executable, "-c", sys.argv[1]]), stdout=subprocess.PIPE)
print(child.pid, flush=True)
child.wait()
"""
STANDING_BETWEEN = """
import os, subprocess, sys
code = "import sys; from alertrouter.parent import stand_between; stand_between(int(sys.argv[1]), sys.argv[2:])"
announce = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code, str(os.getpid()), sys.executable, "-c", announce]).wait()
"""


@pytest.mark.parametrize("script", [BOUND, STANDING_BETWEEN], ids=["by the kernel", "by looking"])
def test_the_command_dies_when_its_parent_is_killed(script: str) -> None:
    """`kill -9` of the parent leaves no orphan, on Linux and by the way that other systems go."""
    with subprocess.Popen([sys.executable, "-c", script, SLEEPER], stdout=subprocess.PIPE) as above:
        assert above.stdout is not None
        below = int(above.stdout.readline())
        assert _alive(below)

        above.kill()
        above.wait()

        eventually(lambda: not _alive(below), within=10, what="the command is gone")


def test_the_command_takes_the_signals_and_gives_the_exit_code() -> None:
    """Whoever asks the bound command to stop is heard, and learns how it ended."""
    command = parent.command_for([sys.executable, "-c", "import sys; sys.exit(7)"])

    assert subprocess.run(command, check=False).returncode == 7

    with subprocess.Popen(parent.command_for([sys.executable, "-c", SLEEPER])) as sleeper:
        sleeper.terminate()

        assert sleeper.wait(10) == -signal.SIGTERM


def test_the_command_is_not_started_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    """A parent that died before it could be watched has no use for the command."""
    trace = tmp_path / "started"
    code = f"open({str(trace)!r}, 'w')"
    somebody_else = str(os.getppid())

    ended = subprocess.run(
        [sys.executable, "-m", "alertrouter.parent", somebody_else, sys.executable, "-c", code], check=False
    )

    assert ended.returncode == 1
    assert not trace.exists()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"

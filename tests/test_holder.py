"""A holder that died on this machine is known to be dead; of any other nobody says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alertrouter.holder import died_here, holder_name
from tests.times import START

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it takes Linux's /proc to tell the dead")


def test_a_living_process_is_not_called_dead() -> None:
    """Neither this one nor one of another user: process 1 is root's."""
    assert not died_here(holder_name(START))
    assert not died_here(of_process(1))


def test_a_process_that_ended_is_dead_whether_or_not_its_parent_knows() -> None:
    """A zombie holds nothing any more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert died_here(of_process(ended.pid))
        ended.wait()
        assert died_here(of_process(ended.pid))


def test_a_process_of_another_machine_may_well_live() -> None:
    """Of the same host's name too: containers share it and count their processes by themselves."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    elsewhere = of_process(ended.pid).rpartition(":")[0]

    for holder in (elsewhere, f"{elsewhere}:00000000", "", "somebody", "::::"):
        assert not died_here(holder)


def of_process(pid: int) -> str:
    """The name of a holder with this process id, here."""
    host, _, since, here = holder_name(START).split(":")
    return f"{host}:{pid}:{since}:{here}"

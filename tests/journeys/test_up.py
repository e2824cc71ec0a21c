"""`alertrouter up` keeps its processes running, stops all of them, and refuses to start with words, not by half."""

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.journeys.installation import Alertrouter, start
from tests.journeys.processes import ROLES
from tests.journeys.programs import Program, Programs, free_port
from tests.waiting import eventually

NO_RECEIVER = """
receivers: {ops: {inbox: {}}}
route: {receiver: opps}
"""


@pytest.mark.parametrize("role", ROLES)
def test_a_process_that_is_killed_is_started_again(programs: Programs, role: str) -> None:
    """`kill -9` of any of them is mended within seconds, and told in the log."""
    running = Alertrouter(programs, policy=None, environ={"ALERTROUTER_WORKERS": "1"})
    (victim,) = running.processes(role)

    running.kill(victim)

    eventually(running.door.ready, within=20, what="it is ready again")
    lines = [json.loads(line) for line in running.up.text().splitlines() if line.startswith("{")]
    said = [line["message"] for line in lines if line.get("component") == "up"]
    assert any(one.startswith(role) and "was killed by SIGKILL; starting it again" in one for one in said), said


def test_sigterm_stops_all_of_it(programs: Programs) -> None:
    """As systemd and Docker ask it to stop: it ends with success, and no process is left."""
    running = Alertrouter(programs, policy=None, environ={"ALERTROUTER_WORKERS": "3"})
    assert len(running.processes("worker")) == 3

    code = running.up.stop(signal.SIGTERM)

    assert code == 0
    assert running.left() == []


def test_the_state_directory_is_free_as_soon_as_up_is_killed(programs: Programs) -> None:
    """After `kill -9` of `up` a new one starts on the same directory, without waiting and without repair."""
    first = Alertrouter(programs, policy=None, environ={})

    first.up.send(signal.SIGKILL)
    eventually(lambda: not first.left(), within=20, what="all processes are gone")
    second = Alertrouter(programs, policy=None, environ={}, home=first.home)

    assert second.door.ready()


def test_a_wrong_policy_starts_nothing(programs: Programs, tmp_path: Path) -> None:
    """The fault is shown at its place, the exit code is 1, and no process was started."""
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "policy.yml").write_text(NO_RECEIVER, encoding="utf-8")

    up = _refused(programs, tmp_path, ALERTROUTER_POLICY=str(policy))

    assert up.process.returncode == 1
    assert "policy.yml:3:" in up.text()
    assert "opps" in up.text()
    assert not (tmp_path / "home" / ".local").exists(), "nothing was started, so nothing was stored"


def test_a_port_that_is_taken_is_named(programs: Programs, tmp_path: Path) -> None:
    """Somebody else listens there: `up` says so, and which setting helps, before it starts anything."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"

        up = _refused(programs, tmp_path, ALERTROUTER_LISTEN=address)

    assert up.process.returncode == 1
    assert f"can't listen on {address}: Address already in use" in up.text()
    assert "ALERTROUTER_LISTEN=" in up.text()


def test_a_state_directory_has_one_alertrouter(programs: Programs) -> None:
    """A second `up` on the same directory is told who has it, and the first one runs on."""
    first = Alertrouter(programs, policy=None, environ={})

    second = _refused(programs, first.home.parent)

    assert second.process.returncode == 1
    assert f"is in use by another alertrouter (process {first.up.pid})" in second.text()
    assert first.door.ready()


def test_a_redis_that_does_not_answer_is_named_without_its_password(programs: Programs, tmp_path: Path) -> None:
    """With a Redis of the operator's, `up` says which one does not answer and gives up."""
    url = f"redis://user:hush-hush@127.0.0.1:{free_port()}/0"

    up = _refused(programs, tmp_path, ALERTROUTER_REDIS_URL=url)

    assert up.process.returncode == 1
    assert "redis://user:***@127.0.0.1" in up.text()
    assert "hush-hush" not in up.text()


def _refused(programs: Programs, directory: Path, **environ: str) -> Program:
    """Start `up`, which is to end by itself."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    settings = {"ALERTROUTER_LISTEN": f"127.0.0.1:{free_port()}", **environ}
    up = start(programs, "refused", "up", home=home, environ=settings)
    eventually(lambda: not up.running, within=40, what=lambda: f"it gives up:\n{up.text()}")
    return up

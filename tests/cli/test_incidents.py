"""`incidents`: what the running server knows, as a table, as lines, as JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from alertrouter.incident import State
from tests.cli.running import Ran, run
from tests.standins import Answer, HttpStandIn
from tests.web.door import Door, free_port
from tests.web.kept import keep_incident


def listed(door: Door, *arguments: str) -> Ran:
    """Run `incidents` against the door."""
    return run("incidents", "--url", f"http://127.0.0.1:{door.port}", *arguments)


def test_a_pipe_gets_one_whole_line_an_incident(door: Door) -> None:
    """Newest first; nothing is folded or cut, however long."""
    long = "x" * 200
    keep_incident(door, 1, State.RESOLVED)
    keep_incident(door, 2, State.TRIGGERED, alertname="Slow", component="ai", model=long)

    found = listed(door)

    assert (found.code, found.err) == (0, "")
    header, newer, older = found.out.splitlines()
    assert header.split() == ["#", "state", "severity", "age", "what", "told"]
    assert newer.startswith("2  triggered  critical  ")
    assert newer.endswith(f"Slow component=ai model={long}  not ai-channel/slack: late")
    assert older.startswith("1  resolved   critical  ")


def test_programs_get_what_the_server_says(door: Door) -> None:
    """The API's JSON, word for word."""
    keep_incident(door, 1)

    found = listed(door, "-o", "json")

    assert json.loads(found.out) == door.http.get("/api/v1/incidents").json()


def test_states_narrow_the_list(door: Door) -> None:
    """Several may be named; an unknown one is wrong usage."""
    for number, state in enumerate((State.TRIGGERED, State.RESOLVED, State.PENDING), start=1):
        keep_incident(door, number, state)

    some = listed(door, "--state", "triggered", "--state", "pending", "-o", "json")
    none = listed(door, "--state", "acknowledged")
    unknown = listed(door, "--state", "burning")

    assert [one["id"] for one in json.loads(some.out)] == ["INC-3", "INC-1"]
    assert (none.code, none.out) == (0, "no incidents\n")
    assert (unknown.code, unknown.out) == (2, "")


def test_a_terminal_gets_a_table_that_fits(door: Door) -> None:
    """In 80 columns; a label can't steer the terminal."""
    keep_incident(door, 1, State.TRIGGERED, alertname="Slow", instance="\x1b[2Jweb-1", path="/a/very/long/path" * 5)

    screen = on_a_terminal("incidents", "--url", f"http://127.0.0.1:{door.port}")

    lines = screen.splitlines()
    assert lines[0].split() == ["#", "state", "severity", "age", "what", "told"]
    assert max(map(len, lines)) <= 80
    assert "[2J" not in screen.replace(r"\x1b[2J", "")
    assert lines[-1] == "1 incident"


def on_a_terminal(*arguments: str) -> str:
    """What a terminal of 80 columns without colours shows of a command."""
    ours, theirs = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    running = subprocess.Popen([sys.executable, "-m", "alertrouter", *arguments], stdout=theirs, env=environ)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert running.wait(10) == 0
    return shown.decode().replace("\r\n", "\n")


def test_without_a_server_that_is_said_plainly() -> None:
    """What was tried, and what to do; exit 1."""
    url = f"http://127.0.0.1:{free_port()}"

    found = run("incidents", environ={"ALERTROUTER_LISTEN": url.removeprefix("http://")})

    assert (found.code, found.out) == (1, "")
    assert found.err.startswith(f"{url}: no alertrouter answers there (")
    assert "alertrouter up" in found.err


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(404, b"no such page"), "answered 404: no such page"),
        (Answer(404, b'{"error": "\xff"}'), 'answered 404: {"error": "\ufffd"}'),
        (Answer(200, b"<html>"), "the answer is none of alertrouter's"),
        (Answer(200, b'{"now": "\xff"}'), "the answer is none of alertrouter's"),
        (Answer(200, b'{"status": "success"}'), "the answer is none of alertrouter's"),
    ],
)
def test_another_server_is_not_mistaken_for_ours(answer: Answer, said: str) -> None:
    """Whatever listens on that port."""
    with HttpStandIn() as stranger:
        stranger.answer_next(answer)

        found = run("incidents", "--url", stranger.url)

    assert (found.code, found.out) == (1, "")
    assert said in found.err

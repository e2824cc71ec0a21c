"""`alertrouter healthcheck`: healthy only while the process that is asked about does its work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from alertrouter.settings import Settings
from tests.cli.running import run
from tests.journeys.programs import free_port
from tests.roles import role
from tests.waiting import eventually

POLICY = """
receivers: {here: {inbox: {}}}
route: {receiver: here}
"""


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("web", "the web door does not answer"),
        ("router", "no router is active"),
        ("worker", "no worker of this host waits for work"),
    ],
)
def test_a_process_is_healthy_once_it_works(
    settings_for: Callable[..., Settings], tmp_path: Path, name: str, before: str
) -> None:
    """Before it runs the check fails and says why; the web door also wants a router behind it."""
    settings = settings_for(POLICY, {"ALERTROUTER_LISTEN": f"127.0.0.1:{free_port()}"})
    first = run("healthcheck", name, environ=settings.environ)
    assert first.code == 1
    assert before in first.out

    with ExitStack() as running:
        for one in {name, "router" if name == "web" else name}:
            running.enter_context(role(one, settings, tmp_path / f"{one}.log"))
        eventually(lambda: run("healthcheck", name, environ=settings.environ).code == 0, f"{name} is healthy", 30)

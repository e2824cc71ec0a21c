"""How `ai_metrics_exporter` is started: addresses and settings that cannot be are named."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ai_metrics_exporter.__main__ import main


def taken_socket(host: str) -> socket.socket:
    """One that listens there; where there is no IPv6, anywhere: then the address can't be had for that reason."""
    try:
        return socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_an_address_that_is_taken_is_named(host: str) -> None:
    """Exit code 1, and no traceback. On loopback, of either kind, no token is asked for."""
    with taken_socket(host.strip("[]")) as taken:
        command = [sys.executable, "-m", "ai_metrics_exporter", f"--listen={host}:{taken.getsockname()[1]}"]
        environ = {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "monitoring")}
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)

    assert ran.returncode == 1
    assert ran.stderr.startswith("ai_metrics_exporter: --listen: ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--listen=0.0.0.0:9150"], "0.0.0.0 needs a token"),
        (["--listen=[::]:9150"], ":: needs a token"),
        (["--listen=9150x"], "expected ADDRESS:PORT"),
        (["--token-file=/nowhere/token"], "--token-file:"),
    ],
)
def test_settings_that_cannot_be_are_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before anything is served. Without a token nobody else's reports are taken."""
    assert main(arguments, {}) == 2
    assert complaint in capsys.readouterr().err

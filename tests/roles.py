"""`alertrouter router` and `alertrouter worker` as real processes, on a Redis that the test names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alertrouter.settings import Settings


@contextmanager
def role(
    name: str, settings: Settings, log_file: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the role with these settings' environment; whatever is left of it in the end is killed."""
    command = [sys.executable, "-m", "alertrouter", name]
    inherited = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    with (
        log_file.open("ab") as log,
        subprocess.Popen(command, env={**inherited, **settings.environ, **(environ or {})}, stderr=log) as running,
    ):
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def stop(running: subprocess.Popen[bytes], deadline: float = 15) -> int:
    """Ask it to stop, and give its exit code."""
    running.send_signal(signal.SIGTERM)
    return running.wait(deadline)

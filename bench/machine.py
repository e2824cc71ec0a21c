"""What figures depend on: the machine's make, and how quiet it was while they were taken."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Final

from alertrouter.store.embedded import candidates

SYNCS: Final = 100
_STEAL: Final = 7
"""Place of the time that the host gave to other machines, in the `cpu` line of /proc/stat."""


class Watch:
    """Looks at the machine before and after a run."""

    def __init__(self, directory: Path) -> None:
        """Begin; the systems keep their files in `directory`."""
        self._directory = directory
        self._before = _cpu_ticks()
        self._syncs = _sync_ms(directory)

    def conditions(self) -> dict[str, str]:
        """What the table's first line says."""
        ticks = [after - before for before, after in zip(self._before, _cpu_ticks(), strict=True)]
        syncs = sorted(self._syncs + _sync_ms(self._directory))
        servers = candidates()
        return {
            "cores": str(os.cpu_count()),
            "kernel": platform.release(),
            "Python": platform.python_version(),
            "Alertmanager": _alertmanager(),
            "server": str(servers[0]) if servers else "none",
            "load": f"{os.getloadavg()[0]:.2f}",
            "stolen by the host": f"{ticks[_STEAL] / (sum(ticks) or 1):.0%} of the CPU time",
            "fdatasync": f"p50 {syncs[len(syncs) // 2]:.2f} p99 {syncs[int(len(syncs) * 0.99)]:.2f} ms",
        }


def _cpu_ticks() -> list[int]:
    return [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]


def _sync_ms(directory: Path) -> list[float]:
    """How long the disk takes to keep 4 KiB, again and again."""
    found = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"." * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return found


def _alertmanager() -> str:
    try:
        shown = subprocess.run(
            ["prometheus-alertmanager", "--version"],  # noqa: S607  found on the PATH, as the measured program is
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "none"
    words = (shown.stdout or shown.stderr).split()
    return words[2].rstrip(",") if len(words) > 2 else "unknown"

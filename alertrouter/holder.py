"""The name under which a process holds the lease, which tells others on its machine whether it still lives."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def holder_name(now: datetime) -> str:
    """Name this process: host, process id, since when; and, on Linux, where that process id counts."""
    return ":".join([socket.gethostname(), str(os.getpid()), f"{now:%Y%m%dT%H%M%S}", *_here()])


def died_here(holder: str) -> bool:
    """Tell whether a holder was a process of this very machine, and is no more. False is said when it can't be told.

    A host's name alone says nothing: containers with the host's network have it too, and process ids of their own.
    """
    words = holder.split(":")
    here = _here()
    if len(words) < 4 or words[-1:] != here or not words[-3].isdecimal():
        return False
    try:
        os.kill(int(words[-3]), 0)
        state = (_PROC / words[-3] / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return True
    except OSError:  # another user's, or hidden by /proc's mount: it lives
        return False
    return state in "ZX"


def _here() -> list[str]:
    """Name this boot of the machine and this namespace of process ids, as far as the kernel tells."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return []
    return [blake2b(f"{boot} {namespace}".encode(), digest_size=4).hexdigest()]

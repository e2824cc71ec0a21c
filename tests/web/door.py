"""A real web door on 127.0.0.1, as its own process, before a real Redis."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import httpx2

from alertrouter import events
from alertrouter.store.connection import connect
from alertrouter.store.keys import Keys
from tests.waiting import eventually

KEYS: Final = Keys("ar")


class Door:
    """A running door and what stands in the journal behind it."""

    def __init__(self, redis_url: str, port: int, process: subprocess.Popen[bytes]) -> None:
        self.redis_url = redis_url
        self.redis = connect(redis_url)
        self.port = port
        self.process = process
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def post(self, path: str, body: bytes | Iterator[bytes], **headers: str) -> httpx2.Response:
        """Post a body; an iterator is sent in chunks. Underscores in a header's name stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, content=body, headers={"Content-Type": "application/json"} | named)

    def entries(self, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Give the newest twenty entries of a stream, oldest of them first."""
        newest = cast(list[tuple[bytes, dict[bytes, bytes]]], self.redis.xrevrange(stream, count=20))
        return newest[::-1]

    def journalled(self, key: str) -> list[dict[str, str]]:
        """Give the label sets that the journal has under a correlation id."""
        found = [events.decode(fields[b"e"]) for _, fields in self.entries(KEYS.journal)]
        return [
            alert.label_set()
            for event in found
            if isinstance(event, events.AlertsReceived) and event.key.partition(".")[0] == key
            for alert in event.alerts
        ]


@contextmanager
def running_door(
    redis_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    host: str = "127.0.0.1",
    log_file: Path = Path(os.devnull),
) -> Iterator[Door]:
    """Run `alertrouter web`, listening on `host` and logging into `log_file`."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "ALERTROUTER_REDIS_URL": redis_url,
        "ALERTROUTER_LISTEN": f"{host}:{port}",
        **(settings or {}),
    }
    with log_file.open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "alertrouter", "web"], env=environment, stderr=log)
    door = Door(redis_url, port, process)
    try:
        eventually(lambda: listens(port), "the door listens", 20)
        yield door
    finally:
        door.http.close()
        door.redis.close()
        process.kill()
        process.wait()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""A real web door on 127.0.0.1, as its own process, before a real Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import httpx2
import redis

from alertrouter import events
from alertrouter.store.connection import connect
from alertrouter.store.embedded import command, embedded_url
from alertrouter.store.keys import Keys

KEYS: Final = Keys("ar")
PATIENCE: Final = 20.0


class Store:
    """A server in a directory of its own, which can be stopped and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.url = embedded_url(directory)
        self.client = connect(self.url)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = command(self._directory, "everysec")
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    def stop(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def entries(self, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Give the newest twenty entries of a stream, oldest of them first."""
        newest = cast(list[tuple[bytes, dict[bytes, bytes]]], self.client.xrevrange(stream, count=20))
        return newest[::-1]

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class Door:
    """A running door and what stands in the journal behind it."""

    def __init__(self, store: Store, port: int, process: subprocess.Popen[bytes]) -> None:
        self.store = store
        self.port = port
        self.process = process
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def post(self, path: str, body: bytes | Iterator[bytes], **headers: str) -> httpx2.Response:
        """Post a body; an iterator is sent in chunks. Underscores in a header's name stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, content=body, headers={"Content-Type": "application/json"} | named)

    def journalled(self, key: str) -> list[dict[str, str]]:
        """Give the label sets that the journal has under a correlation id."""
        found = [events.decode(fields[b"e"]) for _, fields in self.store.entries(KEYS.journal)]
        return [
            alert.label_set()
            for event in found
            if isinstance(event, events.AlertsReceived) and event.key.partition(".")[0] == key
            for alert in event.alerts
        ]


@contextmanager
def running_store() -> Iterator[Store]:
    """Run a server; its directory has a short path, for the socket's sake."""
    directory = Path(tempfile.mkdtemp(prefix="ar-"))
    store = Store(directory)
    store.start()
    try:
        yield store
    finally:
        store.client.close()
        store.stop()
        shutil.rmtree(directory)


@contextmanager
def running_door(store: Store, settings: Mapping[str, str] | None = None) -> Iterator[Door]:
    """Run `alertrouter web`."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "ALERTROUTER_REDIS_URL": store.url,
        "ALERTROUTER_LISTEN": f"127.0.0.1:{port}",
        **(settings or {}),
    }
    process = subprocess.Popen([sys.executable, "-m", "alertrouter", "web"], env=environment, stderr=subprocess.DEVNULL)
    door = Door(store, port, process)
    try:
        until(lambda: listens(port))
        yield door
    finally:
        door.http.close()
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


def until(true: object, patience: float = PATIENCE) -> None:
    """Wait until something is true; fail when it takes too long."""
    assert callable(true)
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)

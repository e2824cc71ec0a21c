"""Real Redis servers for tests: started on a unix socket, killed, started again."""

from __future__ import annotations

import subprocess
from pathlib import Path

from alertrouter.errors import StoreUnavailable
from alertrouter.store import embedded
from alertrouter.store.connection import border, connect
from tests.waiting import eventually


class RedisServer:
    """One server with a state directory of its own."""

    def __init__(self, state_dir: Path, durability: str = "everysec") -> None:
        self.state_dir = state_dir
        self.url = embedded.embedded_url(state_dir)
        self._durability = durability
        self._lock = embedded.lock(state_dir)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = embedded.command(self.state_dir, self._durability)
        self._running = subprocess.Popen(command, pass_fds=(self._lock.fileno(),))
        eventually(self._answers, "the Redis server answers")

    def kill(self) -> None:
        """Kill it as a crash would."""
        self._running.kill()
        self._running.wait()

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        self._lock.close()

    def _answers(self) -> bool:
        try:
            with border(), connect(self.url) as client:
                return bool(client.ping())
        except StoreUnavailable:
            return False

"""Redis with Sentinel as docker-compose.ha.yml starts it: when the primary is lost, the replica has its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from alertrouter.errors import StoreUnavailable
from alertrouter.store.connection import border, connect
from tests.journeys.programs import Program, Programs, free_port, installed
from tests.journeys.stack import MONITORING
from tests.monitoring.test_compose import services
from tests.waiting import eventually

PASSWORD = "sentinel-journey-password"
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
SOON = 40.0


class Site:
    """The five servers, with the commands and files that Compose gives them; only addresses and patience differ."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.ports = {name: free_port() for name in ("redis", "redis-replica", *SENTINELS)}
        (programs.directory / "redis_auth").write_text(f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n")
        self.server = installed("valkey-server", "redis-server")
        self.commands = {
            name: one["command"] for name, one in services("docker-compose.ha.yml").items() if name in self.ports
        }

    def start_server(self, name: str) -> Program:
        """Start the primary or its replica."""
        own = self._directory(name)
        text = (MONITORING / "valkey/valkey.conf").read_text("utf-8").replace("bind * -::*", "bind 127.0.0.1")
        text = text.replace("port 6379", f"port {self.ports[name]}").replace("dir /data", f"dir {own}")
        (own / "valkey.conf").write_text(self._secret(text))
        places = {
            "valkey-server": self.server,
            "/etc/valkey/valkey.conf": str(own / "valkey.conf"),
            "redis": "127.0.0.1",
            "redis-replica": "127.0.0.1",
            "6379": str(self.ports["redis"]),
        }
        return self.programs.start(name, [places.get(word, word) for word in self.commands[name]])

    def start_sentinel(self, name: str) -> Program:
        """Start one that watches: by the shell line that puts the password into its file."""
        own = self._directory(name)
        text = (MONITORING / "valkey/sentinel.conf").read_text("utf-8")
        text = text.replace("monitor alertrouter redis 6379", f"monitor alertrouter 127.0.0.1 {self.ports['redis']}")
        text = text.replace("port 26379", f"port {self.ports[name]}\nbind 127.0.0.1").replace("dir /tmp", f"dir {own}")
        for patience, less in (("after-milliseconds alertrouter 5000", 1000), ("timeout alertrouter 30000", 3000)):
            assert text.count(patience) == 1
            text = text.replace(patience, f"{patience.rpartition(' ')[0]} {less}")
        (own / "given.conf").write_text(text)
        shell, option, line = self.commands[name]
        line = line.replace("/etc/valkey/sentinel.conf", str(own / "given.conf"))
        line = line.replace("/tmp/sentinel.conf", str(own / "sentinel.conf"))
        line = self._secret(line).replace("exec valkey-sentinel", f"exec {self.server} --sentinel")
        line = line.replace(f"--sentinel {own / 'sentinel.conf'}", f"{own / 'sentinel.conf'} --sentinel")
        return self.programs.start(name, [shell, option, line])

    def url(self, names: Sequence[str] = SENTINELS) -> str:
        """As ALERTROUTER_REDIS_URL has it, with the password."""
        hosts = ",".join(f"127.0.0.1:{self.ports[name]}" for name in names)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/alertrouter"

    def held(self, name: str, key: str) -> bytes | None:
        """What a server has under a key; None too while it reads what its primary sent."""
        try:
            with border(), connect(f"redis://:{PASSWORD}@127.0.0.1:{self.ports[name]}/0") as client:
                found: bytes | None = client.get(key)
                return found
        except StoreUnavailable:
            return None

    def _secret(self, text: str) -> str:
        return text.replace("/run/secrets/redis_auth", str(self.programs.directory / "redis_auth"))

    def _directory(self, name: str) -> Path:
        own = self.programs.directory / f"{name}-data"
        own.mkdir()
        return own


@pytest.fixture
def site(programs: Programs) -> Site:
    """Nothing runs yet."""
    return Site(programs)


def test_the_replica_has_the_primarys_place_when_that_is_lost(site: Site) -> None:
    """What was written before is there, and more can be written, at the same address."""
    primary = site.start_server("redis")
    site.start_server("redis-replica")
    for name in SENTINELS:
        site.start_sentinel(name)

    def agreed(name: str) -> bool:
        """It knows the other two, and the replica."""
        try:
            with border(), connect(f"redis://127.0.0.1:{site.ports[name]}/0") as client:
                told = client.info("sentinel")["master0"]
                return (told["status"], told["slaves"], told["sentinels"]) == ("ok", 1, 3)
        except (StoreUnavailable, KeyError):
            return False

    eventually(lambda: all(agreed(name) for name in SENTINELS), "the sentinels know each other", SOON)
    with connect(site.url()) as client:
        client.set("before", "here")
    eventually(lambda: site.held("redis-replica", "before") == b"here", "the replica has it", SOON)

    primary.kill()

    def written() -> bool:
        try:
            with border(), connect(site.url()) as client:
                return bool(client.set("after", "too"))
        except StoreUnavailable:
            return False

    eventually(written, "the replica is written to", SOON)
    assert [site.held("redis-replica", key) for key in ("before", "after")] == [b"here", b"too"]

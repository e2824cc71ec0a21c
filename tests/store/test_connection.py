"""Clients for every kind of Redis URL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alertrouter.errors import SettingsError, StoreUnavailable
from alertrouter.store.connection import (
    SentinelAddress,
    border,
    connect,
    connect_async,
    sentinel_address,
    without_password,
)
from tests.proxy import Proxy
from tests.servers import RedisServer
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://a:1,b:2/main", SentinelAddress(hosts=(("a", 1), ("b", 2)), name="main")),
        ("redis+sentinel://a,[::1]:5/main?db=3", SentinelAddress(hosts=(("a", 26379), ("::1", 5)), name="main", db=3)),
        (
            "redis+sentinel://u%40x:p%2Fw@a:1/main",
            SentinelAddress(hosts=(("a", 1),), name="main", username="u@x", password="p/w"),
        ),
        ("redis+sentinel://:pw@a:1/main", SentinelAddress(hosts=(("a", 1),), name="main", password="pw")),
    ],
)
def test_sentinel_addresses(url: str, expected: SentinelAddress) -> None:
    """Hosts with and without a port, a name, a database, the credentials of Redis."""
    assert sentinel_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:hidden@a:1",
        "redis+sentinel:///main",
        "redis+sentinel://:hidden@a:b/main",
        "redis+sentinel://:hidden@a:1/main?db=x",
        "redis+sentinel://:hidden@a:1/main?colour=red",
        "redis+sentinel://:hidden@a:1/main/other",
        "http://:hidden@host",
        "redis://:hidden@host:port/0",
        "localhost:6379",
        "",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    """The error names the setting and what was expected; the password is not in it."""
    for make in (connect, connect_async):
        with pytest.raises(SettingsError, match=r"ALERTROUTER_REDIS_URL: found .* expected") as refused:
            make(url)
        assert "hidden" not in str(refused.value)


def test_a_url_is_shown_without_its_password() -> None:
    """Also when the password holds signs that mean something in a URL."""
    assert without_password("redis://u:p@ss@h:1/0") == "redis://u:***@h:1/0"
    assert without_password("redis://h:1/0") == "redis://h:1/0"


def test_a_redis_that_is_gone_is_told_at_once(tmp_path: Path) -> None:
    """The door must answer 503 soon: no retries, no long connecting."""
    began = time.monotonic()
    for url in (f"unix://{tmp_path}/none.sock", "redis://:hidden@127.0.0.1:1/0", "redis+sentinel://127.0.0.1:1/main"):
        with pytest.raises(StoreUnavailable, match="Redis does not answer") as refused, border():
            connect(url).ping()
        assert "hidden" not in str(refused.value)

    assert time.monotonic() - began < 3


def test_a_redis_that_hangs_is_given_up(redis_url: str) -> None:
    """It has the patience that it was given, no more; the command is not sent again."""
    sent: list[bytes] = []
    with Proxy(redis_url, sent.append) as proxy, connect(proxy.url, patience=0.3) as client:
        with border():
            client.ping()
        proxy.lose_answers.set()
        with pytest.raises(StoreUnavailable), border():
            client.incr("t-hanging")

    assert sum(b"INCR" in piece for piece in sent) == 1


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A sentinel that watches a Redis on TCP; gives its URL and the port of that Redis."""
    program = shutil.which("redis-server")
    if program is None:
        assert os.environ.get("CI") != "true", "redis-server must be there"
        pytest.skip("no redis-server on the PATH to start a sentinel with")
    master, watcher = _free_port(), _free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {watcher}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master} 1\n")
    with (
        subprocess.Popen([program, "--port", str(master), "--bind", "127.0.0.1", "--save", ""], cwd=tmp_path) as redis,
        subprocess.Popen([program, str(config), "--sentinel"], cwd=tmp_path) as watching,
    ):
        yield f"redis+sentinel://127.0.0.1:{watcher}/main?db=1", master
        watching.kill()
        redis.kill()


def test_a_real_sentinel_leads_to_its_master(sentinel: tuple[str, int]) -> None:
    """What is written through the Sentinel URL stands in the master's database."""
    url, master = sentinel

    def write() -> bool:
        try:
            with border():
                return bool(connect(url).set("t-sentinel", "here"))
        except StoreUnavailable:
            return False

    eventually(write, "the sentinel knows its master", within=20)

    assert connect(f"redis://127.0.0.1:{master}/1").get("t-sentinel") == b"here"


def test_a_restarted_redis_is_found_again(own_redis: RedisServer) -> None:
    """A client outlives the server: the next command connects anew, and what was written is there."""
    client = connect(own_redis.url)
    client.set("t-kept", "yes")

    own_redis.kill()
    with pytest.raises(StoreUnavailable), border():
        client.get("t-kept")
    own_redis.start()

    assert client.get("t-kept") == b"yes"


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])

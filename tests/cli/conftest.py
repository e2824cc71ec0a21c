"""One server with an open web door, for the commands that talk to both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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

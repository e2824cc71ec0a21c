"""One server and one open door for all tests of this directory; what needs its own starts its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import RedisServer
from tests.web.door import Door, running_door


@pytest.fixture(scope="session")
def emptied_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis that is emptied before each test."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.close()


@pytest.fixture(scope="session")
def shared_door(emptied_redis: str) -> Iterator[Door]:
    """A door without credentials."""
    with running_door(emptied_redis) as door:
        yield door


@pytest.fixture
def door(shared_door: Door) -> Door:
    """The open door, before an empty store."""
    shared_door.redis.flushall()
    return shared_door

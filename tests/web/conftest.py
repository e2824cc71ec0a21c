"""One server and one open door for all tests of this directory; what needs its own starts its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.door import Door, Store, running_door, running_store


@pytest.fixture(scope="session")
def shared_store() -> Iterator[Store]:
    """A server that stays up."""
    with running_store() as store:
        yield store


@pytest.fixture(scope="session")
def shared_door(shared_store: Store) -> Iterator[Door]:
    """A door without credentials."""
    with running_door(shared_store) as door:
        yield door


@pytest.fixture
def door(shared_door: Door) -> Door:
    """The open door, before an empty store."""
    shared_door.store.client.flushall()
    return shared_door

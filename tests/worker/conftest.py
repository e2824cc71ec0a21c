"""A far side, and deliveries that are owed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from alertrouter.settings import Settings
from tests.standins import HttpStandIn
from tests.worker.owing import Owing

SettingsFor = Callable[..., Settings]


@pytest.fixture
def far_side() -> Iterator[HttpStandIn]:
    """Takes webhooks."""
    with HttpStandIn() as server:
        yield server


@pytest.fixture
def owing_with(settings_for: SettingsFor, far_side: HttpStandIn) -> Iterator[Callable[..., Owing]]:
    """Nothing is owed yet; with these settings."""
    made: list[Owing] = []

    def make(environ: Mapping[str, str]) -> Owing:
        made.append(Owing(settings_for, far_side, environ))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def owing(owing_with: Callable[..., Owing]) -> Owing:
    """Nothing is owed yet."""
    return owing_with({})

"""What journeys share: real programs that end with the test, and whose logs a failed one shows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
import redis

from alertrouter.settings import Settings
from tests.journeys.farsides import FarSides, standing_in
from tests.journeys.processes import of_directory
from tests.journeys.programs import Programs
from tests.journeys.race import POLICY, Race, RaceWith

_STARTED = pytest.StashKey[Programs]()


@pytest.fixture
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programs]:
    """The programs of this test. All of them end with it, and no process of theirs outlives them."""
    started = request.node.stash[_STARTED] = Programs(tmp_path)
    yield started
    started.stop()
    left = of_directory(tmp_path)
    for program in started.started:
        program.kill()
    assert not left, f"left behind: {left}"


@pytest.fixture
def far(request: pytest.FixtureRequest) -> Iterator[FarSides]:
    """The far sides; slow ones when the test says so."""
    with standing_in(slow=getattr(request, "param", "") == "slow") as sides:
        yield sides


@pytest.fixture
def race_with(settings_for: Callable[..., Settings], client: redis.Redis, far: FarSides, tmp_path: Path) -> RaceWith:
    """A race under a policy."""
    return lambda policy=POLICY: Race(settings_for(policy, far.settings), client, tmp_path)


@pytest.fixture
def race(race_with: RaceWith) -> Race:
    """A race under the usual policy."""
    return race_with()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the programs' last words under the report of a failure."""
    report = yield
    if report.failed and _STARTED in item.stash:
        report.sections += item.stash[_STARTED].logs()
    return report

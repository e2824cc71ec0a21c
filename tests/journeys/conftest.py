"""What journeys share: real programs that end with the test, and whose logs a failed one shows."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.journeys.processes import of_directory
from tests.journeys.programs import Programs

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the programs' last words under the report of a failure."""
    report = yield
    if report.failed and _STARTED in item.stash:
        report.sections += item.stash[_STARTED].logs()
    return report

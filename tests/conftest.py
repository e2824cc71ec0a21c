"""What many tests need: one real Redis server a session, a namespace of one's own a test, settings that name both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from alertrouter.settings import Settings, from_environment
from alertrouter.store.connection import connect
from alertrouter.store.keys import Keys
from tests.servers import RedisServer

# A busy machine is no fault. Where CI is set hypothesis does the same by itself, with the same examples each time.
if settings.get_current_profile_name() != "ci":
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("here")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis that all tests of this process share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill and start again."""
    server = RedisServer(tmp_path / "redis", durability="always")
    yield server
    server.close()


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A prefix that no other test uses."""
    return "t" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


@pytest.fixture
def keys(namespace: str) -> Keys:
    """The keys of this test."""
    return Keys(namespace)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the shared Redis."""
    with connect(redis_url, patience=10) as made:
        yield made


@pytest.fixture
def settings_for(redis_url: str, namespace: str, tmp_path: Path) -> Callable[..., Settings]:
    """Settings with the shared Redis, this test's namespace, and a policy of this text."""

    def make(policy: str = "", environ: Mapping[str, str] | None = None) -> Settings:
        directory = tmp_path / "policy"
        directory.mkdir(exist_ok=True)
        (directory / "policy.yml").write_text(policy, encoding="utf-8")
        return from_environment(
            {
                "ALERTROUTER_REDIS_URL": redis_url,
                "ALERTROUTER_NAMESPACE": namespace,
                "ALERTROUTER_POLICY": str(directory),
                "ALERTROUTER_STATE_DIR": str(tmp_path / "state"),
                **(environ or {}),
            }
        )

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the journeys counted, whether they passed or not."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "journey":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")

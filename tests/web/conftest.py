"""One server and one open door for all tests of this directory; what needs its own starts its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alertrouter.incident import State
from alertrouter.settings import from_environment
from tests.roles import role
from tests.servers import RedisServer
from tests.slack_requests import SECRET
from tests.standins import HttpStandIn
from tests.waiting import eventually
from tests.web import pagerduty_webhooks
from tests.web.answering import answering
from tests.web.door import Door, running_door
from tests.web.hearing import POLICY, PREVIOUS, state_of


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


@pytest.fixture(scope="module")
def slack() -> Iterator[HttpStandIn]:
    """Where Slack would read what only one person is to see."""
    with HttpStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def hearing_door(emptied_redis: str, slack: HttpStandIn) -> Iterator[Door]:
    """A door that takes clicks."""
    environ = {
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_SIGNING_SECRET_PREVIOUS": PREVIOUS,
        "SLACK_API_URL": f"{slack.url}/api/",
    }
    with running_door(emptied_redis, environ) as door:
        yield door


@pytest.fixture
def heard(hearing_door: Door) -> Door:
    """That door before an empty store, with no router behind it."""
    hearing_door.redis.flushall()
    return hearing_door


@pytest.fixture
def routed(heard: Door, emptied_redis: str, tmp_path: Path) -> Iterator[Door]:
    """That door with a router behind it, which has opened INC-1."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "policy.yml").write_text(POLICY, encoding="utf-8")
    environ = {"ALERTROUTER_REDIS_URL": emptied_redis, "ALERTROUTER_POLICY": str(tmp_path / "policy")}
    with role("router", from_environment(environ), tmp_path / "router.log"):
        heard.post("/api/v1/alerts", b'{"labels": {"alertname": "DiskFull", "severity": "critical"}}')
        eventually(lambda: state_of(heard) is State.TRIGGERED, "INC-1 is open", 20)
        yield heard


@pytest.fixture(scope="module")
def pagerduty_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door that knows two secrets of PagerDuty's webhooks, with a router behind it."""
    secrets = f"{pagerduty_webhooks.SECRET}, {pagerduty_webhooks.NEW_SECRET}"
    with answering(tmp_path_factory.mktemp("answering"), {"PAGERDUTY_WEBHOOK_SECRETS": secrets}) as door:
        yield door

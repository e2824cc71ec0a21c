"""The router as a process: takeover, stopping, and a Redis that restarts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import redis

from alertrouter.settings import Settings
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from tests.roles import role, stop
from tests.routing import POLICY, WRONG_POLICY, fires
from tests.servers import RedisServer
from tests.waiting import eventually

SettingsFor = Callable[..., Settings]


def test_without_any_policy_the_process_exits_with_1(settings_for: SettingsFor, tmp_path: Path) -> None:
    """So that whoever started it finds out."""
    with role("router", settings_for(WRONG_POLICY), tmp_path / "log") as running:
        assert running.wait(20) == 1

    assert "nobody" in (tmp_path / "log").read_text()


def test_a_standby_takes_over_within_6_seconds(
    settings_for: SettingsFor, client: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    """The active router is killed; the other decides what comes in meanwhile, soon."""
    settings = settings_for(POLICY.replace("10s", "0s"))
    with role("router", settings, tmp_path / "a") as first:
        eventually(lambda: client.get(keys.active), "the first router is active")
        holder = client.get(keys.lease)
        with role("router", settings, tmp_path / "b") as second:
            eventually(lambda: "stands by" in (tmp_path / "b").read_text(), "the second stands by")

            first.kill()
            Journal(client, keys).append(fires("Down"))
            eventually(lambda: client.hlen(keys.incidents), "the second has decided", within=6)

            assert client.get(keys.lease) != holder
            assert stop(second) == 0
            if sys.platform == "linux":
                assert "the active router died" in (tmp_path / "b").read_text(), "it did not wait for the lease's end"
    assert not client.exists(keys.lease)


def test_sigterm_ends_it_with_its_work_committed(
    settings_for: SettingsFor, client: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    """It commits, gives the lease up and exits with 0; the next one need not wait."""
    with role("router", settings_for(POLICY), tmp_path / "log") as running:
        eventually(lambda: client.get(keys.active), "the router is active")
        Journal(client, keys).append(fires("Down"))
        eventually(lambda: client.hlen(keys.incidents), "the event is committed")

        assert stop(running) == 0

    assert not client.exists(keys.lease)


def test_it_survives_a_redis_that_restarts(
    settings_for: SettingsFor, own_redis: RedisServer, keys: Keys, tmp_path: Path
) -> None:
    """Killed and started again, Redis still holds what was committed, and the same router goes on."""
    settings = settings_for(POLICY, {"ALERTROUTER_REDIS_URL": own_redis.url})
    client = redis.Redis.from_url(own_redis.url)
    with role("router", settings, tmp_path / "log") as running:
        eventually(lambda: client.get(keys.active), "the router is active")
        Journal(client, keys).append(fires("Before"))
        eventually(lambda: client.hlen(keys.incidents) == 1, "the first is decided")

        own_redis.kill()
        own_redis.start()
        Journal(client, keys).append(fires("After"))
        eventually(lambda: client.hlen(keys.incidents) == 2, "the second is decided")

        assert running.poll() is None

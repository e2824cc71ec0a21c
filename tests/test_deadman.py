"""The dead man's switch elsewhere is held while all is well, and let go when it isn't."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import redis

from alertrouter.deadman import FRESH, Deadman
from alertrouter.settings import Settings
from alertrouter.store.keys import Keys
from alertrouter.store.moment import to_ms
from tests.roles import role, stop
from tests.routing import POLICY, Routing, fires
from tests.servers import RedisServer
from tests.standins import Answer, HttpStandIn
from tests.times import START
from tests.waiting import eventually

SettingsFor = Callable[..., Settings]


@pytest.fixture
def elsewhere() -> Iterator[HttpStandIn]:
    """The service that calls somebody when it hears nothing."""
    with HttpStandIn() as service:
        yield service


def test_a_request_is_due_every_so_often_while_the_router_says_that_all_is_well() -> None:
    """Not before it has said so once, and not for what it said long ago."""
    deadman = Deadman("http://127.0.0.1:1/", 60)
    untold = deadman.due(time.monotonic())

    deadman.report("")
    told = time.monotonic()

    assert not untold
    assert [deadman.due(told + seconds) for seconds in (0, 1)] == [True, False]
    deadman.report("")
    assert not deadman.due(told + 60 + FRESH)


def test_trouble_holds_it_back_until_it_is_over() -> None:
    """Then the next one goes at once: somebody may have been called already."""
    deadman = Deadman("http://127.0.0.1:1/", 10)
    deadman.report("a timer is overdue")
    now = time.monotonic()

    in_trouble = [deadman.due(now), deadman.due(now + 5)]
    deadman.report("")

    assert in_trouble == [False, False]
    assert deadman.due(now + 6)


def test_it_survives_whatever_the_service_answers(elsewhere: HttpStandIn) -> None:
    """Errors, silence, nobody there: it goes on asking, and says so without the address, which is a secret."""
    elsewhere.answer_next(Answer(500), Answer(drop=True), Answer(302, headers={"Location": "/other"}))
    deadman = Deadman(f"{elsewhere.url}/ping/hidden-uuid", 0.05)
    deadman.start()

    def told() -> bool:
        deadman.report("")
        return len(elsewhere.received) >= 5

    eventually(told, "it goes on")
    deadman.stop()

    assert {(one.method, one.path) for one in elsewhere.received} == {("GET", "/ping/hidden-uuid")}


def test_stopping_waits_for_no_service(elsewhere: HttpStandIn) -> None:
    """A request under way that nobody answers doesn't keep the router from ending."""
    elsewhere.answer_always(Answer(delay=60))
    deadman = Deadman(elsewhere.url, 60)
    deadman.start()
    deadman.report("")
    elsewhere.wait_for(len)

    began = time.monotonic()
    deadman.stop()

    assert time.monotonic() - began < 4


@pytest.fixture
def routing(settings_for: SettingsFor, client: redis.Redis) -> Routing:
    """An active router that is turned by hand."""
    return Routing(settings_for(POLICY), client)


def test_a_router_that_does_its_work_is_in_no_trouble(routing: Routing) -> None:
    """Also while an alert waits for its time, and a delivery for a worker."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    waiting = routing.active.trouble()

    routing.clock.set(seconds=10)
    routing.active.turn()
    routing.clock.set(seconds=69)
    routing.active.turn()

    assert waiting == ""
    assert routing.owed() == ["INC-1.1"]
    assert routing.active.trouble() == ""


def test_a_timer_that_nobody_fires_is_trouble(routing: Routing) -> None:
    """The loop goes on and says so itself."""
    routing.journal.append(fires("Down"))
    routing.active.turn()

    routing.clock.set(seconds=71)

    assert routing.active.trouble() == "a timer is overdue"


def test_a_delivery_that_no_worker_takes_is_trouble_until_one_does(routing: Routing) -> None:
    """A minute after it was due; when the ledger has nothing due any more, all is well."""
    routing.journal.append(fires("Down"))
    routing.active.turn()
    routing.clock.set(seconds=10)
    routing.active.turn()

    routing.clock.set(seconds=71)
    routing.active.turn()
    late = routing.active.trouble()
    routing.client.delete(*cast(list[bytes], routing.client.keys(f"{routing.keys.due_prefix}*")))
    routing.clock.set(seconds=72)
    routing.active.turn()

    assert late == "a delivery is overdue: no worker takes it"
    assert routing.active.trouble() == ""


def test_a_journal_that_outgrows_the_router_is_trouble(routing: Routing) -> None:
    """A minute on there is still more than it reads in one turn; when it has read all, all is well."""
    for number in range(600):
        routing.journal.append(fires("Down", seconds=number / 10))
    routing.active.turn()

    routing.clock.set(seconds=61)
    routing.active.turn()
    behind = routing.active.trouble()
    routing.active.turn()

    assert behind == "the journal is longer than what is read of it"
    assert routing.active.trouble() == ""


def test_a_real_router_holds_it_only_while_nothing_is_overdue(
    settings_for: SettingsFor, client: redis.Redis, keys: Keys, tmp_path: Path, elsewhere: HttpStandIn
) -> None:
    """A delivery that has waited for an hour, the end of that, and the end of the router."""
    environ = {"ALERTROUTER_DEADMAN_URL": f"{elsewhere.url}/ping", "ALERTROUTER_DEADMAN_EVERY": "1"}
    log = tmp_path / "log"
    with role("router", settings_for(POLICY), log, environ) as running:
        elsewhere.wait_for(lambda received: len(received) >= 2, 20)

        client.zadd(keys.due("slack", 1), {"INC-1.1": to_ms(START)})
        eventually(lambda: "a delivery is overdue" in log.read_text(), "it is noticed")
        held = len(elsewhere.received)
        alive = client.get(keys.alive_at)
        eventually(lambda: client.get(keys.alive_at) != alive, "the router goes on", within=20)
        assert len(elsewhere.received) == held

        client.delete(keys.due("slack", 1))
        elsewhere.wait_for(lambda received: len(received) > held, 20)
        assert stop(running) == 0

    assert "/ping" not in log.read_text()


def test_a_real_router_lets_go_of_it_while_redis_takes_no_writes(
    settings_for: SettingsFor, own_redis: RedisServer, tmp_path: Path, elsewhere: HttpStandIn
) -> None:
    """Reading still works, and nothing hangs: all the same nothing can be decided, so somebody must be called."""
    environ = {
        "ALERTROUTER_REDIS_URL": own_redis.url,
        "ALERTROUTER_DEADMAN_URL": f"{elsewhere.url}/ping",
        "ALERTROUTER_DEADMAN_EVERY": "1",
    }
    log = tmp_path / "log"

    with role("router", settings_for(POLICY, environ), log) as running, redis.Redis.from_url(own_redis.url) as client:

        def refusals() -> int:
            return int(client.info("errorstats").get("errorstat_NOREPLICAS", {}).get("count", 0))

        elsewhere.wait_for(lambda received: len(received) >= 2, 20)

        client.config_set("min-replicas-to-write", 1)
        eventually(lambda: "store unavailable" in log.read_text(), "it is noticed", 20)
        held, refused = len(elsewhere.received), refusals()
        eventually(lambda: refusals() >= refused + 4, "the router has tried for two seconds more", 20)
        assert len(elsewhere.received) == held
        assert log.read_text().count("store unavailable") == 1, "it is said once a minute, not at each try"

        client.config_set("min-replicas-to-write", 0)
        elsewhere.wait_for(lambda received: len(received) > held, 20)
        assert log.read_text().count("store available again") == 1
        assert stop(running) == 0

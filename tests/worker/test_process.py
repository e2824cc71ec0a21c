"""The worker as a process: woken, stopped, killed, and a Redis that restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alertrouter.delivery import LedgerState
from alertrouter.store.ledger import CLAIM_MS
from tests.roles import role, stop
from tests.servers import RedisServer
from tests.standins import Answer, HttpStandIn
from tests.waiting import eventually
from tests.worker.owing import Owing


def test_a_worker_process_is_woken_by_a_kick(owing: Owing, far_side: HttpStandIn, tmp_path: Path) -> None:
    """RQ wakes it; SIGTERM ends it with 0."""
    with role("worker", owing.settings, tmp_path / "log") as running:
        eventually(lambda: "waiting for kicks" in (tmp_path / "log").read_text(), "the worker waits")

        owing.owe(kicks=1)
        far_side.wait_for(lambda received: len(received) == 1)
        eventually(lambda: owing.row().state is LedgerState.SENT, "the delivery is settled")

        assert stop(running) == 0


def test_sigterm_lets_a_message_arrive(owing: Owing, far_side: HttpStandIn, tmp_path: Path) -> None:
    """What is being sent is sent and written down; what is not yet claimed is left to others."""
    far_side.answer_next(Answer(delay=1.5))
    with role("worker", owing.settings, tmp_path / "log") as running:
        owing.owe(kicks=1)
        far_side.wait_for(lambda received: len(received) == 1, deadline=20)

        assert stop(running) == 0

    assert owing.row().state is LedgerState.SENT


def test_a_worker_that_is_killed_loses_nothing(owing: Owing, far_side: HttpStandIn, tmp_path: Path) -> None:
    """Its claim runs out, another worker sends it, and the ledger says that it may have arrived twice."""
    far_side.answer_next(Answer(delay=60))
    with role("worker", owing.settings, tmp_path / "log") as running:
        owing.owe(kicks=1)
        far_side.wait_for(lambda received: len(received) == 1, deadline=20)
        running.kill()
    courier = owing.courier()
    courier.drain()
    assert len(far_side.received) == 1, "the claim still holds"

    owing.make_due()
    courier.drain()

    assert len(far_side.received) == 2
    assert (owing.row().state, owing.row().doubtful) == (LedgerState.SENT, True)


@pytest.mark.parametrize("seconds", [0, CLAIM_MS / 1000 + 1])
def test_a_worker_survives_a_redis_that_restarts(
    owing_with: Callable[..., Owing], own_redis: RedisServer, far_side: HttpStandIn, tmp_path: Path, seconds: float
) -> None:
    """Redis dies while a message is on its way: it is sent and settled once, and the next one is sent.

    Also when it stays away for longer than a claim holds: nobody else can have claimed meanwhile.
    """
    owing = owing_with({"ALERTROUTER_REDIS_URL": own_redis.url})
    far_side.answer_next(Answer(delay=1))
    with role("worker", owing.settings, tmp_path / "log") as running:
        owing.owe(kicks=1)
        far_side.wait_for(lambda received: len(received) == 1, deadline=20)

        own_redis.kill()
        threading.Event().wait(seconds)  # what is tried is how long it stays away
        own_redis.start()
        eventually(lambda: owing.row().state is LedgerState.SENT, "the first is settled")
        owing.owe("INC-2.1", kicks=1)
        eventually(lambda: owing.row("INC-2.1").state is LedgerState.SENT, "the second is sent", within=20)

        assert len(far_side.received) == 2
        assert running.poll() is None

"""`kill -9` between any two steps of a send: claim, look once more, send, settle. Another worker makes up for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alertrouter.delivery import LedgerState, Outcome
from alertrouter.store import scripts
from tests.proxy import Cut, Proxy
from tests.roles import role
from tests.standins import HttpStandIn
from tests.waiting import eventually
from tests.worker.owing import Owing


@pytest.mark.parametrize(
    ("step", "reached", "left", "sent", "doubtful"),
    [
        ("ledger_claim", False, LedgerState.PENDING, 1, False),
        ("ledger_claim", True, LedgerState.CLAIMED, 1, True),
        ("ledger_wanted", False, LedgerState.CLAIMED, 1, True),
        ("ledger_wanted", True, LedgerState.CLAIMED, 1, True),
        ("ledger_settle", False, LedgerState.CLAIMED, 2, True),
        ("ledger_settle", True, LedgerState.SENT, 1, False),
    ],
    ids=["before the claim", "claimed", "before the look", "looked", "sent", "settled"],
)
def test_a_worker_killed_at_a_step_loses_nothing(
    owing_with: Callable[..., Owing],
    redis_url: str,
    far_side: HttpStandIn,
    tmp_path: Path,
    step: str,
    reached: bool,
    left: LedgerState,
    sent: int,
    doubtful: bool,
) -> None:
    """It is sent, and twice only where nobody can know; where it may have been, the ledger says so. Told once."""
    owing = owing_with({})
    text = Path(scripts.__file__).with_name(f"{step}.lua").read_text(encoding="utf-8")
    named = str(owing.client.script_load(text)).encode()
    killed = threading.Event()

    def kill(piece: bytes) -> None:
        if named in piece and not killed.is_set():
            running.kill()
            running.wait(10)
            killed.set()
            if not reached:
                raise Cut

    owing.owe(kicks=1)
    with (
        Proxy(redis_url, kill) as proxy,
        role("worker", owing.settings, tmp_path / "log", {"ALERTROUTER_REDIS_URL": proxy.url}) as running,
    ):
        assert killed.wait(30), (tmp_path / "log").read_text(encoding="utf-8")
        eventually(lambda: owing.row().state is left, lambda: f"it is {owing.row().state}")

    courier = owing.courier()
    courier.drain()
    if left is LedgerState.CLAIMED:
        owing.make_due()
        courier.drain()

    assert len(far_side.received) == sent
    assert (owing.row().state, owing.row().doubtful) == (LedgerState.SENT, doubtful)
    assert [event.outcome for event in owing.told()] == [Outcome.SENT]

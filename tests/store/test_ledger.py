"""The ledger's claims and settles."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import redis

from alertrouter.delivery import LedgerState, Outcome
from alertrouter.events import DeliverySettled, decode
from alertrouter.store.connection import connect
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import CLAIM_MS, Ledger
from alertrouter.store.ledger_row import KEEP_SECONDS
from alertrouter.store.sweep import Sweep
from tests.store.values import alert, delivery
from tests.times import at

Owe = Callable[..., None]
AFTER_LEASE = CLAIM_MS / 1000 + 1


def test_a_sent_delivery_is_told_to_the_journal_in_the_same_step(
    owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Row, counter, latency and the event that the router reads come together."""
    owe(delivery())
    claimed = ledger.claim(at(seconds=1), ["slack"])
    assert claimed is not None

    assert ledger.settle_sent(claimed, at(seconds=2), channel="inbox", reference="C1:1.2", note="truncated")

    (entry,) = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    assert decode(entry.packed) == DeliverySettled(
        at=at(seconds=2),
        actor="worker:worker-a",
        key="settled:INC-1.1",
        delivery="INC-1.1",
        incident="INC-1",
        destination="ai/slack",
        outcome=Outcome.SENT,
        reference="C1:1.2",
    )
    row = ledger.row("INC-1.1")
    assert row is not None
    assert (row.state, row.attempts, row.reference, row.note) == (LedgerState.SENT, 1, "C1:1.2", "truncated")
    assert row.settled_at == at(seconds=2)
    assert client.hgetall(keys.counters) == {b"deliveries:inbox:sent": b"1"}
    assert client.hgetall(keys.latency) == {b"le:2.5": b"1", b"sum_ms": b"2000"}
    assert KEEP_SECONDS - 60 < client.ttl(keys.delivery("INC-1.1")) <= KEEP_SECONDS
    assert ledger.claim(at(minutes=60), ["slack"]) is None


def test_a_failed_delivery_is_told_with_its_error(owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys) -> None:
    """The router must know, to try again at the next interval; the row keeps why."""
    owe(delivery())
    claimed = ledger.claim(at(), ["slack"])
    assert claimed is not None

    assert ledger.settle_failed(claimed, at(seconds=1), channel="slack", error="channel_not_found")

    (entry,) = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    event = decode(entry.packed)
    assert isinstance(event, DeliverySettled)
    assert (event.outcome, event.error) == (Outcome.FAILED, "channel_not_found")
    row = ledger.row("INC-1.1")
    assert row is not None
    assert (row.state, row.error) == (LedgerState.FAILED, "channel_not_found")
    assert not client.exists(keys.latency)


def test_higher_severity_goes_first(owe: Owe, ledger: Ledger) -> None:
    """Among what is due the highest severity is claimed first, whatever the channel; equals in the order they came."""
    owe(
        delivery("INC-1.1", rank=0),
        delivery("INC-2.1", rank=2, channel="email"),
        delivery("INC-3.1", rank=1, born_at=at(milliseconds=5)),
        delivery("INC-4.1", rank=1),
        delivery("INC-5.1", rank=99),
    )

    claims = [ledger.claim(at(seconds=1), ["slack", "email"]) for _ in range(6)]

    assert [claim.delivery.id if claim else None for claim in claims] == [
        "INC-5.1",
        "INC-2.1",
        "INC-4.1",
        "INC-3.1",
        "INC-1.1",
        None,
    ]


def test_only_the_channels_asked_for_are_claimed(owe: Owe, ledger: Ledger) -> None:
    """A channel that has no room in this worker is left to others."""
    owe(delivery("INC-1.1", channel="slack"), delivery("INC-2.1", channel="pagerduty"))

    claimed = ledger.claim(at(), ["pagerduty"])

    assert claimed is not None
    assert claimed.delivery.id == "INC-2.1"
    assert ledger.claim(at(), ["pagerduty"]) is None


def test_nothing_is_claimed_before_it_is_due(owe: Owe, ledger: Ledger) -> None:
    """Due times hold to the millisecond."""
    owe(delivery(born_at=at(seconds=5)))

    assert ledger.claim(at(milliseconds=4999), ["slack"]) is None
    assert ledger.claim(at(milliseconds=5000), ["slack"]) is not None


def test_two_workers_never_claim_the_same(owe: Owe, keys: Keys, redis_url: str) -> None:
    """Whatever they do at the same time, each delivery is claimed once."""
    owe(*(delivery(f"INC-{number}.1") for number in range(200)))

    def claim_all(worker: str) -> list[str]:
        with connect(redis_url) as own:
            ledger = Ledger(own, keys, worker)
            found = []
            while claimed := ledger.claim(at(seconds=1), ["slack"]):
                found.append(claimed.delivery.id)
            return found

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(claim_all, "abcd"))

    taken = [name for share in shares for name in share]
    assert sorted(taken) == sorted(f"INC-{number}.1" for number in range(200))


def test_a_lost_claim_is_taken_over_and_marked(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """A worker that died may have sent it: another sends it again and says so."""
    owe(delivery())
    first = ledger.claim(at(), ["slack"])
    assert first is not None
    assert not first.doubtful
    assert other_ledger.claim(at(seconds=7), ["slack"]) is None

    second = other_ledger.claim(at(seconds=AFTER_LEASE), ["slack"])

    assert second is not None
    assert (second.delivery.id, second.attempts, second.doubtful) == ("INC-1.1", 2, True)
    assert second.fence > first.fence
    assert second.first_at == at()


def test_a_late_settle_is_refused(
    owe: Owe, ledger: Ledger, other_ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Who lost the claim can neither settle nor extend it, in whatever way; the journal is told once."""
    owe(delivery())
    late = ledger.claim(at(), ["slack"])
    current = other_ledger.claim(at(seconds=AFTER_LEASE), ["slack"])
    assert late is not None
    assert current is not None
    now = at(seconds=AFTER_LEASE)

    assert not ledger.settle_sent(late, now, channel="slack")
    assert not ledger.settle_failed(late, now, channel="slack", error="no")
    assert not ledger.settle_retry(late, channel="slack", error="no", due=at(minutes=9))
    assert not ledger.settle_unknown(late, channel="slack", error="no", due=at(minutes=9))
    assert not ledger.extend(late, now)
    assert not ledger.enter_lane(late, "slack:#ai", 0, now)

    assert other_ledger.settle_sent(current, now, channel="slack")
    assert not other_ledger.settle_sent(current, now, channel="slack")
    assert client.xlen(keys.journal) == 1


def test_an_extended_claim_holds_longer(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """A worker that still sends keeps its claim."""
    owe(delivery())
    claimed = ledger.claim(at(), ["slack"])
    assert claimed is not None

    assert ledger.extend(claimed, at(seconds=7))

    assert other_ledger.claim(at(seconds=AFTER_LEASE), ["slack"]) is None
    assert other_ledger.claim(at(seconds=7 + AFTER_LEASE), ["slack"]) is not None


def test_a_retry_is_due_at_its_time(owe: Owe, ledger: Ledger) -> None:
    """It keeps what went wrong and how often it was tried; the journal is not told."""
    owe(delivery())
    claimed = ledger.claim(at(), ["slack"])
    assert claimed is not None

    assert ledger.settle_retry(claimed, channel="slack", error="503", due=at(seconds=2))

    assert ledger.claim(at(milliseconds=1999), ["slack"]) is None
    again = ledger.claim(at(seconds=2), ["slack"])
    assert again is not None
    assert (again.attempts, again.error, again.doubtful) == (2, "503", False)


def test_an_unknown_outcome_is_tried_again_and_marked(owe: Owe, ledger: Ledger) -> None:
    """The far side may see it twice: whoever sends it next knows."""
    owe(delivery())
    claimed = ledger.claim(at(), ["slack"])
    assert claimed is not None

    assert ledger.settle_unknown(claimed, channel="slack", error="no answer", due=at(seconds=1))

    row = ledger.row("INC-1.1")
    assert row is not None
    assert row.state is LedgerState.UNKNOWN
    again = ledger.claim(at(seconds=1), ["slack"])
    assert again is not None
    assert again.doubtful


def test_a_cancelled_row_is_never_claimed(owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys) -> None:
    """What is no longer wanted is dropped from the due set when it is met, and the next one is claimed."""
    owe(delivery("INC-1.1", rank=2), delivery("INC-2.1"))
    client.hset(keys.delivery("INC-1.1"), "state", LedgerState.CANCELLED.value)

    claimed = ledger.claim(at(), ["slack"])

    assert claimed is not None
    assert claimed.delivery.id == "INC-2.1"
    assert client.zcard(keys.due("slack", 2)) == 0


def test_a_row_that_can_not_be_read_fails_and_holds_nobody_up(
    owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """It is told to the router as failed, so that its destination does not wait for it for ever."""
    owe(delivery("INC-1.1", rank=2), delivery("INC-2.1"))
    client.hset(keys.delivery("INC-1.1"), "delivery", b"\x81")

    claimed = ledger.claim(at(), ["slack"])

    assert claimed is not None
    assert claimed.delivery.id == "INC-2.1"
    (entry,) = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    event = decode(entry.packed)
    assert isinstance(event, DeliverySettled)
    assert (event.delivery, event.incident, event.destination) == ("INC-1.1", "INC-1", "ai/slack")
    assert event.outcome is Outcome.FAILED


def test_scripts_survive_a_server_that_forgot_them(owe: Owe, ledger: Ledger, client: redis.Redis) -> None:
    """After a restart the server knows no script; the next call brings it again."""
    owe(delivery("INC-1.1"), delivery("INC-2.1"))
    claimed = ledger.claim(at(), ["slack"])
    assert claimed is not None

    client.script_flush()

    assert ledger.settle_sent(claimed, at(), channel="slack")
    client.script_flush()
    assert ledger.claim(at(), ["slack"]) is not None


def test_the_sweep_tells_what_is_due_and_what_comes(owe: Owe, client: redis.Redis, keys: Keys) -> None:
    """The router asks it, to wake a worker in time."""
    sweep = Sweep(client, keys, ("slack", "email"))
    assert (sweep.due(at()).count, sweep.due(at()).later) == (0, None)
    owe(
        delivery("INC-1.1", channel="email", rank=2),
        delivery("INC-2.1", born_at=at(seconds=3)),
        delivery("INC-3.1", born_at=at(seconds=9)),
    )

    due = sweep.due(at(seconds=1))

    assert (due.count, due.earliest, due.later) == (1, at(), at(seconds=3))
    assert sweep.due(at(seconds=9)).count == 3


def test_alerts_are_read_as_they_are_now(ledger: Ledger, client: redis.Redis, keys: Keys) -> None:
    """What is gone is left out."""
    here, gone = alert("Here"), alert("Gone")
    client.hset(keys.alerts, here.fingerprint, msgspec.msgpack.encode(here))

    assert ledger.alerts([here.fingerprint, gone.fingerprint]) == {here.fingerprint: here}
    assert ledger.alerts([]) == {}


@pytest.mark.parametrize("unknown", ["INC-7.1", ""])
def test_an_unknown_row_is_none(ledger: Ledger, unknown: str) -> None:
    """Whoever asks for a delivery that never was, or is long over, gets nothing."""
    assert ledger.row(unknown) is None

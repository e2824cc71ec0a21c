"""The ledger's settles: what a worker has found is told to the journal once, and a late one is refused."""

from __future__ import annotations

import redis

from alertrouter.delivery import LedgerState, Outcome
from alertrouter.events import DeliverySettled, decode
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import KEEP_SECONDS
from tests.store.values import AFTER_LEASE, Owe, claim, delivery, settle, settle_all
from tests.times import at


def test_a_sent_delivery_is_told_to_the_journal_in_the_same_step(
    owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Row, counter, latency and the event that the router reads come together."""
    owe(delivery())
    claimed = claim(ledger, at(seconds=1))
    assert claimed is not None

    assert settle(
        ledger, claimed, LedgerState.SENT, at(seconds=2), channel="inbox", reference="C1:1.2", note="truncated"
    )

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
    assert claim(ledger, at(minutes=60)) is None


def test_a_failed_delivery_is_told_with_its_error(owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys) -> None:
    """The router must know, to try again at the next interval; the row keeps why."""
    owe(delivery())
    claimed = claim(ledger, at())
    assert claimed is not None

    assert settle(ledger, claimed, LedgerState.FAILED, at(seconds=1), error="channel_not_found")

    (entry,) = Journal(client, keys).read("0-0", count=9, wait_ms=0)
    event = decode(entry.packed)
    assert isinstance(event, DeliverySettled)
    assert (event.outcome, event.error) == (Outcome.FAILED, "channel_not_found")
    row = ledger.row("INC-1.1")
    assert row is not None
    assert (row.state, row.error) == (LedgerState.FAILED, "channel_not_found")
    assert not client.exists(keys.latency)


def test_a_late_settle_is_refused(
    owe: Owe, ledger: Ledger, other_ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Who lost the claim can neither settle nor extend it, in whatever way; the journal is told once."""
    owe(delivery())
    late = claim(ledger, at())
    current = claim(other_ledger, at(seconds=AFTER_LEASE))
    assert late is not None
    assert current is not None
    now = at(seconds=AFTER_LEASE)

    assert not settle(ledger, late, LedgerState.SENT, now)
    assert not settle(ledger, late, LedgerState.FAILED, now, error="no")
    assert not settle(ledger, late, LedgerState.RETRY, at(minutes=9), error="no")
    assert not settle(ledger, late, LedgerState.UNKNOWN, at(minutes=9), error="no")
    assert ledger.extend([late], now) == [False]
    assert not ledger.enter_lane(late, "slack:#ai", 0, now)

    assert settle(other_ledger, current, LedgerState.SENT, now)
    assert not settle(other_ledger, current, LedgerState.SENT, now)
    assert client.xlen(keys.journal) == 1


def test_a_retry_is_due_at_its_time(owe: Owe, ledger: Ledger) -> None:
    """It keeps what went wrong and how often it was tried; the journal is not told."""
    owe(delivery())
    claimed = claim(ledger, at())
    assert claimed is not None

    assert settle(ledger, claimed, LedgerState.RETRY, at(seconds=2), error="503")

    assert claim(ledger, at(milliseconds=1999)) is None
    again = claim(ledger, at(seconds=2))
    assert again is not None
    assert (again.attempts, again.error, again.doubtful) == (2, "503", False)


def test_an_unknown_outcome_is_tried_again_and_marked(owe: Owe, ledger: Ledger) -> None:
    """The far side may see it twice: whoever sends it next knows."""
    owe(delivery())
    claimed = claim(ledger, at())
    assert claimed is not None

    assert settle(ledger, claimed, LedgerState.UNKNOWN, at(seconds=1), error="no answer")

    row = ledger.row("INC-1.1")
    assert row is not None
    assert row.state is LedgerState.UNKNOWN
    again = claim(ledger, at(seconds=1))
    assert again is not None
    assert again.doubtful


def test_of_many_settled_together_only_the_lost_ones_are_refused(
    owe: Owe, ledger: Ledger, other_ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Each by its own fence: the claims that hold are settled, told and counted, the others change nothing."""
    owe(*(delivery(f"INC-{number}.1") for number in range(4)))
    claims = ledger.claim(at(), {"slack": 4})
    client.zadd(keys.due("slack", 1), {"INC-1.1": 0, "INC-3.1": 0})
    taken_over = other_ledger.claim(at(seconds=1), {"slack": 4})
    assert [one.delivery.id for one in taken_over] == ["INC-1.1", "INC-3.1"]

    assert settle_all(ledger, claims) == [True, False, True, False]

    events = [decode(entry.packed) for entry in Journal(client, keys).read("0-0", count=9, wait_ms=0)]
    assert [event.delivery for event in events if isinstance(event, DeliverySettled)] == ["INC-0.1", "INC-2.1"]
    assert client.hget(keys.counters, "deliveries:slack:sent") == b"2"
    assert client.hgetall(keys.latency) == {b"le:2.5": b"2", b"sum_ms": b"4000"}
    row = other_ledger.row("INC-1.1")
    assert row is not None
    assert (row.state, row.doubtful) == (LedgerState.CLAIMED, True)
    assert other_ledger.extend([*claims, *taken_over], at(seconds=2)) == [False, False, False, False, True, True]


def test_many_are_looked_at_together(
    owe: Owe, ledger: Ledger, other_ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """Just before they leave: one is wanted, one was recalled, the claim on one is lost."""
    owe(*(delivery(f"INC-{number}.1") for number in range(3)))
    claims = ledger.claim(at(), {"slack": 3})
    client.hset(keys.delivery("INC-1.1"), "recalled", "it was taken")
    client.zadd(keys.due("slack", 1), {"INC-2.1": 0})
    assert claim(other_ledger, at(seconds=1)) is not None

    assert ledger.look(claims, []) == ({}, ["", "it was taken", None])

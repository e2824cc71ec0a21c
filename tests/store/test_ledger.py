"""The ledger's claims: who gets which delivery, and when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import redis

from alertrouter.delivery import LedgerState, Outcome
from alertrouter.events import DeliverySettled, decode
from alertrouter.store.connection import connect
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.ledger import Ledger
from alertrouter.store.sweep import Sweep
from tests.store.values import AFTER_LEASE, Owe, alert, claim, delivery, settle, settle_all
from tests.times import at


def test_higher_severity_goes_first(owe: Owe, ledger: Ledger) -> None:
    """Among what is due the highest severity is claimed first, whatever the channel; equals in the order they came."""
    owe(
        delivery("INC-1.1", rank=0),
        delivery("INC-2.1", rank=2, channel="email"),
        delivery("INC-3.1", rank=1, born_at=at(milliseconds=5)),
        delivery("INC-4.1", rank=1),
        delivery("INC-5.1", rank=99),
    )

    claims = ledger.claim(at(seconds=1), {"slack": 9, "email": 9})

    assert [one.delivery.id for one in claims] == ["INC-5.1", "INC-2.1", "INC-4.1", "INC-3.1", "INC-1.1"]
    assert ledger.claim(at(seconds=1), {"slack": 9, "email": 9}) == []


def test_only_the_channels_asked_for_are_claimed(owe: Owe, ledger: Ledger) -> None:
    """A channel that has no room in this worker is left to others."""
    owe(delivery("INC-1.1", channel="slack"), delivery("INC-2.1", channel="pagerduty"))

    claimed = claim(ledger, at(), "pagerduty")

    assert claimed is not None
    assert claimed.delivery.id == "INC-2.1"
    assert claim(ledger, at(), "pagerduty") is None


def test_nothing_is_claimed_before_it_is_due(owe: Owe, ledger: Ledger) -> None:
    """Due times hold to the millisecond."""
    owe(delivery(born_at=at(seconds=5)))

    assert claim(ledger, at(milliseconds=4999)) is None
    assert claim(ledger, at(milliseconds=5000)) is not None


def test_two_workers_never_claim_the_same(owe: Owe, keys: Keys, redis_url: str) -> None:
    """Whatever they do at the same time, each delivery is claimed once."""
    owe(*(delivery(f"INC-{number}.1") for number in range(200)))

    def claim_all(worker: str) -> list[str]:
        with connect(redis_url) as own:
            ledger = Ledger(own, keys, worker)
            found = []
            while claimed := claim(ledger, at(seconds=1)):
                found.append(claimed.delivery.id)
            return found

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(claim_all, "abcd"))

    taken = [name for share in shares for name in share]
    assert sorted(taken) == sorted(f"INC-{number}.1" for number in range(200))


def test_a_lost_claim_is_taken_over_and_marked(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """A worker that died may have sent it: another sends it again and says so."""
    owe(delivery())
    first = claim(ledger, at())
    assert first is not None
    assert not first.doubtful
    assert claim(other_ledger, at(seconds=7)) is None

    second = claim(other_ledger, at(seconds=AFTER_LEASE))

    assert second is not None
    assert (second.delivery.id, second.attempts, second.doubtful) == ("INC-1.1", 2, True)
    assert second.fence > first.fence
    assert second.first_at == at()


def test_an_extended_claim_holds_longer(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """A worker that still sends keeps its claim."""
    owe(delivery())
    claimed = claim(ledger, at())
    assert claimed is not None

    assert ledger.extend([claimed], at(seconds=7)) == [True]

    assert claim(other_ledger, at(seconds=AFTER_LEASE)) is None
    assert claim(other_ledger, at(seconds=7 + AFTER_LEASE)) is not None


def test_a_cancelled_row_is_never_claimed(owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys) -> None:
    """What is no longer wanted is dropped from the due set when it is met, and the next one is claimed."""
    owe(delivery("INC-1.1", rank=2), delivery("INC-2.1"))
    client.hset(keys.delivery("INC-1.1"), "state", LedgerState.CANCELLED.value)

    claimed = claim(ledger, at())

    assert claimed is not None
    assert claimed.delivery.id == "INC-2.1"
    assert client.zcard(keys.due("slack", 2)) == 0


@pytest.mark.parametrize("packed", [b"\x81", b"\x81\xa2id\xa1\xff", b""], ids=["cut off", "broken", "gone"])
def test_a_row_that_can_not_be_read_fails_and_holds_nobody_up(
    owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys, packed: bytes
) -> None:
    """It is told to the router as failed, so that its destination does not wait for it for ever."""
    owe(delivery("INC-1.1", rank=2), delivery("INC-2.1"))
    if packed:
        client.hset(keys.delivery("INC-1.1"), "delivery", packed)
    else:
        client.hdel(keys.delivery("INC-1.1"), "delivery")

    claimed = claim(ledger, at())

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
    claimed = claim(ledger, at())
    assert claimed is not None

    client.script_flush()

    assert settle(ledger, claimed, LedgerState.SENT, at())
    client.script_flush()
    assert claim(ledger, at()) is not None


def test_as_many_are_claimed_at_once_as_there_is_room_for(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """Each channel by its own room, the most urgent first; what is left is another's."""
    owe(*(delivery(f"INC-{number}.1", rank=number) for number in range(5)))
    owe(*(delivery(f"INC-{number}.1", rank=number, channel="email") for number in range(5, 8)))

    claims = ledger.claim(at(seconds=1), {"slack": 3, "email": 1})
    rest = other_ledger.claim(at(seconds=1), {"slack": 9, "email": 9})

    assert [one.delivery.id for one in claims] == ["INC-7.1", "INC-4.1", "INC-3.1", "INC-2.1"]
    assert [one.delivery.id for one in rest] == ["INC-6.1", "INC-5.1", "INC-1.1", "INC-0.1"]
    assert {(one.fence, one.attempts, one.first_at) for one in [*claims, *rest]} == {(1, 1, at(seconds=1))}


def test_workers_that_claim_many_at_once_never_claim_the_same(owe: Owe, keys: Keys, redis_url: str) -> None:
    """Whatever they do at the same time, each delivery is claimed once, and settled once."""
    owe(*(delivery(f"INC-{number}.1") for number in range(300)))

    def carry_all(worker: str) -> list[str]:
        with connect(redis_url) as own:
            ledger = Ledger(own, keys, worker)
            found = []
            while claims := ledger.claim(at(seconds=1), {"slack": 16}):
                assert all(settle_all(ledger, claims))
                found += [one.delivery.id for one in claims]
            return found

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(carry_all, "abcd"))

    taken = [name for share in shares for name in share]
    assert sorted(taken) == sorted(f"INC-{number}.1" for number in range(300))


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

    packed, _ = ledger.look([], [here.fingerprint, gone.fingerprint])

    assert packed == {here.fingerprint: msgspec.msgpack.encode(here)}


def test_a_look_goes_on_when_the_server_has_forgotten_its_scripts(
    owe: Owe, ledger: Ledger, client: redis.Redis, keys: Keys
) -> None:
    """As after its restart."""
    owe(delivery("INC-1.1"))
    claims = ledger.claim(at(), {"slack": 1})
    here = alert("Here")
    client.hset(keys.alerts, here.fingerprint, msgspec.msgpack.encode(here))
    client.script_flush()

    assert ledger.look(claims, [here.fingerprint]) == ({here.fingerprint: msgspec.msgpack.encode(here)}, [""])


@pytest.mark.parametrize("unknown", ["INC-7.1", ""])
def test_an_unknown_row_is_none(ledger: Ledger, unknown: str) -> None:
    """Whoever asks for a delivery that never was, or is long over, gets nothing."""
    assert ledger.row(unknown) is None

"""Lanes of the ledger: what a far side's rate limit holds, and what it does not."""

from __future__ import annotations

from collections.abc import Callable

from alertrouter.store.ledger import CLAIM_MS, Ledger
from tests.store.values import delivery
from tests.times import at

Owe = Callable[..., None]
AFTER_LEASE = CLAIM_MS / 1000 + 1


def test_retry_after_holds_its_lane_only(owe: Owe, ledger: Ledger) -> None:
    """A channel that asks for a pause gets it for all its messages; the other channels go on."""
    owe(
        delivery("INC-1.1", destination="ai/slack"),
        delivery("INC-2.1", destination="ai/slack"),
        delivery("INC-3.1", destination="db/slack"),
    )
    first = ledger.claim(at(), ["slack"])
    assert first is not None
    assert ledger.enter_lane(first, "slack:#ai", 0, at())

    ledger.settle_retry(first, channel="slack", error="429", due=at(seconds=30), hold_lane="slack:#ai")

    elsewhere = ledger.claim(at(seconds=1), ["slack"])
    assert elsewhere is not None
    assert elsewhere.delivery.id == "INC-3.1"
    assert ledger.settle_sent(elsewhere, at(seconds=1), channel="slack")
    assert ledger.claim(at(milliseconds=29999), ["slack"]) is None
    later = {claim.delivery.id for _ in range(2) if (claim := ledger.claim(at(seconds=30), ["slack"]))}
    assert later == {"INC-1.1", "INC-2.1"}


def test_a_lane_is_paced(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """One message a second, whichever worker asks; a higher severity that comes later takes the next place."""
    owe(*(delivery(f"INC-{number}.1") for number in range(4)))
    first = ledger.claim(at(), ["slack"])
    assert first is not None
    assert ledger.enter_lane(first, "slack:#ai", 1000, at())

    assert other_ledger.claim(at(milliseconds=500), ["slack"]) is None
    second = other_ledger.claim(at(milliseconds=1000), ["slack"])
    assert second is not None
    assert (second.lane, second.pace) == ("slack:#ai", 1000)
    owe(delivery("INC-9.1", rank=2, born_at=at(milliseconds=1100)))
    assert ledger.claim(at(milliseconds=1999), ["slack"]) is None

    third = ledger.claim(at(milliseconds=2000), ["slack"])

    assert third is not None
    assert third.delivery.id == "INC-9.1"
    assert other_ledger.claim(at(milliseconds=2999), ["slack"]) is None
    assert other_ledger.claim(at(milliseconds=3000), ["slack"]) is not None


def test_a_delivery_that_finds_its_lane_blocked_is_put_back(owe: Owe, ledger: Ledger) -> None:
    """It loses no try by that, and is due when the lane is free."""
    owe(delivery("INC-1.1", destination="ai/slack"), delivery("INC-2.1", destination="ops/slack"))
    first, second = ledger.claim(at(), ["slack"]), ledger.claim(at(), ["slack"])
    assert first is not None
    assert second is not None
    assert ledger.enter_lane(first, "slack:#ai", 1000, at())

    assert not ledger.enter_lane(second, "slack:#ai", 1000, at())

    assert ledger.claim(at(milliseconds=999), ["slack"]) is None
    again = ledger.claim(at(seconds=1), ["slack"])
    assert again is not None
    assert (again.delivery.id, again.attempts) == ("INC-2.1", 1)


def test_many_blocked_rows_hide_nobody(owe: Owe, ledger: Ledger) -> None:
    """Behind hundreds of messages of a held lane another lane's message is found at once."""
    owe(*(delivery(f"INC-{number}.1") for number in range(300)))
    first = ledger.claim(at(), ["slack"])
    assert first is not None
    ledger.enter_lane(first, "slack:#ai", 0, at())
    ledger.settle_retry(first, channel="slack", error="429", due=at(minutes=5), hold_lane="slack:#ai")
    owe(delivery("INC-999.1", destination="db/slack", born_at=at(milliseconds=1)))

    found = ledger.claim(at(seconds=1), ["slack"])

    assert found is not None
    assert found.delivery.id == "INC-999.1"

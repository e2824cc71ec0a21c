"""Lanes of the ledger: what a far side's rate limit holds, and what it does not."""

from __future__ import annotations

from alertrouter.delivery import LedgerState
from alertrouter.store.ledger import Ledger
from tests.store.values import Owe, claim, delivery, settle
from tests.times import at


def test_retry_after_holds_its_lane_only(owe: Owe, ledger: Ledger) -> None:
    """A channel that asks for a pause gets it for all its messages; the other channels go on."""
    owe(
        delivery("INC-1.1", destination="ai/slack"),
        delivery("INC-2.1", destination="ai/slack"),
        delivery("INC-3.1", destination="db/slack"),
    )
    first = claim(ledger, at())
    assert first is not None
    assert ledger.enter_lane(first, "slack:#ai", 0, at())

    settle(ledger, first, LedgerState.RETRY, at(seconds=30), error="429", hold_lane="slack:#ai")

    elsewhere = claim(ledger, at(seconds=1))
    assert elsewhere is not None
    assert elsewhere.delivery.id == "INC-3.1"
    assert settle(ledger, elsewhere, LedgerState.SENT, at(seconds=1))
    assert claim(ledger, at(milliseconds=29999)) is None
    later = {one.delivery.id for one in ledger.claim(at(seconds=30), {"slack": 9})}
    assert later == {"INC-1.1", "INC-2.1"}


def test_a_lane_is_paced(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """One message a second, whichever worker asks; a higher severity that comes later takes the next place."""
    owe(*(delivery(f"INC-{number}.1") for number in range(4)))
    first = claim(ledger, at())
    assert first is not None
    assert ledger.enter_lane(first, "slack:#ai", 1000, at())

    assert claim(other_ledger, at(milliseconds=500)) is None
    second = claim(other_ledger, at(milliseconds=1000))
    assert second is not None
    assert (second.lane, second.pace) == ("slack:#ai", 1000)
    owe(delivery("INC-9.1", rank=2, born_at=at(milliseconds=1100)))
    assert claim(ledger, at(milliseconds=1999)) is None

    third = claim(ledger, at(milliseconds=2000))

    assert third is not None
    assert third.delivery.id == "INC-9.1"
    assert claim(other_ledger, at(milliseconds=2999)) is None
    assert claim(other_ledger, at(milliseconds=3000)) is not None


def test_of_many_claimed_at_once_a_paced_lane_gives_one(owe: Owe, ledger: Ledger, other_ledger: Ledger) -> None:
    """The most urgent; the others come due one pace apart, and other lanes give all that they have."""
    owe(*(delivery(f"INC-{number}.1", rank=number, destination="ai/slack") for number in range(4)))
    first = claim(ledger, at())
    assert first is not None
    assert first.delivery.id == "INC-3.1"
    assert ledger.enter_lane(first, "slack:#ai", 1000, at())
    owe(*(delivery(f"INC-{number}.1", destination="db/slack") for number in range(4, 7)))

    found = [
        [one.delivery.id for one in other_ledger.claim(at(milliseconds=moment), {"slack": 8})]
        for moment in (999, 1000, 1999, 2000, 3000, 7000)
    ]

    assert found == [["INC-4.1", "INC-5.1", "INC-6.1"], ["INC-2.1"], [], ["INC-1.1"], ["INC-0.1"], []]


def test_a_delivery_that_finds_its_lane_blocked_is_put_back(owe: Owe, ledger: Ledger) -> None:
    """It loses no try by that, and is due when the lane is free."""
    owe(delivery("INC-1.1", destination="ai/slack"), delivery("INC-2.1", destination="ops/slack"))
    first, second = claim(ledger, at()), claim(ledger, at())
    assert first is not None
    assert second is not None
    assert ledger.enter_lane(first, "slack:#ai", 1000, at())

    assert not ledger.enter_lane(second, "slack:#ai", 1000, at())

    assert claim(ledger, at(milliseconds=999)) is None
    again = claim(ledger, at(seconds=1))
    assert again is not None
    assert (again.delivery.id, again.attempts) == ("INC-2.1", 1)


def test_many_blocked_rows_hide_nobody(owe: Owe, ledger: Ledger) -> None:
    """Behind hundreds of messages of a held lane another lane's message is found at once."""
    owe(*(delivery(f"INC-{number}.1") for number in range(300)))
    first = claim(ledger, at())
    assert first is not None
    ledger.enter_lane(first, "slack:#ai", 0, at())
    settle(ledger, first, LedgerState.RETRY, at(minutes=5), error="429", hold_lane="slack:#ai")
    owe(delivery("INC-999.1", destination="db/slack", born_at=at(milliseconds=1)))

    found = claim(ledger, at(seconds=1))

    assert found is not None
    assert found.delivery.id == "INC-999.1"

"""The courier and what is recalled: it doesn't leave any more, or counts as told when it may have arrived."""

from __future__ import annotations

from alertrouter.delivery import LedgerState, Outcome
from tests.standins import Answer, HttpStandIn
from tests.store.values import claim
from tests.worker.owing import Owing, now


def test_many_that_are_recalled_after_the_claim_do_not_leave(owing: Owing, far_side: HttpStandIn) -> None:
    """Somebody takes half of what a worker holds: that half stays, the rest is sent, and both are told."""
    for number in range(6):
        owing.owe(f"INC-{number}.1")
    claims = owing.ledger.claim(now(), {"webhook": 6})
    for number in range(0, 6, 2):
        owing.recall(f"INC-{number}.1")
    for one in claims:
        owing.make_due(one.delivery.id)  # its worker is gone
        owing.client.hset(owing.keys.delivery(one.delivery.id), "state", "pending")  # and has not tried it

    owing.courier().drain()

    outcomes = {told.delivery: told.outcome for told in owing.told()}
    assert outcomes == {f"INC-{number}.1": Outcome.SENT if number % 2 else Outcome.CANCELLED for number in range(6)}
    assert len(far_side.received) == 3


def test_what_was_recalled_in_time_is_not_sent(owing: Owing, far_side: HttpStandIn) -> None:
    """The ledger says so, and tells the journal."""
    owing.owe()

    owing.recall()
    owing.courier().drain()

    assert far_side.received == []
    assert (owing.row().state, owing.row().error) == (LedgerState.CANCELLED, "it was taken before it left")
    assert [told.outcome for told in owing.told()] == [Outcome.CANCELLED]


def test_what_was_recalled_after_the_claim_is_not_sent_either(owing: Owing, far_side: HttpStandIn) -> None:
    """The worker looks once more before it sends: the mark that the recall left is enough."""
    owing.owe()
    claimed = claim(owing.ledger, now(), "webhook")
    assert claimed is not None

    owing.recall()

    assert owing.ledger.look([claimed], [])[1][0] == "it was taken before it left"
    assert owing.told() == []


def test_what_may_have_arrived_counts_as_told_when_it_is_recalled(owing: Owing, far_side: HttpStandIn) -> None:
    """No second try, and whoever may have heard of the fire will hear of its end."""
    far_side.answer_next(Answer(drop=True))
    owing.owe()
    courier = owing.courier()
    courier.drain()

    owing.recall()
    owing.make_due()
    courier.drain()

    assert len(far_side.received) == 1
    assert [told.outcome for told in owing.told()] == [Outcome.SENT]
    assert "may have arrived" in owing.row().note


def test_what_may_have_arrived_before_a_refused_try_counts_as_told_too(owing: Owing, far_side: HttpStandIn) -> None:
    """The first try got no answer, the second was turned away for now: the first may still have arrived."""
    far_side.answer_next(Answer(drop=True), Answer(503))
    owing.owe()
    courier = owing.courier()
    courier.drain()
    owing.make_due()
    courier.drain()
    assert owing.row().state is LedgerState.RETRY

    owing.recall()
    owing.make_due()
    courier.drain()

    assert len(far_side.received) == 2
    assert [told.outcome for told in owing.told()] == [Outcome.SENT]
    assert "may have arrived" in owing.row().note

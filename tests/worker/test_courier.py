"""The courier: what becomes of a delivery that is owed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
import pytest

from alertrouter.delivery import LedgerState, Outcome
from alertrouter.worker.courier import AT_ONCE
from tests.standins import Answer, HttpStandIn
from tests.waiting import eventually
from tests.worker.owing import HOOK, INBOX, OTHER, Owing, now


def test_a_delivery_is_sent_and_told(owing: Owing, far_side: HttpStandIn) -> None:
    """The far side has the message, the ledger its fate, the journal the event."""
    owing.owe()

    owing.courier().drain()

    (sent,) = far_side.received
    assert sent.path == "/ai"
    assert sent.json["alerts"][0]["labels"] == {"alertname": "Down"}
    assert owing.row().state is LedgerState.SENT
    (told,) = owing.told()
    assert (told.delivery, told.outcome) == ("INC-1.1", Outcome.SENT)


def test_a_drain_ends_only_when_nothing_is_due(owing: Owing, far_side: HttpStandIn) -> None:
    """One kick is enough for any number of deliveries, on all channels."""
    for number in range(30):
        owing.owe(f"INC-{number}.1", (HOOK, OTHER, INBOX)[number % 3])

    owing.courier().drain()

    assert len(far_side.received) == 20
    assert owing.client.zcard(owing.keys.inbox_order) == 10
    assert sorted(told.delivery for told in owing.told()) == sorted(f"INC-{number}.1" for number in range(30))


def test_a_temporary_failure_is_tried_again(owing: Owing, far_side: HttpStandIn) -> None:
    """With a pause; the row says why; nothing is told until it ended."""
    far_side.answer_next(Answer(503, b"busy"))
    owing.owe()
    courier = owing.courier()

    courier.drain()
    row = owing.row()
    assert (row.state, row.attempts) == (LedgerState.RETRY, 1)
    assert "503" in row.error
    assert owing.told() == []

    owing.make_due()
    courier.drain()
    assert (owing.row().state, owing.row().attempts) == (LedgerState.SENT, 2)


def test_retry_after_holds_all_of_its_lane(owing: Owing, far_side: HttpStandIn) -> None:
    """The far side asked for a pause: nothing more is sent to it, other far sides are not held."""
    far_side.answer_next(Answer(429, b"slow down", {"Retry-After": "600"}))
    owing.owe("INC-1.1", rank=2)
    courier = owing.courier()
    courier.drain()

    owing.owe("INC-2.1")
    owing.owe("INC-3.1", INBOX)
    courier.drain()

    assert len(far_side.received) == 1
    assert owing.row("INC-2.1").state is LedgerState.PENDING
    assert owing.row("INC-3.1").state is LedgerState.SENT


def test_an_unknown_outcome_is_tried_again_and_said_so(owing: Owing, far_side: HttpStandIn) -> None:
    """The far side may have it twice; the ledger tells."""
    far_side.answer_next(Answer(drop=True))
    owing.owe()
    courier = owing.courier()

    courier.drain()
    assert owing.row().state is LedgerState.UNKNOWN

    owing.make_due()
    courier.drain()
    row = owing.row()
    assert (row.state, row.doubtful) == (LedgerState.SENT, True)
    assert "an earlier try may have arrived too" in row.note


def test_a_permanent_failure_ends_it(owing: Owing, far_side: HttpStandIn) -> None:
    """It is told as failed, with what the far side said; the router tries again at its interval."""
    far_side.answer_next(Answer(404, b"no such hook"))
    owing.owe()

    owing.courier().drain()

    assert owing.row().state is LedgerState.FAILED
    (told,) = owing.told()
    assert told.outcome is Outcome.FAILED
    assert "404" in told.error


@pytest.mark.parametrize(
    "history",
    [{"attempts": 20}, {"attempts": 1, "first_at": 0}],
    ids=["after 20 tries", "after 15 minutes"],
)
def test_it_gives_up_in_time(owing: Owing, far_side: HttpStandIn, history: dict[str, int]) -> None:
    """What did not get through for long is told as failed, with the last error, and is not sent once more."""
    owing.owe()
    present = int(now().timestamp() * 1000)
    fields: dict[str, str | int] = {"first_at": present, "state": "retry", "error": "503 busy", **history}
    for field, value in fields.items():
        owing.client.hset(owing.keys.delivery("INC-1.1"), field, value)

    owing.courier().drain()

    assert far_side.received == []
    (told,) = owing.told()
    assert told.outcome is Outcome.FAILED
    assert "given up" in told.error
    assert "503 busy" in told.error


def test_a_destination_that_nobody_knows_fails(owing: Owing) -> None:
    """Its receiver is gone from its policy and from the active one."""
    owing.owe(to="gone/webhook")

    owing.courier().drain()

    (told,) = owing.told()
    assert told.outcome is Outcome.FAILED
    assert "gone/webhook" in told.error


def test_a_policy_that_is_gone_is_made_up_for_by_the_active_one(owing: Owing, far_side: HttpStandIn) -> None:
    """A page is sent while anybody knows where to."""
    owing.owe(revision="long-gone")

    owing.courier().drain()

    assert len(far_side.received) == 1


def test_a_slow_channel_holds_up_no_other(owing: Owing, far_side: HttpStandIn) -> None:
    """While webhooks hang, all of them, the inbox gets its message."""
    far_side.answer_always(Answer(delay=60))
    for number in range(AT_ONCE["webhook"] + 4):
        owing.owe(f"INC-{number}.1", rank=5)
    courier = owing.courier()
    draining = threading.Thread(target=courier.drain, daemon=True)
    draining.start()
    far_side.wait_for(lambda received: len(received) == AT_ONCE["webhook"])

    owing.owe("INC-99.1", INBOX, rank=0)

    eventually(lambda: owing.row("INC-99.1").state is LedgerState.SENT, "the inbox has it", within=8)
    assert far_side.received
    courier.stopping.set()
    far_side.close()
    draining.join(20)


def test_what_has_ended_is_settled_while_others_are_on_their_way(owing: Owing, far_side: HttpStandIn) -> None:
    """One message hangs: those that left with it are written down at once, and those behind it leave."""
    far_side.answer_next(Answer(delay=60))
    names = [f"INC-{number}.1" for number in range(2 * AT_ONCE["webhook"])]
    for name in names:
        owing.owe(name)
    courier = owing.courier()
    draining = threading.Thread(target=courier.drain, daemon=True)
    draining.start()

    eventually(lambda: len(owing.told()) == len(names) - 1, "all others are settled", within=8)

    (hangs,) = set(names) - {told.delivery for told in owing.told()}
    assert owing.row(hangs).state is LedgerState.CLAIMED
    courier.stopping.set()
    far_side.close()
    draining.join(20)
    assert owing.row(hangs).state is not LedgerState.CLAIMED


def test_messages_that_leave_together_end_each_by_itself(owing: Owing, far_side: HttpStandIn) -> None:
    """Over kept connections: one arrives, one is refused for good, one for now, and one gets no answer."""
    courier = owing.courier()
    far_side.hold_after(0)
    for number in range(4):
        owing.owe(f"INC-{number}.1")
    draining = threading.Thread(target=courier.drain)
    draining.start()
    far_side.wait_for(lambda received: len(received) == 4)  # over as many connections
    far_side.release()
    draining.join(10)
    far_side.answer_next(Answer(), Answer(400), Answer(503), Answer(drop=True))
    names = [f"INC-{number}.2" for number in range(4)]
    for name in names:
        owing.owe(name)

    courier.drain()

    ended = {LedgerState.SENT, LedgerState.FAILED, LedgerState.RETRY, LedgerState.UNKNOWN}
    assert {owing.row(name).state for name in names} == ended
    assert len(far_side.received) == 8


def test_a_slack_channel_is_paced(owing_with: Callable[..., Owing], far_side: HttpStandIn) -> None:
    """At most so many messages a second; the inbox in its place, without credentials, is not."""
    paced = owing_with({"SLACK_AI_WEBHOOK_URL": f"{far_side.url}/hook", "SLACK_MESSAGES_PER_SECOND": "0.01"})
    for number in range(3):
        paced.owe(f"INC-{number}.1", "slack/slack")

    paced.courier().drain()

    assert len(far_side.received) == 1
    assert sorted(paced.row(f"INC-{number}.1").state.value for number in range(3)) == ["pending", "pending", "sent"]


def test_a_channel_without_credentials_is_not_paced(owing_with: Callable[..., Owing]) -> None:
    """Its messages go to the inbox, which has no rate limit, and count there."""
    unpaced = owing_with({"SLACK_MESSAGES_PER_SECOND": "0.01"})
    for number in range(3):
        unpaced.owe(f"INC-{number}.1", "slack/slack")

    unpaced.courier().drain()

    assert len(unpaced.told()) == 3
    assert unpaced.client.hget(unpaced.keys.counters, "deliveries:inbox:sent") == b"3"


def test_two_workers_send_each_message_once(owing: Owing, far_side: HttpStandIn) -> None:
    """Draining at the same time."""
    for number in range(60):
        owing.owe(f"INC-{number}.1")

    drains = [threading.Thread(target=owing.courier().drain) for _ in range(3)]
    for drain in drains:
        drain.start()
    for drain in drains:
        drain.join()

    assert len(far_side.received) == 60
    assert len(owing.told()) == 60


def test_a_nudge_is_enough_for_a_worker_that_lingers(owing: Owing, far_side: HttpStandIn) -> None:
    """It has sent all and waits a little: the next delivery needs no RQ job."""
    courier = owing.courier()
    draining = threading.Thread(target=courier.drain, kwargs={"linger": 10.0})
    draining.start()
    eventually(lambda: owing.client.zcard(owing.keys.draining) == 1, "the worker says that it looks")

    owing.owe(nudges=1)
    far_side.wait_for(lambda received: len(received) == 1, 5)
    courier.stopping.set()
    draining.join(10)

    assert owing.client.llen(owing.keys.queue_list) == 0
    assert owing.client.zcard(owing.keys.draining) == 0


@pytest.mark.parametrize(
    "record",
    [msgspec.msgpack.encode(["of", {"another": "version"}]), b"\x99\xa1\xff" + b"\xc0" * 8],
    ids=["of another", "broken"],
)
def test_an_alert_that_can_not_be_read_keeps_no_page_back(owing: Owing, far_side: HttpStandIn, record: bytes) -> None:
    """A record of another version, after an upgrade: the message leaves without it, at the first try."""
    for name in owing.firing:
        owing.client.hset(owing.keys.alerts, name, record)
    owing.owe()

    owing.courier().drain()

    assert len(far_side.received) == 1
    assert (owing.row().state, owing.row().attempts) == (LedgerState.SENT, 1)

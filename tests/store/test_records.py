"""What the router does is recorded, and read again as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.events import Acknowledged, AlertsReceived, encode
from alertrouter.record import Ended, Fired, Moved, Record, Told
from alertrouter.settings import Settings
from alertrouter.store.keys import Keys
from alertrouter.store.records import History
from alertrouter.transition import Transition
from tests.routing import POLICY, Routing
from tests.times import START, at


@pytest.fixture
def routing(settings_for: Callable[..., Settings], client: redis.Redis) -> Routing:
    """An active router."""
    return Routing(settings_for(POLICY), client)


def test_an_incidents_life_is_recorded(routing: Routing) -> None:
    """Its alert begins, it opens, somebody is told, somebody takes it, it ends; a repeat is not recorded."""
    begins = AlertReport.of({"alertname": "Down"}, starts_at=START)
    ends = AlertReport.of({"alertname": "Down"}, starts_at=START, ends_at=at(seconds=60))

    def happen(seconds: float, *events: bytes) -> None:
        routing.clock.set(seconds=seconds)
        for event in events:
            routing.journal.append(event)
        routing.active.turn()

    def reported(seconds: float, report: AlertReport) -> bytes:
        return encode(AlertsReceived(at=at(seconds=seconds), actor="t", key=str(seconds), alerts=(report,)))

    happen(0, reported(0, begins))
    happen(10)
    happen(20, reported(20, begins))
    happen(30, encode(Acknowledged(at=at(seconds=30), actor="omar", key="k", incident="INC-1")))
    happen(60, reported(60, ends))

    records = list(History(routing.client, routing.keys).read())
    (fired,) = [one for one in records if isinstance(one, Fired)]
    assert (fired.labels, fired.incidents, fired.starts_at) == ({"alertname": "Down"}, ("INC-1",), START)
    assert next(one.alert for one in records if isinstance(one, Ended)) == fired.alert
    assert next((one.receiver, one.over) for one in records if isinstance(one, Told)) == ("ai", False)
    moved = [one for one in records if isinstance(one, Moved)]
    assert [one.transition for one in moved][:3] == [Transition.NEW, Transition.OPEN, Transition.ACK]
    assert (moved[2].by, moved[2].at) == ("omar", at(seconds=30))
    assert records == sorted(records, key=lambda one: one.at)


def test_a_history_is_taken_in_once(client: redis.Redis, keys: Keys) -> None:
    """Only where there is none: two histories in one would be nobody's."""
    history = History(client, keys)
    records: list[Record] = [
        Told(at=START + timedelta(seconds=number), incident="INC-1", receiver="a", channel="inbox", severity="info")
        for number in range(1200)
    ]

    assert history.take_in(reversed(records)) == 1200
    assert list(history.read()) == records
    assert len(list(history.read(START + timedelta(seconds=1100)))) <= 600
    with pytest.raises(PayloadError, match="already"):
        history.take_in(records)

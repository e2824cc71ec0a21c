"""What the router does is recorded, and read again as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
import redis

from alertrouter.alert import AlertReport
from alertrouter.engine.silences import id_of
from alertrouter.errors import PayloadError
from alertrouter.events import Acknowledged, AlertsReceived, SilenceExpired, SilenceSet, encode
from alertrouter.record import Ended, Fired, Moved, Record, Silenced, Told
from alertrouter.settings import Settings
from alertrouter.silence import Silence, SilenceMatcher
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


def test_what_people_do_to_silences_is_recorded(routing: Routing) -> None:
    """Set, changed, replaced by one with other matchers, ended; that it begins or ends when it was meant to is not."""

    def asks(seconds: float, until: float, alertname: str = "Down", silence: str = "") -> None:
        routing.clock.set(seconds=seconds)
        event = SilenceSet(
            at=routing.clock.now,
            actor="api",
            key=str(seconds),
            matchers=(SilenceMatcher("alertname", alertname),),
            starts_at=START,
            ends_at=at(seconds=until),
            created_by="lena",
            comment="new disk",
            silence=silence,
        )
        routing.journal.append(encode(event))
        routing.active.turn()

    first, second = id_of("0"), id_of("20")
    asks(0, until=600)
    asks(10, until=60, silence=first)
    asks(20, until=60, alertname="Slow", silence=first)
    routing.clock.set(seconds=100)
    routing.active.turn()
    asks(110, until=600)
    for number in range(2):
        routing.journal.append(
            encode(SilenceExpired(at=at(seconds=120 + number), actor="omar", key=f"e{number}", silence=id_of("110")))
        )
    routing.clock.set(seconds=130)
    routing.active.turn()

    found = [one for one in History(routing.client, routing.keys).read() if isinstance(one, Silenced)]
    assert [(one.silence, one.at, one.starts_at, one.ends_at, one.by, one.over) for one in found] == [
        (first, START, START, at(seconds=600), "lena", False),
        (first, at(seconds=10), START, at(seconds=60), "lena", False),
        (first, at(seconds=20), START, at(seconds=20), "lena", True),
        (second, at(seconds=20), at(seconds=20), at(seconds=60), "lena", False),
        (id_of("110"), at(seconds=110), at(seconds=110), at(seconds=600), "lena", False),
        (id_of("110"), at(seconds=120), at(seconds=110), at(seconds=120), "omar", True),
    ]
    assert {(one.matchers[0].value, one.comment) for one in found} == {("Down", "new disk"), ("Slow", "new disk")}


def test_the_silences_in_force_at_a_moment_are_told(client: redis.Redis, keys: Keys) -> None:
    """As the records before have them; of one that was set before all of them, as it stands in the state."""
    history = History(client, keys)

    def silence(name: str, minute: float, until: float, starts: float | None = None) -> Silenced:
        return Silenced(
            at=at(minutes=minute),
            silence=name,
            matchers=(SilenceMatcher("alertname", name),),
            starts_at=at(minutes=minute if starts is None else starts),
            ends_at=at(minutes=until),
        )

    def stands(name: str, changed: float, until: float, **more: str) -> None:
        kept = Silence(
            id=name,
            matchers=(SilenceMatcher("alertname", name),),
            starts_at=at(minutes=-100),
            ends_at=at(minutes=until),
            created_by="lena",
            comment="",
            updated_at=at(minutes=changed),
            maintenance=more.get("maintenance", ""),
        )
        client.hset(keys.silences, name, msgspec.msgpack.encode(kept))

    assert history.silences() == []
    history.take_in(
        [
            silence("over", 0, 5),
            silence("ended", 0, 60),
            silence("ended", 3, 3, starts=0),
            silence("lasts", 1, 30),
            silence("lasts", 2, 60, starts=1),
            silence("comes", 4, 60, starts=20),
            silence("later", 12, 60),
        ]
    )
    stands("old", -50, 90)
    stands("window", -50, 90, maintenance="move")
    stands("lasts", 2, 60)
    stands("later", 12, 60)

    assert [(one.silence, one.at, one.starts_at, one.ends_at) for one in history.silences(at(minutes=10))] == [
        ("lasts", at(minutes=10), at(minutes=1), at(minutes=60)),
        ("comes", at(minutes=10), at(minutes=20), at(minutes=60)),
        ("old", at(minutes=10), at(minutes=-100), at(minutes=90)),
    ]
    assert [(one.silence, one.at) for one in history.silences()] == [("old", at())]


def test_a_history_is_taken_in_once(client: redis.Redis, keys: Keys) -> None:
    """Only where there is none: two histories in one would be nobody's."""
    history = History(client, keys)
    records: list[Record] = [
        Told(at=START + timedelta(seconds=number), incident="INC-1", receiver="a", channel="inbox", severity="info")
        for number in range(1200)
    ]

    assert history.take_in(reversed(records)) == 1200
    assert list(history.read()) == records
    assert list(history.read(START + timedelta(seconds=1100))) == records[1100:]
    with pytest.raises(PayloadError, match="already"):
        history.take_in(records)


@pytest.mark.parametrize(
    "record", [b"\x93of another version", b"\x91\x81\xa4type\xa1\xff"], ids=["of another", "broken"]
)
def test_where_the_history_cannot_be_read_is_said(client: redis.Redis, keys: Keys, record: bytes) -> None:
    """With the way out: what was counted without it would be wrong. A silence's own record is left out."""
    client.xadd(keys.records, {"r": record}, id="1767225600000-0")
    client.hset(keys.silences, "S", record)

    history = History(client, keys)

    with pytest.raises(PayloadError, match=r"history can't be read at 1767225600000-0: .*--set-aside"):
        list(history.read())
    client.delete(keys.records)
    assert history.silences(START) == []

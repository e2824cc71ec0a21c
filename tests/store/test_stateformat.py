"""What an earlier version has written is read; what a later one has written is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import redis
from msgspec.structs import replace

from alertrouter import __version__
from alertrouter.errors import NewerState
from alertrouter.incident import State
from alertrouter.record import Ended, Fired, Moved, Silenced, Told
from alertrouter.settings import Settings
from alertrouter.store.backup import Backup, put_back, take, unpack
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import row_of
from alertrouter.store.records import History
from alertrouter.store.stateformat import FORMAT, stamp
from alertrouter.store.statestore import StateStore
from tests.roles import role
from tests.routing import POLICY, Routing, fires
from tests.store.values import claim
from tests.times import at

FORMATS = Path(__file__).with_name("formats")
LATER = f"{FORMAT + 1} 99.0"


def of_format(number: int) -> Backup:
    """The backup of a router that had much to do, in a format of before; what it holds shall not end meanwhile."""
    backup = unpack((FORMATS / f"{number}.backup").read_bytes())
    return replace(backup, records=tuple(replace(record, ends_at=None) for record in backup.records))


@pytest.mark.parametrize("number", range(1, FORMAT))
def test_what_an_earlier_version_wrote_is_read(
    number: int, state_store: StateStore, client: redis.Redis, keys: Keys
) -> None:
    """Every kind of record: nothing is left out, whatever the form that it was written in."""
    backup = of_format(number)
    put_back(client, keys, backup, replace=False, now=backup.at)

    loaded = state_store.load()

    state = loaded.state
    assert loaded.unreadable == ()
    assert {alert.labels["alertname"]: alert.annotations["summary"] for alert in state.alerts.values()} == {
        name: f"{name} is wrong" for name in ("Down", "Slow", "Storm0", "Storm1", "Storm2", "Storm3")
    }
    assert sorted((one.id, one.state, one.severity) for one in state.incidents.values())[:2] == [
        ("INC-1", State.ACKNOWLEDGED, "critical"),
        ("INC-2", State.TRIGGERED, "warning"),
    ]
    assert (len(state.policies), state.last_number, state.alive_at) == (1, 6, at(seconds=22))
    assert [silence.comment for silence in state.silences.values()] == ["new disk"]
    assert list(state.heartbeats) == ["prometheus"]
    assert len(state.summaries) == 1
    assert [type(record) for record in History(client, keys).read()].count(Fired) == 6
    assert {type(record) for record in History(client, keys).read()} == {Fired, Ended, Told, Moved}


@pytest.mark.parametrize("number", range(1, FORMAT))
def test_silences_that_no_record_tells_of_are_recorded_by_the_first_commit(
    number: int, settings_for: Callable[..., Settings], client: redis.Redis, keys: Keys
) -> None:
    """Until format 3 no silence was: so a replay knows those that stand, and since when. The second adds nothing."""
    put_back(client, keys, of_format(number), replace=False, now=at())
    routing = Routing(settings_for(POLICY), client)

    routing.clock.set(minutes=1)
    routing.active.turn()
    routing.clock.set(minutes=2)
    routing.journal.append(fires("Another", seconds=120))
    routing.active.turn()
    Routing(settings_for(POLICY), client).active.turn()

    (record,) = [one for one in History(client, keys).read() if isinstance(one, Silenced)]
    assert (record.comment, record.by, record.over) == ("new disk", "sam", False)
    assert record.starts_at < record.at


@pytest.mark.parametrize("stamped", ["", "1 0.1"])
def test_a_router_goes_on_from_the_state_of_an_earlier_version(
    stamped: str, settings_for: Callable[..., Settings], client: redis.Redis, keys: Keys
) -> None:
    """What was not read yet is applied, what is owed is sent, and the first commit stamps the state anew."""
    put_back(client, keys, of_format(1), replace=False, now=at())
    if stamped:
        client.set(keys.format, stamped)

    routing = Routing(settings_for(POLICY), client)
    routing.active.turn()

    assert "Unread" in {one.group_labels["alertname"] for one in routing.incidents().values()}
    rows = [row_of(cast(dict[bytes, bytes], client.hgetall(keys.delivery(name)))) for name in routing.owed()]
    assert len([row for row in rows if row]) == 4
    assert claim(Ledger(client, keys, "worker-a"), at(minutes=1), "inbox") is not None
    assert client.get(keys.format) == stamp().encode()


@pytest.mark.parametrize("process", ["router", "worker"])
def test_a_later_version_s_state_is_left_alone(
    process: str, settings_for: Callable[..., Settings], client: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    """The process ends with an error that names both versions, and has written nothing."""
    client.set(keys.format, LATER)
    client.hset(keys.alerts, "a", b"of another shape")
    before = take(client, keys, version="", now=at())

    with role(process, settings_for(POLICY), tmp_path / "log") as running:
        assert running.wait(30) == 1

    said = (tmp_path / "log").read_text()
    assert f"the state has format {FORMAT + 1}, written by alertrouter 99.0; this is alertrouter {__version__}" in said
    assert take(client, keys, version="", now=at()) == before


def test_a_router_that_stood_by_finds_the_state_of_a_later_version(client: redis.Redis, keys: Keys) -> None:
    """It was upgraded while this one waited: the lease stays free for one that knows it."""
    client.set(keys.format, LATER)

    with pytest.raises(NewerState, match=r"99\.0"):
        Lease(client, keys, "a").acquire()

    assert not client.exists(keys.lease, keys.epoch)


def test_a_backup_of_a_later_version_s_state_is_not_put_back(client: redis.Redis, keys: Keys) -> None:
    """A state that nobody here can read would only be found out by the next start."""
    client.set(keys.format, LATER)
    backup = take(client, keys, version="99.0", now=at())
    client.delete(keys.format)

    with pytest.raises(NewerState, match="formats up to"):
        put_back(client, keys, backup, replace=True, now=at())

    assert not client.exists(keys.format, keys.epoch)

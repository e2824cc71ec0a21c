"""The door's index of alerts names all that there are, whatever begins and ends, and nothing else in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from alertrouter.alert import NOTHING, Alert, Fingerprint, fingerprint_of, pack
from alertrouter.engine.changes import Changes
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.matcher import parse_matcher, parse_matchers
from alertrouter.store.alert_index import MOST_NAMES, AlertIndex
from alertrouter.store.catalogue import Catalogue
from alertrouter.store.connection import connect_async
from alertrouter.store.keys import Keys
from alertrouter.store.statestore import StateStore
from tests.store.values import commit_of, silence
from tests.times import START, at


def firing(name: str, *, ends: float | None = None, **labels: str) -> Alert:
    """An alert that fires, up to a minute."""
    packed = pack({"alertname": name, **labels})
    return Alert(
        fingerprint=fingerprint_of(packed),
        packed_labels=packed,
        packed_annotations=NOTHING,
        starts_at=START,
        ends_at=at(minutes=ends) if ends is not None else None,
        updated_at=START,
    )


class Store:
    """What a router would have written."""

    def __init__(self, store: StateStore, epoch: int) -> None:
        self._store = store
        self._epoch = epoch
        self._commits = 0

    def begin(self, *alerts: Alert) -> None:
        """Alerts begin to fire."""
        marks = [one.fingerprint for one in alerts]
        changes = Changes(alerts={one.fingerprint: one for one in alerts}, begun=marks)
        self._store.commit(self._epoch, commit_of(changes))

    def write(self, **changes: Any) -> None:  # noqa: ANN401 -- any of the fields
        """Anything else changes."""
        self._commits += 1
        self._store.commit(self._epoch, commit_of(Changes(**changes), now=at(seconds=self._commits)))


@pytest.fixture
def store(state_store: StateStore, epoch: int) -> Store:
    """A store that holds nothing."""
    return Store(state_store, epoch)


def ask(
    redis_url: str, keys: Keys, work: Callable[[AlertIndex], Coroutine[Any, Any, None]], *, most_names: int = MOST_NAMES
) -> None:
    """Let an index do some work."""

    async def run() -> None:
        client = connect_async(redis_url)
        try:
            await work(AlertIndex(client, keys, most_names=most_names))
        finally:
            await client.aclose()

    asyncio.run(run())


async def names(index: AlertIndex, **labels: str) -> list[str]:
    """The disks of the alerts that are found."""
    return sorted(one.labels["disk"] for one in await index.find(list(labels.items())))


def test_what_was_there_and_what_begins_later_is_found(store: Store, redis_url: str, keys: Keys) -> None:
    """Given alerts from before the first question and after it, then both are found, and none of another label."""
    store.begin(firing("Down", disk="1"), firing("Slow", disk="2"))

    async def work(index: AlertIndex) -> None:
        assert await names(index, alertname="Down") == ["1"]
        store.begin(firing("Down", disk="3"), firing("Down", disk="1"))
        assert await names(index, alertname="Down") == ["1", "3"]
        assert await names(index, alertname="Nothing") == []

    ask(redis_url, keys, work)


def test_what_is_forgotten_is_found_no_more(store: Store, redis_url: str, keys: Keys) -> None:
    """The index may still name it; the alerts themselves are looked at."""
    store.begin(firing("Down", disk="1"), firing("Down", disk="2"))

    async def work(index: AlertIndex) -> None:
        assert await names(index, alertname="Down") == ["1", "2"]
        store.write(alerts={firing("Down", disk="1").fingerprint: None})
        assert await names(index, alertname="Down") == ["2"]

    ask(redis_url, keys, work)


def test_the_rarest_label_that_is_indexed_is_used(store: Store, redis_url: str, keys: Keys) -> None:
    """Given two labels, then the alerts of the rarer one are looked at; the caller tries the other."""
    store.begin(*(firing("Down", disk=str(number)) for number in range(20)))

    async def work(index: AlertIndex) -> None:
        await index.find([("disk", "7")])
        await index.find([("alertname", "Down")])
        assert [one.labels["disk"] for one in await index.find([("alertname", "Down"), ("disk", "7")])] == ["7"]

    ask(redis_url, keys, work)


def test_who_has_not_read_for_long_reads_all_anew(store: Store, redis_url: str, keys: Keys) -> None:
    """Given entries that were trimmed before they were read, then nothing is missed."""
    store.begin(firing("Down", disk="1"))

    async def work(index: AlertIndex) -> None:
        assert await names(index, alertname="Down") == ["1"]
        for disk in ("2", "3"):
            store.begin(firing("Down", disk=disk))
        client = connect_async(redis_url)
        await client.xtrim(keys.begun, maxlen=1, approximate=False)
        await client.aclose()
        assert await names(index, alertname="Down") == ["1", "2", "3"]

    ask(redis_url, keys, work)


def test_a_wiped_store_is_noticed(store: Store, redis_url: str, keys: Keys) -> None:
    """Given a stream that is gone, then the index begins anew."""
    store.begin(firing("Down", disk="1"))

    async def work(index: AlertIndex) -> None:
        assert await names(index, alertname="Down") == ["1"]
        client = connect_async(redis_url)
        await client.delete(keys.begun, keys.alerts)
        await client.aclose()
        assert await names(index, alertname="Down") == []
        store.begin(firing("Down", disk="2"))
        assert await names(index, alertname="Down") == ["2"]

    ask(redis_url, keys, work)


def test_more_names_than_are_kept_are_answered_as_well(store: Store, redis_url: str, keys: Keys) -> None:
    """The one that was asked about least recently makes room, and is indexed again."""
    store.begin(firing("Down", disk="1"), firing("Slow", disk="2"))

    async def work(index: AlertIndex) -> None:
        for _ in range(2):
            assert await names(index, alertname="Down") == ["1"]
            assert await names(index, disk="2") == ["2"]

    ask(redis_url, keys, work, most_names=1)


RULE = InhibitRule(
    name="node down",
    source_matchers=parse_matchers("alertname=Down"),
    target_matchers=parse_matchers("alertname=Slow"),
    equal=("node",),
)


def test_what_holds_an_alert_back_is_asked_as_it_is_now(store: Store, redis_url: str, keys: Keys) -> None:
    """Given sources that begin, end by a report, and end by time, then each holds back while it fires."""
    slow = firing("Slow", node="n1")
    first, second = firing("Down", node="n1", disk="1"), firing("Down", node="n1", disk="2", ends=10)
    store.begin(slow)

    async def work(index: AlertIndex) -> None:
        async def holders(minute: float) -> set[Fingerprint]:
            held = await index.holding([slow], (RULE,), at(minutes=minute))
            return {one.source for one in held.get(slow.fingerprint, ())}

        assert await holders(0) == set()
        store.begin(first, second)
        assert await holders(1) == {min(first.fingerprint, second.fingerprint)}
        store.write(alerts={first.fingerprint: firing("Down", node="n1", disk="1", ends=1)})
        assert await holders(2) == {second.fingerprint}
        assert await holders(10) == set()
        store.begin(firing("Down", node="n1", disk="2", ends=20))
        assert await holders(11) == {second.fingerprint}
        assert await index.holding([slow], (), at(minutes=11)) == {}

    ask(redis_url, keys, work)


def test_the_catalogue_shows_what_fires_and_by_which_silence_it_is_held_back(
    store: Store, redis_url: str, keys: Keys
) -> None:
    """Given a silence that is set and then ends, then what is shown follows it."""
    store.begin(firing("Down", host="web-1"), firing("Down", host="db"), firing("Down", host="old", ends=-1))
    now = START + timedelta(minutes=1)

    async def run() -> None:
        client = connect_async(redis_url)
        catalogue = Catalogue(client, keys)

        async def shown(*filters: str) -> list[tuple[str, int]]:
            found = await catalogue.firing([parse_matcher(one) for one in filters], now)
            return sorted((one.alert.labels["host"], len(one.silences)) for one in found)

        assert await shown() == [("db", 0), ("web-1", 0)]
        store.write(silences={"s1": silence("s1")})
        assert await shown('alertname="Down"') == [("db", 0), ("web-1", 1)]
        assert await shown('alertname="Down"', 'host=~"w.*"') == [("web-1", 1)]
        assert await shown('host=""') == []
        store.write(silences={"s1": None})
        assert await shown('alertname="Down"') == [("db", 0), ("web-1", 0)]
        await client.aclose()

    asyncio.run(run())

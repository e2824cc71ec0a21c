"""The follower of a shadow: how it begins anew, what it can't go on with, and when it ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import cast

from alertrouter import follower as process
from alertrouter.store import records
from alertrouter.store.revisions import Happened, Revision
from tests.follower.watched import LATER, SOONER, Watched
from tests.times import START


def test_a_follower_that_begins_anew_finds_the_same(watched: Watched) -> None:
    """It keeps nothing: the history is lived again from the shadow's beginning, not from before."""
    watched.fires("Before")
    watched.pass_time(1)
    first = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    first.turn()
    before = watched.seen()

    second = watched.follower()
    second.turn()
    assert watched.seen() == before

    watched.pass_time(12)
    second.turn()
    assert watched.sums().pages == (1, 1)
    assert watched.sums().changed == 1
    assert watched.sums().paged == 2, "of the alert before, too, somebody was paged"


def test_a_shadow_ends_when_it_comes_into_force(watched: Watched) -> None:
    """However that came about; what was found until then can still be looked at."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.activate(SOONER)
    watched.fires("Slow")
    watched.pass_time(20)

    assert not follower.turn()

    sums = watched.sums()
    assert (sums.pages, sums.failed) == ((0, 1), False)
    assert sums.stopped.startswith("it is in force since 2026-03-02 10:05:06 UTC, by omar")
    assert watched.store.begun() is None


def test_a_shadow_that_can_not_go_on_says_why_and_the_router_goes_on(watched: Watched) -> None:
    """A record that can't be read stands for whatever may go wrong in that process."""
    watched.begin(SOONER)
    watched.client.xadd(watched.keys.records, {records.FIELD: b"\xc1"})
    watched.fires("Down")
    watched.pass_time(5)

    process.follow(watched.settings, "here", threading.Event(), watched.clock)

    assert watched.sums().failed
    assert watched.sums().stopped.startswith("it could not go on: DecodeError")
    watched.pass_time(12)
    assert len(watched.owed()) == 2
    process.follow(watched.settings, "here", threading.Event(), watched.clock)  # there is nothing to follow any more


def test_a_policy_that_this_version_can_not_load_stops_it(watched: Watched) -> None:
    """It was kept by another version."""
    files = {"policy.yml": "route: {receiver: nobody}\n"}
    watched.set(Revision(happened=Happened.PUBLISHED, revision="ab" * 6, at=START, actor="lena", files=files))

    process.follow(watched.settings, "here", threading.Event(), watched.clock)

    assert watched.sums().failed
    assert "policy.yml:1:" in watched.sums().stopped


def test_a_trimmed_history_is_said_to_be_so(watched: Watched) -> None:
    """After a restart the numbers begin where the history does."""
    watched.fires("Before")
    watched.begin(SOONER).turn()
    assert watched.sums().begins is None
    watched.fires("Down")
    watched.pass_time(5)
    watched.follower().turn()
    assert watched.sums().begins is None, "all of it is still there"

    newest = cast(list[tuple[bytes, object]], watched.client.xrevrange(watched.keys.records, count=1))[0][0]
    watched.client.xtrim(watched.keys.records, minid=newest, approximate=False)
    watched.follower().turn()

    ms = int(newest.partition(b"-")[0])
    assert watched.sums().begins == datetime.fromtimestamp(ms / 1000, UTC)


def test_of_a_trimmed_history_silences_that_stand_are_known(watched: Watched) -> None:
    """Although the record of their setting is gone, and so are the alerts that fired before."""
    watched.fires("Before")
    watched.begin(SOONER)
    watched.silence("Down", "down", minutes=60)
    watched.pass_time(1)
    watched.fires("Down")
    newest = cast(list[tuple[bytes, object]], watched.client.xrevrange(watched.keys.records, count=1))[0][0]
    watched.client.xtrim(watched.keys.records, minid=newest, approximate=False)
    watched.pass_time(12)
    watched.follower().turn()

    sums = watched.sums()
    assert (sums.pages, sums.messages, sums.events) == ((0, 0), (0, 0), 1)


def test_what_an_old_follower_finds_is_not_the_new_shadows(watched: Watched) -> None:
    """Another shadow was set, or it was taken away, while one was still followed."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.begin(LATER)
    follower.turn()
    assert watched.seen()[0].sums is None

    watched.client.delete(watched.keys.shadow)
    follower.turn()
    assert not watched.client.exists(watched.keys.shadow)


def test_what_another_version_found_is_found_anew(watched: Watched) -> None:
    """And what another version has set is no shadow: a new one takes its place."""
    watched.begin(SOONER)
    watched.client.hset(watched.keys.shadow, mapping={"sums": b"\xc1", "details": b"\xc1", "silences": b"\xc1"})
    assert watched.seen()[0].sums is None
    watched.fires("Down")
    watched.pass_time(5)
    watched.follower().turn()
    assert watched.sums().pages == (0, 1)

    watched.client.hset(watched.keys.shadow, "set", b"\xc1")
    assert watched.store.shadow() is None
    watched.begin(LATER).turn()
    assert watched.sums().pages == (0, 0)


def test_of_two_followers_one_follows(watched: Watched) -> None:
    """Each web process may start one; the other leaves at once, and takes over when the first is gone."""
    watched.begin(SOONER)
    assert watched.store.hold("a")
    assert watched.store.hold("a")
    assert not watched.store.hold("b")
    process.follow(watched.settings, "here", threading.Event(), watched.clock)
    assert watched.seen()[0].sums is None
    watched.store.let_go("b")
    assert not watched.store.hold("b")
    watched.store.let_go("a")
    assert watched.store.hold("b")

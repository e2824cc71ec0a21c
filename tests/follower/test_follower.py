"""A policy in the shadow of the one in force: what it would have done, while the router does what it does."""

from __future__ import annotations

from alertrouter import follower as process
from alertrouter.engine.silences import id_of
from alertrouter.events import (
    Acknowledged,
    encode,
)
from alertrouter.policy.load import load
from alertrouter.record import Told
from alertrouter.simulate.quiet import with_those_before
from alertrouter.simulate.replay import live_again
from alertrouter.store.records import History
from tests.follower.watched import LATER, LIVE, SOONER, Watched
from tests.times import START, at


def test_what_the_shadow_would_have_paged_is_shown_and_nobody_is_told(watched: Watched) -> None:
    """The router owes what its own policy says; the page of the other one is counted, by team, hour and incident."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)

    assert follower.turn()

    standing, details = watched.seen()
    sums = watched.sums()
    assert (standing.shadow.actor, standing.shadow.since) == ("lena", START)
    assert (sums.pages, sums.messages, sums.changed, sums.paged) == ((0, 1), (1, 2), 1, 0)
    assert sums.until == at(minutes=5, seconds=6) - process.SETTLING
    assert (details.by_team, details.by_hour) == ({"ai": (0, 1)}, {10: (0, 1)})
    (changed,) = details.changed
    assert (changed.title, changed.at) == ("alertname=Down", at(seconds=10))
    assert [(one.at, one.receiver, one.page) for one in changed.shadow] == [
        (at(seconds=10), "chat", False),
        (at(minutes=2, seconds=10), "pager", True),
    ]
    assert [row.split(":")[1] for row in watched.owed() if "pager" in row] == []
    assert len(watched.owed()) == 1


def test_an_acknowledgement_counts_for_the_shadow_too(watched: Watched) -> None:
    """Whoever took the incident then has taken the shadow's."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.clock.set(minutes=1)
    watched.journal.append(encode(Acknowledged(at=at(minutes=1), actor="omar", key="a", incident="INC-1")))
    watched.active.turn()
    watched.pass_time(5)
    follower.turn()

    assert watched.sums().pages == (0, 0)
    assert watched.sums().changed == 0


def test_both_live_what_the_router_lived(watched: Watched) -> None:
    """Where nothing is left out, the live side is what was told, and the same policy in the shadow tells the same.

    Also where somebody silences an alert before, ends that, silences one while it fires, changes that, and lets it end.
    """
    watched.silence("Slow9", "early", minutes=12)
    follower = watched.begin(LIVE + "# the same\n")
    watched.fires("Down")
    for minute in range(1, 40):
        watched.clock.set(minutes=minute)
        watched.active.turn()
        watched.settle()
        if minute % 9 == 0:
            watched.fires(f"Slow{minute}")
        if minute % 14 == 0:
            watched.fires("Slow9", over=True)
        if minute == 3:
            watched.silence("Down", "down", minutes=60)
        if minute == 5:
            watched.silence("Down", "changed", minutes=30, silence=id_of("down"), since=at(minutes=3))
        if minute == 17:
            watched.end_silence("changed-end", id_of("down"))
        if minute == 19:
            watched.silence("Slow18", "slow", minutes=7)
        if minute == 25:
            taken = Acknowledged(at=watched.clock.now, actor="omar", key="a", incident="INC-3")
            watched.journal.append(encode(taken))
        watched.settle()
        follower.turn()
    watched.pass_time(40)
    follower.turn()

    sums = watched.sums()
    told = [one for one in History(watched.client, watched.keys).read() if isinstance(one, Told)]
    assert sums.paged > 1
    assert sums.pages == (sums.paged, sums.paged)
    assert sums.messages == (len(told), len(told))
    assert sums.changed == 0
    recorded = with_those_before(list(History(watched.client, watched.keys).read()))
    replayed = live_again(recorded, load({"policy.yml": LIVE})).messages
    assert [(one.at, one.receiver, one.over) for one in replayed if one.at <= watched.clock.now] == [
        (one.at, one.receiver, one.over) for one in told
    ], "and so is a replay of what was recorded"


def test_what_is_silenced_pages_on_neither_side(watched: Watched) -> None:
    """Until that ends, by itself or by somebody; also after a restart, when the router has forgotten the silence."""
    watched.silence("Before", "early", minutes=30)
    follower = watched.begin(SOONER)
    for name in ("Before", "Down", "Slow"):
        watched.fires(name)
    watched.silence("Down", "down", minutes=60)
    watched.silence("Slow", "slow", minutes=60)
    watched.pass_time(5)
    follower.turn()
    assert watched.sums().pages == (0, 0)

    watched.end_silence("over", id_of("down"))
    watched.pass_time(12)
    follower.turn()
    before = watched.sums()
    assert before.pages == (0, 1), "what the silence stopped goes on with the time that it had left"

    watched.client.delete(watched.keys.silences)
    watched.follower().turn()
    assert watched.sums() == before


def test_time_goes_on_only_as_far_as_the_router_has_come(watched: Watched) -> None:
    """While it is down nothing is decided, here or there: an end that waits in the journal comes before the page."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(1)
    follower.turn()
    watched.clock.set(minutes=30)
    follower.turn()
    assert watched.sums().until == at(minutes=1, seconds=6) - process.SETTLING
    assert watched.sums().pages == (0, 0)


def test_another_policy_in_force_is_what_it_is_compared_with(watched: Watched) -> None:
    """From that moment; what is open goes on under the one that opened it."""
    follower = watched.begin(SOONER)
    watched.fires("Down")
    watched.pass_time(5)
    watched.activate(LATER)
    watched.fires("Slow")
    watched.pass_time(20)

    assert follower.turn()

    sums, (_, details) = watched.sums(), watched.seen()
    assert sums.live == load({"policy.yml": LATER}).revision
    assert sums.pages == (1, 2)
    slow = next(one for one in details.changed if one.title == "alertname=Slow")
    assert [one.receiver for one in slow.live] == ["chat"]
    assert [one.receiver for one in slow.shadow] == ["chat", "pager"]

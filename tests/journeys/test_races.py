"""What two do at the same moment: whoever comes second changes nothing, and it stands in the story."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from alertrouter.delivery import LedgerState
from alertrouter.events import Escalated, Snoozed
from alertrouter.incident import Reason, State
from alertrouter.store.ledger_row import Claimed
from alertrouter.transition import Transition
from tests.journeys.farsides import FarSides
from tests.journeys.race import POLICY, Race, RaceWith, ack, now, paged
from tests.store.values import claim
from tests.waiting import eventually


def taken_while_claimed(race: Race) -> Claimed:
    """A page is in the hands of a worker when somebody takes the incident, and is marked for that."""
    race.at_once(race.report("Disk"))
    eventually(lambda: len(race.deliveries()) == 2, "the page is owed")
    claimed = claim(race.ledger, now(), "pagerduty")
    assert claimed is not None
    race.at_once(ack("@lena"))
    eventually(lambda: race.ledger.look([claimed], [])[1][0], "it is marked")
    return claimed


def test_an_acknowledgement_cancels_the_page_that_has_not_left(race: Race, far: FarSides) -> None:
    """No worker is there yet when somebody takes it: the page stays, the message shows who has it."""
    with race.router():
        race.at_once(race.report("Disk"))
        eventually(lambda: len(race.deliveries()) == 2, "the page is owed")

        race.at_once(ack("@lena"))
        eventually(lambda: len(race.cancelled()) == 2, "both are cancelled")
        with race.worker():
            race.at_once(race.report("Net"))
            eventually(lambda: "Net" in paged(far), "the worker works")

    assert [row.state for row in race.deliveries()[:2]] == [LedgerState.CANCELLED] * 2
    assert race.cancelled()[1] == "INC-1.2 to pager/pagerduty: it was taken before it left"
    assert set(paged(far)) == {"Net"}
    assert "Disk" not in str(far.slack.received)


def test_an_acknowledgement_stops_a_page_in_the_hands_of_a_worker(race: Race, far: FarSides) -> None:
    """Claimed but not sent when somebody takes it: the worker looks once more before it sends."""
    with race.router():
        claimed = taken_while_claimed(race)
        race.send(claimed)
        eventually(lambda: len(race.cancelled()) == 2, "the story says so")

    assert far.pagerduty.received == []
    assert race.deliveries()[1].state is LedgerState.CANCELLED
    assert race.cancelled()[1] == "INC-1.2 to pager/pagerduty: it was taken before it left"


def test_a_page_whose_worker_died_is_not_sent_again_once_it_is_taken(race: Race, far: FarSides) -> None:
    """Nobody knows whether it left before that: it isn't sent again, and PagerDuty hears of the end all the same."""
    with race.router():
        claimed = taken_while_claimed(race)
        race.client.zadd(race.keys.due("pagerduty", claimed.delivery.rank), {claimed.delivery.id: 0})
        with race.worker():
            eventually(lambda: race.deliveries()[1].state is LedgerState.SENT, "the next worker settles it", 15)
            race.at_once(race.report("Disk", over=True))
            far.pagerduty.wait_for(lambda received: any(one.json["event_action"] == "resolve" for one in received))

    assert paged(far) == []
    assert race.deliveries()[1].note == (
        "an earlier try may have arrived too; not tried again: it was taken before it left"
    )


@pytest.mark.parametrize("far", ["slow"], indirect=True)
def test_pages_and_acknowledgements_that_meet_agree_on_who_was_told(
    race_with: RaceWith, far: FarSides, record_property: Callable[[str, object], None]
) -> None:
    """Forty pages leave while all are taken: each was sent, or was cancelled; the end reaches those who were told."""
    one_page_each = "{notify: [channel, oncall]}, {after: 1h, notify: oncall}"
    race = race_with(
        POLICY.replace("{notify: channel}, {after: 1s, notify: oncall}, {after: 3s, notify: managers}", one_page_each)
    )
    names = [f"Disk{number}" for number in range(40)]
    with race.router(), race.worker("a"), race.worker("b"):
        far.pagerduty.hold_after(5)
        race.at_once(race.report(*names))
        far.pagerduty.wait_for(lambda received: len(received) > 5, 20)
        # Two workers hold eight pages at most: what half of the forty acknowledgements do is sure, the others race.
        race.at_once(*(ack("@lena", f"INC-{number}") for number in range(1, 21)))
        eventually(lambda: Transition.ACK in race.transitions("INC-20"), "half are taken", 20)
        far.pagerduty.release()
        far.pagerduty.wait_for(lambda received: len(received) > 10)
        race.at_once(*(ack("@lena", f"INC-{number}") for number in range(21, 41)))
        eventually(race.all_settled, "all is settled", 20)
        race.at_once(race.report(*names, over=True))
        eventually(lambda: race.all_over() and race.all_settled(), "all is over", 20)

    sent = paged(far)
    record_property("journey", f"{len(sent)} of 40 pages had left when they were taken, the others were cancelled")
    for name, incident in race.incidents().items():
        cancelled = any("pager" in text for text in race.cancelled(incident.id))
        assert cancelled is (name not in sent), race.told(incident.id)
        assert race.transitions(incident.id).count(Transition.ACK) == 1
    assert 0 < len(sent) < 40, "some met"
    assert len(sent) == len(set(sent)), "nobody was paged twice"
    assert sorted(paged(far, "resolve")) == sorted(sent)


@pytest.mark.parametrize("order", ["the end first", "the acknowledgement first", "the end first, by far"])
def test_the_end_and_an_acknowledgement_in_either_order(race: Race, far: FarSides, order: str) -> None:
    """It is over in the end, and everybody who was told hears so once; who came too late is told that."""
    with race.router(), race.worker():
        race.at_once(race.report("Disk"))
        eventually(lambda: paged(far), "the pager is called", 15)
        over, taken = race.report("Disk", over=True), ack("@lena")

        if order == "the end first, by far":
            race.at_once(over)
            race.wait_for(Transition.RESOLVE)
            (answer,) = race.ask(ack("@lena"))
            assert answer.text.startswith("INC-1 was resolved by its source at")
        else:
            race.at_once(*((over, taken) if order == "the end first" else (taken, over)))
        race.wait_for(Transition.RESOLVE)
        eventually(lambda: paged(far, "resolve") and race.all_settled(), "the end is told")

    late = [Transition.RESOLVE, Transition.LATE]
    assert race.transitions()[-2:] == (late if "far" in order else [Transition.ACK, Transition.RESOLVE])
    assert race.incidents()["Disk"].state is State.RESOLVED
    assert (paged(far), paged(far, "resolve")) == (["Disk"], ["Disk"])
    assert far.webhook.received == []


def test_two_people_click_at_once(race: Race, far: FarSides) -> None:
    """One has it, the other is recorded too; both are told how it stands."""
    with race.router(), race.worker():
        race.at_once(race.report("Disk"))
        eventually(lambda: paged(far), "the pager is called", 15)

        answers = race.ask(ack("@lena"), ack("@omar"))
        eventually(lambda: paged(far, "acknowledge") and race.all_settled(), "PagerDuty knows")

    taken = race.incidents()["Disk"].ack
    assert taken is not None
    assert {answer.transition for answer in answers} == {Transition.ACK, Transition.ACK_TOO}
    assert {taken.by, *taken.others} == {"@lena", "@omar"}
    assert all(f"acknowledged by {taken.by}" in answer.text for answer in answers)
    assert race.transitions()[-2:] == [Transition.ACK, Transition.ACK_TOO]


def test_two_people_escalate_by_the_same_button(race_with: RaceWith, far: FarSides) -> None:
    """One of them wakes the next level; to the other the button is old by then, and the level behind stays asleep."""
    race = race_with(POLICY.replace("after: 3s", "after: 2h").replace("after: 1s", "after: 1h"))
    with race.router(), race.worker():
        race.at_once(race.report("Disk"))
        eventually(lambda: far.slack.messages, "Slack is told", 15)
        drawn = race.incidents()["Disk"].version
        clicks = [
            Escalated(at=now(), actor=who, key=f"escalate {who}", incident="INC-1", version=drawn)
            for who in ("@lena", "@omar")
        ]

        answers = race.ask(*clicks)
        eventually(lambda: paged(far) and race.all_settled(), "the pager is called")

    assert sorted(answer.transition or "" for answer in answers) == ["", "STEP"]
    assert [answer.text for answer in answers if not answer.transition] == [
        "INC-1 has been escalated since this message was drawn"
    ]
    assert (paged(far), far.webhook.received) == (["Disk"], [])


@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_an_open_incident_keeps_the_policy_that_opened_it(race: Race, far: FarSides, how: str) -> None:
    """The router comes back to a policy without those levels and receivers, or to none: the ladder goes on."""
    directory = Path(race.settings.environ["ALERTROUTER_POLICY"])
    with race.router() as first:
        race.at_once(race.report("Disk"))
        race.wait_for(Transition.STEP)
        first.terminate()
        first.wait(15)
    if how == "deleted":
        shutil.rmtree(directory)
    else:
        other = "receivers: {desk: {inbox: {}}}\nroute: {receiver: desk, group_by: [alertname], group_wait: 0s}\n"
        (directory / "policy.yml").write_text(other, encoding="utf-8")

    with race.router("second"), race.worker():
        race.at_once(race.report("Net"))
        eventually(lambda: far.webhook.received, "the managers are told by the old policy", 15)
        eventually(lambda: "Disk" in paged(far), "and so is the pager", 15)
        race.wait_for(Transition.OPEN, incident="INC-2")

    assert race.incidents()["Disk"].ladder is not None
    assert (race.incidents()["Net"].ladder is None) is (how == "changed")
    if how == "deleted":
        assert "policy refused, the active one stays" in race.said("second")


@pytest.mark.parametrize("least", [0.0, pytest.param(64.0, marks=pytest.mark.soak)], ids=["past its lease", "a minute"])
def test_a_router_that_was_asleep_climbs_no_ladder_twice(race: Race, far: FarSides, least: float) -> None:
    """It stops between two levels for longer than its lease; awake, it has nothing to say and overwrites nothing.

    Its lease of four seconds and every level end within the short sleep; `make soak` has it sleep a minute beyond that.
    """
    names, ids = [f"Disk{number}" for number in range(20)], [f"INC-{number}" for number in range(1, 21)]
    with race.router("first") as first, race.running("router", "second"), race.worker():
        eventually(lambda: "stands by" in race.said("second"), "the second stands by", 15)
        race.at_once(race.report(*names))
        eventually(lambda: all(map(race.transitions, ids)), "all have opened")

        first.send_signal(signal.SIGSTOP)
        awake = time.monotonic() + least
        race.at_once(ack("@lena", "INC-20"))
        eventually(lambda: len(far.webhook.received) >= 19 and race.all_settled(), "the second climbs on", 14)
        eventually(lambda: time.monotonic() >= awake, "it sleeps on", least + 1, every=0.5)
        before = {name: race.story(name) for name in ids}
        first.send_signal(signal.SIGCONT)
        eventually(lambda: "stands by" in race.said("first"), "the first stands by", 10)

        assert first.poll() is None
        assert {name: race.story(name) for name in ids} == before, "it adds nothing to any story"
    for name in ids[:-1]:
        steps = [line.text for line in race.story(name) if line.transition is Transition.STEP]
        assert steps == ["level 1: chat", "level 2: pager", "level 3: leads"]
    assert race.incidents()["Disk19"].state is State.ACKNOWLEDGED
    assert len(far.slack.messages) == 20
    assert len(paged(far)) == len(set(paged(far))) >= 19
    assert len(far.webhook.received) == 19, "nobody was told twice, and of the one that was taken not at all"


def test_what_flaps_while_it_is_snoozed_wakes_nobody_before_its_end(race_with: RaceWith, far: FarSides) -> None:
    """Ten times over and back: the snooze survives, and ends."""
    # The pager's level lies so far behind Slack's that the snooze comes before it on a machine that stalls, too.
    race = race_with(POLICY.replace("after: 3s", "after: 6s").replace("after: 1s", "after: 4s"))
    with race.router(), race.worker():
        race.at_once(race.report("Disk"))
        eventually(lambda: len(far.slack.messages) == 1 and race.all_settled(), "Slack is told", 15)
        late, soon = now() + timedelta(hours=1), timedelta(seconds=1)
        race.ask(Snoozed(at=now(), actor="@lena", key="snooze", incident="INC-1", until=late))

        for turn in range(10):
            race.at_once(race.report("Disk", over=True))
            eventually(lambda: race.transitions().count(Transition.RESOLVE) == turn + 1, "it is over")  # noqa: B023  asked before the next turn
            race.at_once(race.report("Disk"))
        until = now() + soon
        race.ask(Snoozed(at=now(), actor="@lena", key="snooze shorter", incident="INC-1", until=until))
        race.wait_for(Transition.WAKE)
        eventually(lambda: paged(far), "the ladder climbs again", 20)

    assert race.transitions().count(Transition.REOPEN) == 10
    (woke,) = [line.at for line in race.story() if line.transition is Transition.WAKE]
    told = [row for row in race.deliveries()[1:] if row.delivery.reason is not Reason.RESOLVED]
    assert woke >= until
    assert [row.delivery.destination for row in told if row.delivery.born_at < until and not row.delivery.redraw] == []


def test_one_poisoned_incident_among_a_thousand(race_with: RaceWith) -> None:
    """What can't be decided is parked and says so; all others climb."""
    race = race_with(POLICY.replace("after: 1s", "after: 3s"))
    with race.router() as first:
        race.at_once(race.report(*(f"Disk{number}" for number in range(1000))))
        eventually(lambda: race.client.hlen(race.keys.incidents) == 1000 and race.deliveries("INC-1000"), "all open")
        first.kill()
    poisoned = msgspec.structs.replace(race.incidents()["Disk500"], route="a route that nobody knows")
    race.client.hset(race.keys.incidents, poisoned.id, msgspec.msgpack.encode(poisoned))
    race.client.delete(race.keys.lease)

    with race.router("second"):
        eventually(lambda: _at_level(race, 2) == 999, lambda: f"{_at_level(race, 2)} at level 2", 12)

    (parked,) = [line.text for line in race.story(poisoned.id) if line.reason is Reason.PARKED][:1]
    assert parked.startswith("could not be decided (LookupError: ")
    assert race.incidents()["Disk500"].route == poisoned.route


def _at_level(race: Race, level: int) -> int:
    ladders = [one.ladder for one in race.incidents().values()]
    return sum(ladder is not None and ladder.level >= level for ladder in ladders)

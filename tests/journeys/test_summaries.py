"""Many incidents in one message, carried by real processes: it tells of each, and so does the message of their end."""

from __future__ import annotations

from tests.journeys.farsides import FarSides
from tests.journeys.race import POLICY, RaceWith, ack, paged
from tests.waiting import eventually

DIGEST = POLICY.replace("{notify: channel}, {after: 1s", "{notify: channel, digest: 2s}, {after: 0s")


def test_many_incidents_are_told_in_one_message_and_page_each_by_itself(race_with: RaceWith, far: FarSides) -> None:
    """Three at once: one message in Slack, a page for each, and one message of their end, also of what was taken."""
    race = race_with(DIGEST)
    with race.router(), race.worker():
        race.at_once(race.report("Disk", "Net", "Fan"))
        eventually(lambda: len(paged(far)) == 3 and far.slack.messages, "all are told", 20)
        race.ask(ack("@lena", "INC-2"))
        race.at_once(race.report("Disk", "Net", "Fan", over=True))
        eventually(lambda: race.all_over() and len(far.slack.messages) == 2 and race.all_settled(), "all is over", 20)

    begun, ended = (str(message.body) for message in far.slack.messages)
    assert all(name in begun for name in ("3 incidents", "INC-1", "INC-2", "INC-3", "Disk", "Net", "Fan"))
    assert all(name in ended for name in ("3 incidents", "INC-1", "INC-2", "INC-3", "Disk", "Net", "Fan"))
    assert sorted(paged(far)) == sorted(paged(far, "resolve")) == ["Disk", "Fan", "Net"]

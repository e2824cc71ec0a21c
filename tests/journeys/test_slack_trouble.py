"""Slack on a bad day: nothing else waits for it, and the ledger says what nobody knows."""

from __future__ import annotations

from alertrouter.delivery import LedgerState
from alertrouter.notifiers.slack import FOUND
from tests.journeys.farsides import FarSides
from tests.journeys.race import POLICY, RaceWith, ack, paged
from tests.standins import Received
from tests.waiting import eventually


def test_slack_that_hangs_up_after_it_took_a_message(race_with: RaceWith, far: FarSides) -> None:
    """A bot that may not look posts it again, and the ledger says so; the page waits for none of this."""
    race = race_with(POLICY.replace("after: 1s", "after: 0s"))
    with race.router(), race.worker():
        far.slack.hang_up_after_the_next()
        race.at_once(race.report("Disk"))
        eventually(lambda: paged(far), "the pager is called", 10)
        posted = len(far.slack.messages)
        eventually(lambda: len(far.slack.messages) == 2 and race.all_settled(), "it is posted again", 10)
        race.ask(ack("@lena"))
        eventually(lambda: far.slack.messages[1].updates and race.all_settled(), "the message that it knows changes")

    row = race.deliveries()[0]
    assert posted <= 1
    assert (row.doubtful, row.attempts, row.note) == (True, 2, "an earlier try may have arrived too")
    assert "@lena" in str(far.slack.messages[1].body)
    assert paged(far) == ["Disk"]


def test_slack_that_took_a_message_and_lets_the_bot_look(race_with: RaceWith, far: FarSides) -> None:
    """The message is found, and the one message is kept up to date from then on."""
    far.slack.scopes = frozenset({"channels:history", "channels:read"})
    race = race_with(POLICY.replace("after: 1s", "after: 1h").replace("after: 3s", "after: 3h"))
    with race.router(), race.worker():
        far.slack.hang_up_after_the_next()
        race.at_once(race.report("Disk"))
        eventually(lambda: race.incidents() and race.all_settled(), "the message is found", 10)
        race.ask(ack("@lena"))
        eventually(lambda: "@lena" in str(far.slack.messages[0].body) and race.all_settled(), "it says who has it")

    row = race.deliveries()[0]
    assert len(far.slack.messages) == 1
    assert (row.doubtful, row.attempts, row.note) == (False, 2, FOUND)


def test_slack_that_is_flooded_in_one_channel_holds_up_nothing_else(race_with: RaceWith, far: FarSides) -> None:
    """It says 429 for #ops: the other channel and the pager are told meanwhile, and #ops when its time has come."""
    policy = POLICY.replace("  pager:", '  other: {slack: {channel: "#other"}}\n  pager:')
    race = race_with(policy.replace("{notify: channel}, {after: 1s, notify: oncall}", "{notify: [chat, other, pager]}"))
    with race.router(), race.worker():
        far.slack.flood("#ops", retry_after=2)
        race.at_once(race.report("Disk"))
        eventually(lambda: paged(far) and [one.channel for one in far.slack.messages] == ["C0OTHER"], "they are told")
        far.slack.wait_for(_to_ops)
        held = next(row for row in race.deliveries() if row.delivery.destination == "chat/slack")
        far.slack.flood("")
        eventually(lambda: len(far.slack.messages) == 2 and race.all_settled(), "#ops is told", 10)

    tried = _to_ops(far.slack.received)
    assert held.state in (LedgerState.CLAIMED, LedgerState.RETRY)
    assert len(tried) == 2, "it waited for as long as Slack asked for"


def _to_ops(received: list[Received]) -> list[Received]:
    return [one for one in received if one.json.get("channel") == "#ops"]

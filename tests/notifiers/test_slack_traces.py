"""After a try whose answer never came: Slack is asked whether the message is there, if the bot may read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alertrouter.errors import UnknownOutcome
from alertrouter.incident import Reason
from alertrouter.notice import Notice
from alertrouter.notifiers import Notifier
from alertrouter.notifiers.slack import FOUND
from alertrouter.policy.receiver import SlackOptions
from alertrouter.render.samples import sample_notice
from tests.notifiers.far_sides import made
from tests.standins import Answer, SlackStandIn

ALL = frozenset({"channels:history", "channels:read", "im:write"})
BotFor = Callable[[str], Notifier]


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    """Slack, which lets the bot read."""
    with SlackStandIn() as stand_in:
        stand_in.scopes = ALL
        yield stand_in


@pytest.fixture
def bot_for(slack: SlackStandIn) -> Iterator[BotFor]:
    """Makes a bot that posts to a channel, as a worker that has just started."""
    bots: list[Notifier] = []

    def make(channel: str) -> Notifier:
        environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}
        bots.append(made(SlackOptions(channel=channel), environ))
        return bots[-1]

    yield make
    for bot in bots:
        bot.close()


def notice() -> Notice:
    """A first notice of an incident."""
    return replace(sample_notice(), opened_at=datetime.now(UTC), at=datetime.now(UTC))


def again(tried: Notice) -> Notice:
    """The same one at the next try, when nobody knows what became of the first."""
    return replace(tried, doubtful_since=tried.at)


def lose_the_answer(slack: SlackStandIn, bot: Notifier, told: Notice) -> None:
    """Send it; Slack takes it and hangs up."""
    slack.hang_up_after_the_next()
    with pytest.raises(UnknownOutcome):
        bot.send(told)


@pytest.mark.parametrize("channel", ["#ai", "ai", "C0AIMODELS", "U024BE7LH"])
def test_a_message_that_had_arrived_is_found_and_not_posted_again(
    slack: SlackStandIn, bot_for: BotFor, channel: str
) -> None:
    """By a worker that never posted there before, however the channel is named; the message is brought up to date."""
    told = notice()
    lose_the_answer(slack, bot_for(channel), told)

    sent = bot_for(channel).send(again(told))

    (message,) = slack.messages
    assert (sent.reference, sent.note, sent.proven) == (f"{message.channel}:{message.ts}", FOUND, True)
    assert message.updates == 1


def test_one_that_had_not_arrived_is_posted(slack: SlackStandIn, bot_for: BotFor) -> None:
    """Other messages of the channel, even of the same number before the store was wiped, are not taken for it."""
    bot, told = bot_for("#ai"), notice()
    bot.send(replace(told, delivery="INC-7.1", incident="INC-7"))
    bot.send(replace(told, opened_at=told.opened_at - timedelta(days=1)))

    sent = bot.send(again(told))

    assert len(slack.messages) == 3
    assert not sent.proven


def test_it_is_found_behind_many_others(slack: SlackStandIn, bot_for: BotFor) -> None:
    """Slack shows a page at a time, the newest first."""
    slack.page = 2
    bot, told = bot_for("#ai"), notice()
    lose_the_answer(slack, bot, told)
    for number in range(5):
        bot.send(replace(told, delivery=f"INC-{number}.2"))

    sent = bot.send(again(told))

    assert sent.proven
    assert len(slack.messages) == 6


@pytest.mark.parametrize("scopes", [frozenset[str](), ALL - {"channels:history"}, ALL - {"channels:read"}])
def test_a_bot_that_may_not_read_posts_again(slack: SlackStandIn, bot_for: BotFor, scopes: frozenset[str]) -> None:
    """Twice is better than never."""
    slack.scopes = scopes
    told = notice()
    lose_the_answer(slack, bot_for("#ai"), told)

    sent = bot_for("#ai").send(again(told))

    assert len(slack.messages) == 2
    assert not sent.proven


@pytest.mark.parametrize(
    "broken",
    [
        Answer(503),
        Answer(200, b"no JSON"),
        Answer(200, b'{"ok": true, "ts": "\xff", "messages": [{"ts": "\xff"}]}'),
        Answer(drop=True),
    ],
)
def test_a_look_that_fails_holds_nothing_up(slack: SlackStandIn, bot_for: BotFor, broken: Answer) -> None:
    """The message is posted all the same."""
    bot, told = bot_for("C0AIMODELS"), notice()
    slack.answer_next(broken)

    sent = bot.send(again(told))

    assert len(slack.messages) == 1
    assert not sent.proven


def test_the_thread_is_told_once(slack: SlackStandIn, bot_for: BotFor) -> None:
    """An update may be sent twice; its line in the thread is looked for."""
    bot, told = bot_for("#ai"), notice()
    first = bot.send(told)
    raised = replace(told, delivery="INC-1.2", reason=Reason.RAISED, reference=first.reference, sequence=2)
    lose_the_answer(slack, bot, raised)

    sent = bot.send(again(raised))

    (message,) = slack.messages
    assert len(slack.thread(message.ts)) == 1
    assert (sent.reference, sent.proven) == (first.reference, True)


def test_a_line_that_had_not_arrived_is_told(slack: SlackStandIn, bot_for: BotFor) -> None:
    """The message that it hangs on has the mark of the same delivery, and is not taken for it."""
    bot, told = bot_for("#ai"), notice()
    first = bot.send(told)
    raised = replace(told, delivery="INC-1.2", reason=Reason.RAISED, reference=first.reference, sequence=2)

    bot.send(again(raised))

    (message,) = slack.messages
    assert len(slack.thread(message.ts)) == 1


def test_an_update_without_a_line_is_sent_again_without_a_look(slack: SlackStandIn, bot_for: BotFor) -> None:
    """It changes nothing twice."""
    bot, told = bot_for("#ai"), notice()
    first = bot.send(told)
    slack.scopes = frozenset()

    sent = bot.send(again(replace(told, delivery="INC-1.2", reason=Reason.JOINED, reference=first.reference)))

    assert (sent.reference, sent.proven) == (first.reference, True)

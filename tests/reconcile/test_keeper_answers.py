"""A router beside Alertmanagers whose answers fail, or are not to be trusted: they end nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import redis

from alertrouter.incident import State
from alertrouter.store.connection import connect
from tests.reconcile.asking import POLICY, Asking, SettingsFor, asked, fires_everywhere
from tests.reconcile.upstream import Alertmanager
from tests.servers import RedisServer
from tests.standins import Answer


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(401),
        Answer(302, headers={"Location": "http://127.0.0.1:1/api/v2/alerts"}),
        Answer(drop=True),
        Answer(200, b'[{"labels"'),
        Answer(200, b"[]", {"Content-Length": "20"}),
        Answer(200, b"null"),
        Answer(200, b"<html>signed out</html>"),
        Answer(200, b"[]", {"Content-Encoding": "gzip"}),
    ],
    ids=["500", "401", "redirect", "hangs up", "half", "cut off", "null", "a page", "packed"],
)
def test_a_replica_that_does_not_answer_whole_ends_nothing_and_begins_what_others_list(
    asking: Asking, pair: list[Alertmanager], answer: Answer
) -> None:
    """What is missing proves nothing then; what the other one lists fires, whatever this one says."""
    fires_everywhere(asking, pair, "Old")
    pair[0].lists("New")
    pair[1].answer_always(answer)

    asking.polls(12)

    assert asking.states() == {"Old": State.TRIGGERED, "New": State.TRIGGERED}
    assert asking.outcomes() == {"agreed": 1, "doubtful": 12}


def test_alertmanagers_that_do_not_answer_at_all_change_nothing(asking: Asking, pair: list[Alertmanager]) -> None:
    """Given all of them down, when they are back with the same alerts, nobody was told anything."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.answer_always(Answer(drop=True))
    asking.polls(12)
    for one in pair:
        one.answer_always(None)
    asking.polls(3)

    assert asking.states() == {"Old": State.TRIGGERED}
    assert asking.outcomes() == {"agreed": 4, "failed": 12}


def test_one_poll_that_fails_begins_the_counting_anew(asking: Asking, pair: list[Alertmanager]) -> None:
    """Given two polls that agree, when the next finds nobody, then it takes three more."""
    fires_everywhere(asking, pair, "Old", "Stays")
    for one in pair:
        one.lists("Stays")
    asking.polls(2)
    for one in pair:
        one.answer_always(Answer(503))
    asking.polls()
    for one in pair:
        one.answer_always(None)
    asking.polls(2)
    two_again = asking.states()
    asking.polls(2)

    assert two_again == {"Old": State.TRIGGERED, "Stays": State.TRIGGERED}
    assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


def test_a_poll_that_redis_does_not_answer_begins_the_counting_anew(
    settings_for: SettingsFor, own_redis: RedisServer, pair: list[Alertmanager]
) -> None:
    """Given two polls that agree, when Redis is away during the next, then it takes three more."""
    environ = {**asked(",".join(one.url for one in pair)), "ALERTROUTER_REDIS_URL": own_redis.url}
    with connect(own_redis.url, patience=10) as client:
        asking = Asking(settings_for(POLICY, environ), client)
        fires_everywhere(asking, pair, "Old", "Stays")
        for one in pair:
            one.lists("Stays")
        asking.polls(2)
        own_redis.kill()
        asking.reconciler.poll()
        own_redis.start()
        asking.polls(2)
        two_again = asking.states()
        asking.polls(2)

        assert two_again == {"Old": State.TRIGGERED, "Stays": State.TRIGGERED}
        assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


def test_a_redirect_is_not_followed(settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]) -> None:
    """Given one that points to another, which would answer well, then that one is told no credentials."""
    asking = Asking(settings_for(POLICY, asked(pair[0].url, TOKEN="hidden")), client)
    pair[0].answer_always(Answer(307, headers={"Location": f"{pair[1].url}/api/v2/status"}))

    asking.polls()

    assert asking.outcomes() == {"failed": 1}
    assert pair[1].received == []


def test_an_alertmanager_that_has_just_started_ends_nothing(asking: Asking, pair: list[Alertmanager]) -> None:
    """It lists nothing until Prometheus sends again; when it has settled and still lists nothing, that counts."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.lists()
    pair[1].up_for = timedelta(seconds=200)

    asking.polls(12)
    young = asking.states()
    pair[1].up_for = timedelta(seconds=400)
    asking.polls(11)

    assert young == {"Old": State.TRIGGERED}
    assert asking.states() == {"Old": State.RESOLVED}


def test_a_cluster_that_settles_ends_nothing(asking: Asking, pair: list[Alertmanager]) -> None:
    """Its members don't know yet what the others know."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.lists()
    pair[0].cluster = "settling"

    asking.polls(12)

    assert asking.states() == {"Old": State.TRIGGERED}


@pytest.mark.parametrize(
    ("settings", "secret", "expected"),
    [
        ({"TOKEN": "hidden-token"}, "", "Bearer hidden-token"),
        ({"TOKEN_FILE": "{file}"}, "hidden-token\n", "Bearer hidden-token"),
        ({"USERNAME": "u", "PASSWORD": "hidden"}, "", "Basic dTpoaWRkZW4="),
        ({"USERNAME": "u", "PASSWORD_FILE": "{file}"}, "hidden", "Basic dTpoaWRkZW4="),
    ],
)
def test_credentials_are_shown_to_alertmanager(
    settings_for: SettingsFor,
    client: redis.Redis,
    pair: list[Alertmanager],
    tmp_path: Path,
    settings: dict[str, str],
    secret: str,
    expected: str,
) -> None:
    """By token or by password, out of the settings or out of a file."""
    file = tmp_path / "secret"
    file.write_text(secret, encoding="utf-8")
    named = {name: value.replace("{file}", str(file)) for name, value in settings.items()}
    asking = Asking(settings_for(POLICY, asked(pair[0].url, **named)), client)

    asking.polls()

    assert {request.headers["authorization"] for request in pair[0].received} == {expected}


def test_a_secret_that_can_not_be_read_is_a_failed_poll(
    settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager], caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the file."""
    asking = Asking(settings_for(POLICY, asked(pair[0].url, TOKEN_FILE="/not/there")), client)

    asking.polls()

    assert asking.outcomes() == {"failed": 1}
    assert pair[0].received == []

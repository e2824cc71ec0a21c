"""A router beside Alertmanagers that it asks: what heals, and what never does, whatever they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest
import redis

from alertrouter.alert import AlertReport
from alertrouter.events import AlertsReceived, encode
from alertrouter.incident import Reason, State
from alertrouter.reconcile.keeper import Reconciler
from alertrouter.settings import Settings
from alertrouter.store.connection import connect
from alertrouter.transition import TimelineLine
from tests.reconcile.upstream import Alertmanager, alert, alertmanagers
from tests.routing import Routing
from tests.servers import RedisServer
from tests.standins import Answer
from tests.times import START

SettingsFor = Callable[..., Settings]
POLICY = """
receivers: {ai: {inbox: {}}}
reopen_within: 1h
route: {receiver: ai, group_by: [alertname], group_wait: 10s, group_interval: 1m}
"""


class Asking(Routing):
    """A router, turned by hand, and what asks Alertmanagers once a minute beside it; `told` counts its events."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        super().__init__(settings, client)
        self.reconciler = Reconciler(settings, self.clock)
        self.told = 0

    def polls(self, count: int = 1) -> None:
        """Let so many minutes go by."""
        for _ in range(count):
            self.clock.now += timedelta(minutes=1)
            waiting = self._waiting()
            self.reconciler.poll()
            self.told += self._waiting() - waiting
            self.turn()

    def webhook(self, *names: str) -> None:
        """Alertmanager tells that alerts fire."""
        reports = tuple(AlertReport.of({"alertname": name}, starts_at=START) for name in names)
        now = self.clock.now
        self.journal.append(encode(AlertsReceived(at=now, actor="alertmanager", key=f"{names}{now}", alerts=reports)))
        self.turn()

    def turn(self) -> None:
        """Let the router read all that waits: it is never early, and so waits for nothing."""
        for _ in range(3):
            self.clock.now += timedelta(seconds=1)
            self.active.turn()

    def states(self) -> dict[str, str]:
        """The alert names of the incidents, and how each stands."""
        return {one.group_labels["alertname"]: one.state.value for one in self.incidents().values()}

    def stale(self) -> list[str]:
        """The alert names of the incidents of which their source is said to have told nothing any more."""
        return [one.group_labels["alertname"] for one in self.incidents().values() if one.unheard_since is not None]

    def notes(self, incident: str) -> list[str]:
        """What its story says of reconciling."""
        packed = cast(list[bytes], self.client.lrange(self.keys.timeline(incident), 0, -1))
        lines = [msgspec.msgpack.decode(line, type=TimelineLine) for line in packed]
        return [line.text for line in lines if line.reason is Reason.RECONCILED]

    def outcomes(self) -> dict[str, int]:
        """How the polls ended."""
        counters = cast(dict[bytes, bytes], self.client.hgetall(self.keys.counters))
        named = {name.decode(): int(value) for name, value in counters.items()}
        prefix = "reconcile_polls:"
        return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}

    def _waiting(self) -> int:
        return self.client.xlen(self.keys.journal)


@pytest.fixture
def pair() -> Iterator[list[Alertmanager]]:
    """Two Alertmanagers."""
    with alertmanagers(2) as running:
        yield running


@pytest.fixture
def asking(settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]) -> Asking:
    """A router that asks both, as replicas of one cluster."""
    return Asking(settings_for(POLICY, asked(",".join(one.url for one in pair))), client)


def asked(urls: str, **more: str) -> dict[str, str]:
    """The settings to ask these."""
    named = {f"ALERTROUTER_RECONCILE_{name}": value for name, value in more.items()}
    return {"ALERTROUTER_RECONCILE_URLS": urls, "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter", **named}


def fires_everywhere(asking: Asking, pair: list[Alertmanager], *names: str) -> None:
    """Both list these alerts, and their webhook came."""
    for one in pair:
        one.lists(*names)
    asking.webhook(*names)
    asking.polls()


def test_a_lost_webhook_heals_in_each_direction(asking: Asking, pair: list[Alertmanager]) -> None:
    """Given one alert whose end nobody told and one whose beginning nobody told, when polls agree, both are known."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.lists("New")

    asking.polls(2)
    before = asking.states()
    asking.polls(4)

    assert before == {"Old": State.TRIGGERED}
    assert asking.states() == {"Old": State.RESOLVED, "New": State.TRIGGERED}
    assert asking.outcomes() == {"agreed": 7}


def test_what_only_one_replica_lists_fires_still(asking: Asking, pair: list[Alertmanager]) -> None:
    """The union of the replicas counts."""
    fires_everywhere(asking, pair, "Old")
    pair[0].lists()

    asking.polls(12)

    assert asking.states() == {"Old": State.TRIGGERED}


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


def test_what_is_silenced_there_is_neither_over_nor_opened(asking: Asking, pair: list[Alertmanager]) -> None:
    """Its end, when that comes, is found."""
    fires_everywhere(asking, pair, "Old", "Stays")
    for one in pair:
        one.listed = [alert("Stays"), alert("Old", state="suppressed"), alert("New", state="suppressed")]
    asking.polls(12)
    silenced = asking.states()
    for one in pair:
        one.lists("Stays")
    asking.polls(5)

    assert silenced == {"Old": State.TRIGGERED, "Stays": State.TRIGGERED}
    assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


def test_what_is_silenced_there_is_shown_with_who_and_why(asking: Asking, pair: list[Alertmanager]) -> None:
    """Given a silence there, when it is seen, the incident says so, once, and when it is over, that too."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.lists("Old", state="suppressed")
    asking.polls(3)
    (silenced,) = asking.incidents().values()
    for one in pair:
        one.lists("Old")
    asking.polls(2)
    (fires,) = asking.incidents().values()

    where = f"in Alertmanager ({pair[0].name})"
    why = f"1 alert silenced by sam until 2026-03-02 10:00 UTC (new disk), {where}: that silences nobody here"
    assert (silenced.remarks, fires.remarks) == ((why,), ())
    assert silenced.silenced == silenced.muted == ""
    assert asking.notes(silenced.id) == [why, f"1 alert no longer held back {where}"]


def test_what_is_listed_there_is_not_stale_and_that_is_not_told_at_each_poll(
    settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]
) -> None:
    """Given webhooks that come no more, then what is listed is not stale until Alertmanager doesn't answer either."""
    policy = POLICY.replace("group_interval: 1m", "group_interval: 1m, repeat_interval: 10m")
    asking = Asking(settings_for(policy, asked(",".join(one.url for one in pair))), client)
    fires_everywhere(asking, pair, "Listed")

    asking.polls(40)
    spoken_of = asking.stale(), asking.told
    for one in pair:
        one.answer_always(Answer(500))
    asking.polls(30)

    assert spoken_of == ([], 8)
    assert asking.stale() == ["Listed"]
    assert asking.states() == {"Listed": State.TRIGGERED}


def test_what_goes_elsewhere_there_or_is_muted_there_is_not_opened(asking: Asking, pair: list[Alertmanager]) -> None:
    """Alertmanager would not have told us either."""
    for one in pair:
        one.listed = [alert("Theirs", receiver="other", team="other"), alert("Muted", team="nights")]

    asking.polls(12)

    assert asking.states() == {}


def test_a_receiver_that_is_named_otherwise_there_is_said(asking: Asking, pair: list[Alertmanager]) -> None:
    """Nothing is opened, nothing is over, and the polls are not called a success."""
    fires_everywhere(asking, pair, "Old")
    for one in pair:
        one.config = one.config.replace("alertrouter", "renamed")
        one.lists("Old", "New", receiver="renamed")

    asking.polls(12)

    assert asking.states() == {"Old": State.TRIGGERED}
    assert asking.outcomes() == {"agreed": 1, "doubtful": 12}


def test_a_router_that_takes_over_knows_whose_alerts_are_whose(asking: Asking, pair: list[Alertmanager]) -> None:
    """Given an end that was lost while no router ran, when the next one asks, then it is found."""
    fires_everywhere(asking, pair, "Old", "Stays")
    for one in pair:
        one.lists("Stays")

    asking.reconciler = Reconciler(asking.settings, asking.clock)
    asking.polls(5)

    assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


def test_two_clusters_that_list_the_same_must_both_miss_it(
    settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]
) -> None:
    """Given one cluster that lists it no more, when the other does, or doesn't answer, then it fires still."""
    asking = Asking(settings_for(POLICY, asked(";".join(one.url for one in pair))), client)
    fires_everywhere(asking, pair, "Old", "Stays")
    pair[0].lists("Stays")
    asking.polls(5)
    listed = asking.states()
    pair[1].answer_always(Answer(503))
    asking.polls(5)
    unknown = asking.states()
    pair[1].answer_always(None)
    pair[1].lists("Stays")
    asking.polls(5)

    assert listed == unknown == {"Old": State.TRIGGERED, "Stays": State.TRIGGERED}
    assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


def test_a_cluster_of_which_one_is_silent_may_still_list_it(
    settings_for: SettingsFor, client: redis.Redis, pair: list[Alertmanager]
) -> None:
    """Given an alert of two clusters, when one misses it and half of the other doesn't answer, then it fires still."""
    with alertmanagers(1) as (third,):
        asking = Asking(settings_for(POLICY, asked(f"{pair[0].url};{pair[1].url},{third.url}")), client)
        third.lists("Old", "Stays")
        fires_everywhere(asking, pair, "Old", "Stays")
        for one in pair:
            one.lists("Stays")
        third.answer_always(Answer(drop=True))
        asking.polls(9)
        silent = asking.states()
        third.answer_always(None)
        third.lists("Stays")
        asking.polls(6)

        assert silent == {"Old": State.TRIGGERED, "Stays": State.TRIGGERED}
        assert asking.states() == {"Old": State.RESOLVED, "Stays": State.TRIGGERED}


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

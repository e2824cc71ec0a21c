"""A router beside Alertmanagers that it asks: what heals, and what never does, whatever they answer."""

from __future__ import annotations

import redis

from alertrouter.incident import State
from alertrouter.reconcile.keeper import Reconciler
from tests.reconcile.asking import POLICY, Asking, SettingsFor, asked, fires_everywhere
from tests.reconcile.upstream import Alertmanager, alert, alertmanagers
from tests.standins import Answer


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

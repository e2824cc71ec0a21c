"""`maintenance:` as people write it: what is taken, what is refused and where, and what test-route makes of it."""

from __future__ import annotations

import pytest

from alertrouter.errors import PolicyError
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.simulate.routing import moment, route_alert

TEXT = """
receivers: {chat: {}}
route: {receiver: chat}
time_intervals:
  night: [{times: [{start_time: "02:00", end_time: "05:00"}]}]
maintenance:
"""


def policy(*windows: str) -> Policy:
    """A policy with these windows."""
    return load({"policy.yml": TEXT + "".join(f"  - {window}\n" for window in windows)})


def test_a_window_has_a_name_of_its_own_even_when_nobody_gave_it_one() -> None:
    """By its place."""
    found = policy("{matchers: 'a=b', during: night}", "{name: mine, matchers: ['a=~b|c', d!=e], during: [night]}")

    assert [one.name for one in found.maintenance] == ["window 1", "mine"]
    assert [str(one) for one in found.maintenance[1].matchers] == ['a=~"b|c"', 'd!="e"']


@pytest.mark.parametrize(
    ("window", "key", "words"),
    [
        ("{during: night}", "maintenance[0]", "found no `matchers`"),
        ("{matchers: a=b}", "maintenance[0]", "found no `during`"),
        ("{matchers: [], during: night}", "maintenance[0].matchers", "found no matcher"),
        ("{matchers: a=b, during: noon}", "maintenance[0].during", "unknown time interval `noon`"),
        ("{matchers: 'a=~.*', during: night}", "maintenance[0].matchers", "an alert without labels meets"),
        ("{matchers: a=b, during: night, why: x}", "maintenance[0].why", "unknown key `why`"),
        ("{name: x, matchers: a=b, during: night}\n  - {name: x, matchers: a=b, during: night}", "", "second window"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(window: str, key: str, words: str) -> None:
    """With the line and the key."""
    with pytest.raises(PolicyError) as refused:
        policy(window)

    (problem,) = refused.value.problems
    assert words in problem.message
    assert problem.line >= 7
    assert key in problem.key


def test_test_route_names_the_window_that_holds_an_alert_back() -> None:
    """At a time within it, and only what it is about."""
    found = policy("{name: backup, matchers: 'disk!=\"\"', during: night}")
    at = moment("2026-03-02 03:00", found.timezone)

    assert route_alert(found, {"disk": "a"}, now=at).suppressed_by == ("in maintenance backup",)
    assert route_alert(found, {"cpu": "a"}, now=at).suppressed_by == ()
    assert route_alert(found, {"disk": "a"}, now=moment("2026-03-02 05:00", found.timezone)).suppressed_by == ()

"""The route tree: the walk, what children inherit, and the names of routes and groups."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.alert import Labels
from alertrouter.policy.load import load
from alertrouter.policy.route import Route

RECEIVERS = "receivers: {one: {}, two: {}, three: {}}\n"
TEAMS = """\
teams: {ai: {channel: one, oncall: two}, infra: {channel: three, oncall: two}}
escalation_policies:
  note: {levels: [{notify: channel}]}
  page: {levels: [{notify: [channel, oncall]}]}
  plain: {levels: [{notify: three}]}
"""


def tree(route: str) -> Route:
    """Read a route tree in flow style."""
    return load({"a.yml": f"{RECEIVERS}{TEAMS}route: {route}"}).root


def receivers(root: Route, labels: Labels) -> list[str | None]:
    """Who gets an alert with these labels."""
    return [match.route.options.receiver for match in root.find(labels)]


def test_the_first_child_that_matches_ends_the_walk_unless_it_continues() -> None:
    """A node answers itself when none of its children does."""
    root = tree("{receiver: one, routes: [{matchers: [a=x], receiver: two, continue: true}, {matchers: ['a=~\"x|y\"'], receiver: three}, {matchers: [a=y], receiver: one}]}")  # fmt: skip # noqa: E501 -- one tree, one line

    assert receivers(root, {"a": "x"}) == ["two", "three"]
    assert receivers(root, {"a": "y"}) == ["three"]
    assert receivers(root, {"a": "z"}) == ["one"]


def test_a_child_inherits_all_but_matchers_continue_and_intervals() -> None:
    """And what it sets itself counts for it and its own children."""
    root = load({"a.yml": f"""{RECEIVERS}
time_intervals: {{nights: [{{}}]}}
route:
  receiver: one
  group_by: [alertname]
  group_wait: 10s
  labels: {{owner: us}}
  routes:
    - matchers: [a=x]
      continue: true
      mute_time_intervals: [nights]
      active_time_intervals: [nights]
      group_interval: 1m
      labels: {{site: here}}
      routes:
        - {{matchers: [b=x], group_by: []}}
        - {{matchers: [b=y], group_by: ['...']}}
"""}).root  # fmt: skip

    first, second = root.routes[0].routes

    assert first.options.receiver == "one"
    assert first.options.group_wait == timedelta(seconds=10)
    assert first.options.group_interval == timedelta(minutes=1)
    assert first.options.labels == {"owner": "us", "site": "here"}
    assert (first.options.group_by, second.options.group_by) == ((), None)
    assert not first.continues
    assert first.options.mute_time_intervals == first.options.active_time_intervals == ()


def test_a_receiver_takes_the_place_of_a_team_and_ends_its_escalation() -> None:
    """A team in a child takes the place of a receiver, and of another team."""
    root = tree("{team: ai, escalate: {info: note, critical: page}, routes: [{matchers: [a=x], receiver: three, routes: [{matchers: [b=x], team: infra}]}, {matchers: [a=y], team: infra, escalate: {info: page}}, {matchers: [a=z], receiver: one, escalate: {critical: plain}}]}")  # fmt: skip # noqa: E501 -- one tree, one line

    plain, other_team, own = root.routes

    assert (plain.options.receiver, plain.options.team, plain.options.escalate) == ("three", None, {})
    assert (plain.routes[0].options.receiver, plain.routes[0].options.team) == (None, "infra")
    assert other_team.options.escalate == {"info": "page", "critical": "page"}
    assert own.options.escalate == {"critical": "plain"}


def test_routes_with_equal_keys_have_ids_of_their_own() -> None:
    """Also below them; each id leads back to its route."""
    child = "{matchers: [a=x], continue: true, routes: [{matchers: [b=x]}]}"
    root = tree(f"{{receiver: one, routes: [{child}, {child}, {{matchers: ['c=~\"d|e\"', b!=z]}}]}}")

    assert [route.id for route in root.all()] == [
        "{}",
        '{}/{a="x"}',
        '{}/{a="x"}/{b="x"}',
        '{}/{a="x"}#2',
        '{}/{a="x"}/{b="x"}#2',
        '{}/{b!="z",c=~"d|e"}',
    ]
    assert all(root.by_id(route.id) is route for route in root.all())
    assert root.by_id("{}/{gone}") is None


@pytest.mark.parametrize(
    ("group_by", "key"),
    [
        ("[]", "{}:{}"),
        ("[gone, host name, a]", r'{}:{a="x \"y\"", host name="web\n1"}'),
        ("['...']", r'{}:{a="x \"y\"", b="2", host name="web\n1"}'),
    ],
)
def test_a_group_is_named_by_the_labels_that_the_alert_has(group_by: str, key: str) -> None:
    """As Alertmanager writes them: sorted, quoted; a label that is empty or missing is left out."""
    root = tree(f"{{receiver: one, group_by: {group_by}}}")

    (match,) = root.find({"host name": "web\n1", "b": "2", "a": 'x "y"', "empty": ""})

    assert match.group_key == key


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])))
def test_every_alert_takes_a_route(labels: Labels) -> None:
    """No label set falls through; each route that it takes matches it, from the root down."""
    root = tree("{receiver: one, routes: [{matchers: [a=x], continue: true, routes: [{matchers: [b=y], receiver: two}]}, {matchers: [c!=x, b=x], receiver: three}]}")  # fmt: skip # noqa: E501 -- one tree, one line

    matches = root.find(labels)

    assert matches
    for match in matches:
        path = [route for route in root.all() if match.route in route.all()]
        assert all(matcher.matches(labels) for route in path for matcher in route.matchers)

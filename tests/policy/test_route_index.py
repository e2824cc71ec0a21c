"""The index gives what the walk gives, node by node, for any tree and any labels."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.matcher_index import MatcherIndex
from alertrouter.policy.route import Route, RouteOptions
from alertrouter.policy.route_index import FEW, RouteIndex

NAMES = some.sampled_from(["a", "b", "c"])
TEXTS = some.sampled_from(["", "x", "y", "xy", "ä", "x\ny"])
MATCHERS = some.builds(Matcher, NAMES, some.sampled_from([Op.EQUAL, Op.EQUAL, Op.NOT_EQUAL]), TEXTS) | some.builds(
    Matcher,
    NAMES,
    some.sampled_from([Op.REGEX, Op.NOT_REGEX]),
    some.sampled_from(["", "x", "x|y", "x.*", ".+", "(?s).*", "ä?"]),
)
LABELS = some.dictionaries(NAMES, TEXTS)


def route(
    number: int, matchers: list[Matcher], continues: bool, routes: list[Route], group_by: list[str] | None
) -> Route:
    """A node; `number` makes its id its own."""
    return Route(
        id=f"r{number}",
        key=f"k{number}",
        matchers=tuple(matchers),
        continues=continues,
        options=RouteOptions(
            receiver="one",
            team=None,
            group_by=None if group_by is None else tuple(group_by),
            group_wait=timedelta(),
            group_interval=timedelta(minutes=5),
            repeat_interval=timedelta(hours=4),
            escalate={},
        ),
        routes=tuple(routes),
        file="a.yml",
        line=number,
    )


@some.composite
def trees(draw: some.DrawFn, depth: int = 2) -> Route:
    """A tree whose nodes have none, few or many children."""
    number = draw(some.integers(0, 2**63))
    most = 3 * FEW if depth == 2 else 3
    routes = draw(some.lists(trees(depth - 1), max_size=most)) if depth else []
    matchers = draw(some.lists(MATCHERS, max_size=2 if depth < 2 else 0))
    return route(number, matchers, draw(some.booleans()), routes, draw(some.none() | some.lists(NAMES, unique=True)))


def renamed(root: Route) -> Route:
    """Give each node an id of its own, as a policy's nodes have."""
    numbers = iter(range(10**6))

    def copy(node: Route) -> Route:
        group_by = node.options.group_by
        below = [copy(child) for child in node.routes]
        return route(
            next(numbers), list(node.matchers), node.continues, below, None if group_by is None else list(group_by)
        )

    return copy(root)


@settings(max_examples=50)
@given(trees(), some.lists(LABELS, min_size=1, max_size=12))
def test_an_indexed_tree_gives_what_the_walk_gives(tree: Route, alerts: list[dict[str, str]]) -> None:
    """The same routes in the same order with the same groups, whichever alerts were asked for before."""
    root = renamed(tree)
    index = RouteIndex(root)

    for labels in alerts:
        assert index.find(labels) == root.find(labels)


@given(some.lists(some.lists(MATCHERS, max_size=3), max_size=30), LABELS)
def test_no_list_of_matchers_that_is_met_is_missed(lists: list[list[Matcher]], labels: dict[str, str]) -> None:
    """What the index names is in order; what it doesn't name is not met."""
    candidates = MatcherIndex(lists).of(labels)

    met = [number for number, matchers in enumerate(lists) if all(one.matches(labels) for one in matchers)]
    assert set(met) <= set(candidates)
    assert candidates == sorted(set(candidates))


def test_regexes_that_re2_can_not_try_at_once_are_tried_one_by_one() -> None:
    """What is too large for RE2 as a whole must not look as if nothing fits."""
    greedy = [f"[a-z0-9]{{1,500}}x{number}[a-z0-9]{{1,500}}" for number in range(60)]
    lists = [[Matcher("a", Op.REGEX, pattern)] for pattern in greedy]
    labels = {"a": "q" * 300 + "x7" + "q" * 300}

    candidates = MatcherIndex(lists).of(labels)

    assert 7 in candidates

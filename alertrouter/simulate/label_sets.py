"""Label sets that try a route tree: made of what its matchers speak of, so that most of them take some branch. Pure.

Chance comes from outside (`choose`), so that the same seed gives the same label sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from alertrouter.alert import Labels
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.matcher_examples import STRANGE, examples
from alertrouter.policy.route import Route

Choose: TypeAlias = Callable[[int], int]
"""Gives a number below the one that it is asked for, 0 or more."""

_NEAR_TO: Final = 6
"""Of how many values of a label also nearly equal ones are tried."""


def label_sets(roots: Iterable[Route], choose: Choose) -> Iterator[Labels]:
    """Give label sets without end: each leads down to a node of one of the trees, give or take a label."""
    trees = tuple(roots)
    words = vocabulary(matcher for root in trees for route in root.all() for matcher in route.matchers)
    names = sorted(words) or ["alertname"]
    paths = [path for root in trees for path in _paths(root, ())]
    while True:
        labels = {name: _pick(words.get(name, ()), choose) for name in names if choose(3) == 0}
        for route in paths[choose(len(paths))]:
            for matcher in route.matchers:
                if choose(8):
                    labels[matcher.name] = _fitting(matcher, words.get(matcher.name, ()), choose)
        if "alertname" not in labels or choose(4):
            labels.setdefault("alertname", f"Alert{choose(3)}")
        yield {name: value for name, value in labels.items() if value}


def vocabulary(matchers: Iterable[Matcher]) -> Mapping[str, tuple[str, ...]]:
    """For each label that is matched on, values that matter: those named, some that its regexes fit, and another."""
    words: dict[str, dict[str, None]] = {}
    for matcher in matchers:
        known = words.setdefault(matcher.name, {})
        found = (matcher.value,) if matcher.op in (Op.EQUAL, Op.NOT_EQUAL) else examples(matcher.value)
        known.update(dict.fromkeys(found))
    return {name: (*known, *_near(known), STRANGE) for name, known in words.items()}


def _near(values: Iterable[str]) -> tuple[str, ...]:
    """Values that are nearly one of these: a matcher that isn't anchored, or heeds no case, would take them."""
    known = [value for value in values if value][:_NEAR_TO]
    near = (each for value in known for each in (f"{value}x", f"x{value}", value.upper(), value[:-1]))
    return tuple(each for each in dict.fromkeys(near) if each)


def _paths(route: Route, above: tuple[Route, ...]) -> Iterator[tuple[Route, ...]]:
    path = (*above, route)
    yield path
    for child in route.routes:
        yield from _paths(child, path)


def _pick(values: tuple[str, ...], choose: Choose) -> str:
    return values[choose(len(values))] if values else STRANGE


def _fitting(matcher: Matcher, values: tuple[str, ...], choose: Choose) -> str:
    """A value that the matcher takes, when there is one among those that matter."""
    fitting = [value for value in (*values, "") if matcher.matches({matcher.name: value})]
    return fitting[choose(len(fitting))] if fitting else STRANGE

"""Label sets that try a route tree: made of what its matchers speak of, so that most of them take some branch. Pure.

Chance comes from outside (`choose`), so that the same seed gives the same label sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from alertrouter.alert import Labels
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.route import Route

Choose: TypeAlias = Callable[[int], int]
"""Gives a number below the one that it is asked for, 0 or more."""

STRANGE: Final = "something-else"
"""A value that no matcher names."""

_MOST_VALUES: Final = 12
_REPEATED: Final = re.compile(r"(?:\\.|\[[^\]]*\]|\.)(?:[*+?]|\{\d+(?:,\d*)?\})?")
_CLASSES: Final = {"d": "7", "w": "w", "s": " ", "D": "x", "W": "-", "S": "x", "b": "", "B": ""}


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
    return {name: (*known, STRANGE) for name, known in words.items()}


def examples(pattern: str) -> tuple[str, ...]:
    """Texts that a regex may fit: its alternatives, with something short for what is left open. Some won't fit."""
    inner = pattern.removeprefix("^(?:").removesuffix(")$") if pattern.startswith("^(?:") else pattern
    found = dict.fromkeys(text for part in _alternatives(inner) for text in _filled(part))
    return tuple(found)[:_MOST_VALUES]


def _alternatives(pattern: str) -> list[str]:
    """Split at the top; a single group around the whole, or within it, is opened."""
    parts, depth, escaped, start = [], 0, False, 0
    for place, sign in enumerate(pattern):
        if escaped:
            escaped = False
            continue
        escaped = sign == "\\"
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            parts.append(pattern[start:place])
            start = place + 1
    parts.append(pattern[start:])
    opened: list[str] = []
    for part in parts:
        group = re.search(r"\((?:\?:)?([^()]*)\)", part)
        if group and "|" in group[1]:
            opened += [part[: group.start()] + each + part[group.end() :] for each in group[1].split("|")]
        else:
            opened.append(part)
    return opened[:_MOST_VALUES]


def _filled(part: str) -> tuple[str, str]:
    """The text with what is open filled in: once with a letter, once with nothing where that may be."""
    plain = re.sub(r"\(\?[a-zA-Z]+\)|[()^$]", "", part)
    return _REPEATED.sub(lambda found: _one(found[0], "x"), plain), _REPEATED.sub(
        lambda found: _one(found[0], "" if found[0][-1] in "*?" else "y"), plain
    )


def _one(piece: str, other: str) -> str:
    if piece.startswith("\\"):
        return _CLASSES.get(piece[1], piece[1]) if len(piece) > 1 else ""
    if piece.startswith("["):
        return piece[1] if piece[1] not in "^\\" and other else other
    return other


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

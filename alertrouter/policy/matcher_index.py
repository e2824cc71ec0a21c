"""Finds those of many lists of matchers that a label set may meet, by the labels they ask for, without trying all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import re2  # type: ignore[import-untyped]  # google-re2 brings no types

from alertrouter.alert import Labels
from alertrouter.policy.matcher import RE2_OPTIONS, Matcher, Op, anchored

VALUES_REMEMBERED: Final = 4096
"""For how many values of a label it is remembered which of its regexes fit."""


class MatcherIndex:
    """Knows under which label each list of matchers stands.

    A list stands under the equality that the fewest others ask for: `team="db"` rather than `severity="critical"`;
    without one under a label that a regex of it asks for; else nowhere, and may always be met.
    """

    def __init__(self, lists: Sequence[Sequence[Matcher]]) -> None:
        asked = Counter((one.name, one.value) for matchers in lists for one in matchers if _tells(one))
        self._equal: dict[str, dict[str, list[int]]] = {}
        self._always: list[int] = []
        regexes: dict[str, list[tuple[int, str]]] = {}
        for number, matchers in enumerate(lists):
            rarest = min(filter(_tells, matchers), key=lambda one: asked[one.name, one.value], default=None)
            regex = next((one for one in matchers if one.op is Op.REGEX), None)
            if rarest is not None:
                self._equal.setdefault(rarest.name, {}).setdefault(rarest.value, []).append(number)
            elif regex is not None:
                regexes.setdefault(regex.name, []).append((number, regex.value))
            else:
                self._always.append(number)
        self._fitting = {name: _Regexes(patterns) for name, patterns in regexes.items()}

    def of(self, labels: Labels) -> list[int]:
        """The numbers of the lists that may be met, in order; each that is met is among them."""
        found = self._always.copy()
        for name, numbers in self._equal.items():
            found += numbers.get(labels.get(name, ""), ())
        for name, regexes in self._fitting.items():
            found += regexes.fitting(labels.get(name, ""))
        found.sort()
        return found


class _Regexes:
    """Regexes on one label, tried all at once: one pass of RE2 over a value, once for each value."""

    def __init__(self, patterns: Sequence[tuple[int, str]]) -> None:
        self._numbers = tuple(number for number, _ in patterns)
        self._set = re2.Set.SearchSet(RE2_OPTIONS)
        for _, pattern in patterns:
            self._set.Add(anchored(pattern))
        # Fits everything. When RE2 has not enough memory for a pass it finds nothing, and this is missing too.
        self._set.Add("")
        try:
            self._set.Compile()
        except re2.error:
            self._set = None
        self.fitting = lru_cache(VALUES_REMEMBERED)(self._fit)

    def _fit(self, value: str) -> tuple[int, ...]:
        places = self._set.Match(value) if self._set is not None else []
        if len(self._numbers) not in places:
            return self._numbers
        return tuple(self._numbers[place] for place in places if place < len(self._numbers))


def _tells(matcher: Matcher) -> bool:
    return matcher.op is Op.EQUAL and bool(matcher.value)

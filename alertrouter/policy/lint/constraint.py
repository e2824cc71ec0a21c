"""What values of one label a set of matchers leaves, as far as that can be told for certain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.matcher_examples import STRANGE, examples

_LITERALS: Final = re.compile(r"[\w \-/:@,;%#&!'\"=<>~`]*(?:\|[\w \-/:@,;%#&!'\"=<>~`]*)*")
_EVERYTHING: Final = frozenset({".*", "(?s).*", "^(?:.*)$"})
_SOMETHING: Final = frozenset({".+", "(?s).+", "^(?:.+)$"})


def by_label(matchers: Iterable[Matcher]) -> Mapping[str, list[Matcher]]:
    """The matchers of each label."""
    found: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        found.setdefault(matcher.name, []).append(matcher)
    return found


def finite(matcher: Matcher) -> tuple[str, ...] | None:
    """All values that a matcher takes, when those can be listed; else None."""
    if matcher.op is Op.EQUAL:
        return (matcher.value,)
    if matcher.op is not Op.REGEX:
        return None
    inner = matcher.value
    if inner.startswith("^(?:") and inner.endswith(")$"):
        inner = inner[4:-2]
    if inner.startswith("(") and inner.endswith(")") and "(" not in inner[1:]:
        inner = inner[1:-1].removeprefix("?:")
    return tuple(inner.split("|")) if _LITERALS.fullmatch(inner) else None


def impossible(matchers: Iterable[Matcher]) -> str:
    """The label of which these matchers leave no value, for certain; "" when each may have one."""
    for name, own in by_label(matchers).items():
        known = next((values for one in own if (values := finite(one)) is not None), None)
        if known is not None and not any(_all_match(own, value) for value in known):
            return name
    return ""


def covers(wide: Iterable[Matcher], narrow: Iterable[Matcher]) -> bool:
    """Tell whether whatever meets `narrow` meets `wide`, for certain."""
    have = by_label(narrow)
    return all(_implied(matcher, have.get(matcher.name, [])) for matcher in wide)


def _implied(matcher: Matcher, have: list[Matcher]) -> bool:
    if matcher in have or (matcher.op is Op.REGEX and matcher.value in _EVERYTHING):
        return True
    known = next((values for one in have if (values := finite(one)) is not None), None)
    if known is not None:
        return all(matcher.matches({matcher.name: value}) for value in known if _all_match(have, value))
    if not have:
        return False
    nonempty = not any(one.matches({}) for one in have[:1]) and len(have) == 1
    return nonempty and _asks_for_something(matcher)


def _asks_for_something(matcher: Matcher) -> bool:
    return (matcher.op is Op.REGEX and matcher.value in _SOMETHING) or (
        matcher.op is Op.NOT_EQUAL and matcher.value == ""
    )


def value_for(matchers: list[Matcher]) -> str | None:
    """A value of one label that meets all these matchers, one that people would give it first."""
    tried: dict[str, None] = {}
    for one in matchers:
        tried.update(dict.fromkeys((one.value,) if one.op in (Op.EQUAL, Op.NOT_EQUAL) else examples(one.value)))
    for value in (*tried, STRANGE, ""):
        if _all_match(matchers, value):
            return value
    return None


def _all_match(matchers: list[Matcher], value: str) -> bool:
    return all(one.matches({one.name: value}) for one in matchers)

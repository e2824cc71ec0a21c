"""Matchers: one condition on one label, in Alertmanager's grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import re2  # type: ignore[import-untyped]  # google-re2 brings no types

from alertrouter.alert import Labels
from alertrouter.policy.matcher_grammar import (
    RESERVED,
    MatcherError,
    Op,
    Written,
    read_classic,
    read_classic_list,
    read_utf8,
)
from alertrouter.policy.quoting import quote
from alertrouter.silence import SilenceMatcher

__all__ = ["Matcher", "MatcherError", "Op", "RegexError", "canonical", "parse_matcher", "parse_matchers"]

_VALUES_REMEMBERED = 4096
"""For how many label values each regex remembers its answer: asking RE2 costs microseconds, remembering 0.1."""

RE2_OPTIONS = re2.Options()
RE2_OPTIONS.log_errors = False

_ORDER = {op: place for place, op in enumerate(Op)}


class RegexError(MatcherError):
    """The value of `=~` or `!~` is no regex that RE2 takes."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. A label that is not there equals the empty string. Regexes are RE2, anchored.

    Raises `RegexError`. The `match_re` values of old Alertmanager configurations stand here wrapped as `^(?:…)$`,
    because Alertmanager shows them so in its route keys.
    """

    name: str
    op: Op
    value: str
    _fits: Callable[[str], bool] = field(init=False, repr=False, compare=False)
    _negative: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the regex, once."""
        is_regex = self.op in (Op.REGEX, Op.NOT_REGEX)
        object.__setattr__(self, "_fits", _fitting(self.value) if is_regex else self.value.__eq__)
        object.__setattr__(self, "_negative", self.op in (Op.NOT_EQUAL, Op.NOT_REGEX))

    def __reduce__(self) -> tuple[type[Matcher], tuple[str, Op, str]]:
        """Go to another process as what was written: a compiled pattern can't."""
        return Matcher, (self.name, self.op, self.value)

    def matches(self, labels: Labels) -> bool:
        """Tell whether a label set meets the condition."""
        return self._fits(labels.get(self.name, "")) is not self._negative

    def of_silence(self) -> SilenceMatcher:
        """Write it as one of a silence."""
        is_regex, is_equal = self.op in (Op.REGEX, Op.NOT_REGEX), self.op in (Op.EQUAL, Op.REGEX)
        return SilenceMatcher(self.name, self.value, is_regex, is_equal)

    def __lt__(self, other: Matcher) -> bool:
        """Sort as Alertmanager does: by name, value, operator."""
        return (self.name, self.value, _ORDER[self.op]) < (other.name, other.value, _ORDER[other.op])

    def __str__(self) -> str:
        """Write it so that it reads back as the same: `owner="team-A"`, or `"host name"="web 1"`."""
        if not self.name or RESERVED.search(self.name):
            return f"{quote(self.name)}{self.op}{quote(self.value)}"
        value = self.value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        return f'{self.name}{self.op}"{value}"'


def anchored(pattern: str) -> str:
    """Wrap a pattern as Alertmanager does, so that exactly the same patterns compile."""
    return f"^(?:{pattern})$"


def _fitting(pattern: str) -> Callable[[str], bool]:
    """Compile a regex as Alertmanager does, and remember its answers."""
    # RE2 in C++ knows `\C`, any one byte; RE2 in Go does not.
    if any(part[0] == r"\C" for part in re.finditer(r"\\Q.*?(?:\\E|\Z)|\\.", pattern, re.DOTALL)):
        raise RegexError(rf"{pattern!r} is not a regex in RE2's syntax: invalid escape sequence: \C")
    try:
        regex = re2.compile(anchored(pattern), RE2_OPTIONS)
    except re2.error as fault:
        reason = fault.args[0].decode(errors="replace")
        raise RegexError(f"{pattern!r} is not a regex in RE2's syntax: {reason}") from None

    @lru_cache(_VALUES_REMEMBERED)
    def fits(value: str) -> bool:
        return regex.search(value) is not None

    return fits


def canonical(matchers: Iterable[Matcher]) -> str:
    """Write matchers in the one form that names them in route keys: sorted, `{a="b",c=~"d"}`; `{}` for none."""
    return "{" + ",".join(map(str, sorted(matchers))) + "}"


def parse_matcher(text: str) -> Matcher:
    """Read exactly one matcher without braces, as a filter of the API has it. Raises `MatcherError`."""
    if text.startswith("{") or text.endswith("}"):
        raise MatcherError("expected one matcher without braces", 1 if text.startswith("{") else len(text))
    matchers = _read(text, lambda text: (read_classic(text),), read_utf8)
    if len(matchers) != 1:
        raise MatcherError(f"expected one matcher, found {len(matchers)}", 1)
    return matchers[0]


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Read a list of matchers, with or without braces: one entry of `matchers:`. Raises `MatcherError`.

    Alertmanager has two grammars. Its default mode takes what either can read; where both can and differ, the
    classic one wins. `{}` and the empty text are no matchers.
    """
    return _read(text, read_classic_list, read_utf8)


Reader = Callable[[str], tuple[Written, ...]]


def _read(text: str, classic: Reader, utf8: Reader) -> tuple[Matcher, ...]:
    try:
        return tuple(map(_matcher, classic(text)))
    except MatcherError as fault:
        classic_fault = fault
    try:
        return tuple(map(_matcher, utf8(text)))
    except MatcherError:
        # The UTF-8 grammar says better what is wrong, unless only the regex was.
        if isinstance(classic_fault, RegexError):
            raise classic_fault from None
        raise


def _matcher(written: Written) -> Matcher:
    try:
        return Matcher(written.name, written.op, written.value)
    except RegexError as fault:
        raise RegexError(str(fault), written.column) from None

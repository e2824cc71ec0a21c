"""Matchers match, and regexes compile, as in Alertmanager."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.policy.matcher import Matcher, Op, RegexError


class Condition(msgspec.Struct):
    """A matcher by its parts."""

    name: str
    op: str
    value: str


class Case(msgspec.Struct):
    """A matcher, labels, and whether it matches them."""

    id: str
    matcher: Condition
    labels: dict[str, str]
    match: bool


class Pattern(msgspec.Struct):
    """A regex, and whether Alertmanager takes it."""

    pattern: str
    valid: bool


@pytest.mark.conformance("matcher_eval.json", Case, under="cases")
def test_a_matcher_matches_what_it_matches_in_alertmanager(case: Case) -> None:
    """A missing label is empty, regexes are RE2 and anchored."""
    matcher = Matcher(case.matcher.name, Op(case.matcher.op), case.matcher.value)

    assert matcher.matches(case.labels) is case.match


@pytest.mark.conformance("matcher_eval.json", Pattern, under="pattern_validity")
def test_a_regex_is_taken_when_alertmanager_takes_it(case: Pattern) -> None:
    """The same patterns compile, and no others."""
    if case.valid:
        assert Matcher("label", Op.REGEX, case.pattern).value == case.pattern
    else:
        with pytest.raises(RegexError):
            Matcher("label", Op.REGEX, case.pattern)

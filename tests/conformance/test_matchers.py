"""Matchers mean what they mean to Alertmanager in its default mode."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.policy.matcher import Matcher, MatcherError, Op, parse_matchers


class Expected(msgspec.Struct):
    """One matcher that must be read."""

    name: str
    op: str
    value: str


class Case(msgspec.Struct):
    """A text, and what Alertmanager reads in it."""

    id: str
    input: str
    valid: bool
    expect: list[Expected] | None


@pytest.mark.conformance("matchers.json", Case)
def test_a_text_reads_as_the_matchers_that_alertmanager_reads(case: Case) -> None:
    """The same texts are matchers, with the same names, operators and values in the same order."""
    if not case.valid:
        with pytest.raises(MatcherError):
            parse_matchers(case.input)
        return

    read = parse_matchers(case.input)

    assert case.expect is not None
    assert read == tuple(Matcher(one.name, Op(one.op), one.value) for one in case.expect)

"""Alerts hold each other back as in Alertmanager, from 0.34.1 on."""

from __future__ import annotations

import msgspec
import pytest

from alertrouter.alert import fingerprint
from alertrouter.engine.suppression import Inhibitor
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.matcher import Matcher, Op, parse_matchers


class Rule(msgspec.Struct):
    """A rule as it stands in a configuration, old and new keys."""

    source_match: dict[str, str] = {}
    source_match_re: dict[str, str] = {}
    source_matchers: list[str] = []
    target_match: dict[str, str] = {}
    target_match_re: dict[str, str] = {}
    target_matchers: list[str] = []
    equal: list[str] = []


class Event(msgspec.Struct):
    """An alert that is sent, firing unless its end has passed."""

    labels: dict[str, str]
    ends_in_s: int


class Check(msgspec.Struct):
    """A label set, and whether it must be held back."""

    target: dict[str, str]
    inhibited: bool


class Case(msgspec.Struct):
    """Rules, what is sent, and what must then be held back."""

    id: str
    inhibit_rules: list[Rule]
    events: list[Event]
    checks: list[Check]


def _matchers(equal: dict[str, str], regex: dict[str, str], new: list[str]) -> tuple[Matcher, ...]:
    return (
        *(Matcher(name, Op.EQUAL, value) for name, value in equal.items()),
        *(Matcher(name, Op.REGEX, f"^(?:{value})$") for name, value in regex.items()),
        *(matcher for text in new for matcher in parse_matchers(text)),
    )


def _rule(number: int, rule: Rule) -> InhibitRule:
    return InhibitRule(
        name=f"rule {number}",
        source_matchers=_matchers(rule.source_match, rule.source_match_re, rule.source_matchers),
        target_matchers=_matchers(rule.target_match, rule.target_match_re, rule.target_matchers),
        equal=tuple(rule.equal),
    )


@pytest.mark.conformance("inhibit.json", Case)
def test_the_alerts_held_back_are_those_that_alertmanager_holds_back(case: Case) -> None:
    """After the same alerts, the same label sets are inhibited."""
    inhibitor = Inhibitor(_rule(number, rule) for number, rule in enumerate(case.inhibit_rules))

    for event in case.events:
        change = inhibitor.add if event.ends_in_s > 0 else inhibitor.remove
        change(fingerprint(event.labels), event.labels)

    for check in case.checks:
        held_back_by = inhibitor.sources(fingerprint(check.target), check.target)
        assert bool(held_back_by) is check.inhibited, (check.target, held_back_by)

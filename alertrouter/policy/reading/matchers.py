"""`matchers:`, label sets and `inhibit_rules:`."""

from __future__ import annotations

from functools import partial
from itertools import chain

from alertrouter.alert import Labels
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.matcher import Matcher, MatcherError, parse_matchers
from alertrouter.policy.reading.value import Value, Wrong, each_of, one_or_more, unique
from alertrouter.policy.reading.yamltext import Scalar


def matchers(value: Value) -> tuple[Matcher, ...]:
    """Read a list of matchers, each a text; one text may hold several."""
    return tuple(chain.from_iterable(one_or_more(_line)(value)))


def _line(value: Value) -> tuple[Matcher, ...]:
    if not isinstance(value.node, Scalar):
        raise value.expected("a matcher in quotes, such as 'component=\"ai\"'")
    text = value.text()
    try:
        return parse_matchers(text)
    except MatcherError as error:
        # The caret stands where the matcher goes wrong; inside quotes that is one further.
        shift = max(error.column - 1, 0) + value.node.quoted
        raise Wrong(str(error), shift=shift if value.node.plain or value.node.quoted else 0) from error


def label_set(value: Value) -> Labels:
    """Read label names with their values."""
    return value.table(lambda _, value: value.any_text())


def inhibit_rules(value: Value) -> tuple[InhibitRule, ...]:
    """Read all inhibition rules; each has a name of its own."""
    rules: list[InhibitRule] = []
    for number, item in enumerate(value.items(), 1):
        taken = {rule.name for rule in rules}
        rule = item.read(partial(_rule, number, taken), None)
        rules += [rule] if rule else []
    return tuple(rules)


def _rule(number: int, taken: set[str], value: Value) -> InhibitRule:
    with value.fields() as fields:
        rule = InhibitRule(
            name=fields.take("name", Value.text, f"rule {number}"),
            source_matchers=fields.need("source_matchers", some_matchers, ()),
            target_matchers=fields.need("target_matchers", some_matchers, ()),
            equal=fields.take("equal", unique(each_of(Value.text)), ()),
        )
        if rule.name in taken:
            fields.wrong(f"found a second rule `{rule.name}`, expected a name of its own", "name")
        return rule


def some_matchers(value: Value) -> tuple[Matcher, ...]:
    """Read matchers, of which there must be one."""
    if isinstance(value.node, Scalar) or value.items():
        return matchers(value)
    raise Wrong("found no matcher, expected at least one: a rule without would match every alert")

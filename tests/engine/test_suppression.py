"""Inhibition: who is held back, by whom, whatever comes and goes in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import Fingerprint, fingerprint
from alertrouter.engine import suppression
from alertrouter.engine.suppression import Inhibition, Inhibitor
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.matcher import parse_matchers

LabelSet = dict[str, str]


def rule(source: str, target: str, *equal: str, name: str = "rule") -> InhibitRule:
    """A rule from texts."""
    return InhibitRule(
        name=name, source_matchers=parse_matchers(source), target_matchers=parse_matchers(target), equal=equal
    )


NODE_DOWN = rule("alertname=NodeDown", "severity=warning", "node", name="node down")
NODE = {"alertname": "NodeDown", "node": "n1"}
POD = {"alertname": "PodCrash", "severity": "warning", "node": "n1"}


def held_back(inhibitor: Inhibitor, labels: LabelSet) -> tuple[Inhibition, ...]:
    """What holds a label set back, asked with its fingerprint."""
    return inhibitor.sources(fingerprint(labels), labels)


def fire(inhibitor: Inhibitor, labels: LabelSet) -> Fingerprint:
    """Let an alert fire."""
    inhibitor.add(fingerprint(labels), labels)
    return fingerprint(labels)


def resolve(inhibitor: Inhibitor, labels: LabelSet) -> None:
    """Let an alert end."""
    inhibitor.remove(fingerprint(labels), labels)


def test_a_source_holds_its_targets_back_while_it_fires() -> None:
    """Not before, not after, and only where the equal labels agree."""
    inhibitor = Inhibitor([NODE_DOWN])
    assert held_back(inhibitor, POD) == ()

    source = fire(inhibitor, NODE)

    assert held_back(inhibitor, POD) == (("node down", source),)
    assert held_back(inhibitor, {**POD, "node": "n2"}) == ()
    assert held_back(inhibitor, {**POD, "severity": "critical"}) == ()

    resolve(inhibitor, NODE)

    assert held_back(inhibitor, POD) == ()


def test_the_last_source_to_end_lets_the_target_go() -> None:
    """One of two sources with the same labels takes over from the other, in whatever order they end."""
    first, second = {**NODE, "replica": "a"}, {**NODE, "replica": "b"}
    for early, late in ((first, second), (second, first)):
        inhibitor = Inhibitor([NODE_DOWN])
        fire(inhibitor, first)
        fire(inhibitor, second)

        resolve(inhibitor, early)

        assert held_back(inhibitor, POD) == (("node down", fingerprint(late)),)

        resolve(inhibitor, late)

        assert held_back(inhibitor, POD) == ()


def test_saying_it_twice_changes_nothing() -> None:
    """A re-sent alert counts once, and an end that was never a start is no fault."""
    inhibitor = Inhibitor([NODE_DOWN])
    resolve(inhibitor, NODE)
    fire(inhibitor, NODE)
    fire(inhibitor, NODE)

    resolve(inhibitor, NODE)
    resolve(inhibitor, NODE)

    assert held_back(inhibitor, POD) == ()


def test_an_alert_on_both_sides_is_not_held_back_by_its_likes() -> None:
    """Nor by itself; but by a source that is no target."""
    inhibitor = Inhibitor([rule("severity=~critical|warning", "severity=warning", "alertname")])
    warning = {"alertname": "DiskFull", "severity": "warning"}
    fire(inhibitor, warning)
    fire(inhibitor, {**warning, "disk": "b"})

    assert held_back(inhibitor, warning) == ()

    critical = fire(inhibitor, {"alertname": "DiskFull", "severity": "critical"})

    assert held_back(inhibitor, warning) == (("rule", critical),)


def test_each_rule_that_holds_back_is_named_once_in_order() -> None:
    """With the source that comes first by fingerprint."""
    inhibitor = Inhibitor([rule('a!=""', 't!=""', name="one"), NODE_DOWN, rule('b!=""', 't!=""', name="two")])
    sources = [fire(inhibitor, {"a": "1", "b": str(number)}) for number in range(5)]

    assert held_back(inhibitor, {"t": "1"}) == (("one", min(sources)), ("two", min(sources)))


def test_an_alert_without_a_fingerprint_can_be_asked_about() -> None:
    """The answer is the same."""
    inhibitor = Inhibitor([NODE_DOWN])
    source = fire(inhibitor, NODE)

    assert inhibitor.sources(None, POD) == (("node down", source),)


def test_a_rule_without_matchers_holds_nothing_back() -> None:
    """Every alert is on both sides of it."""
    inhibitor = Inhibitor([rule("", "")])
    fire(inhibitor, NODE)

    assert held_back(inhibitor, POD) == ()


def test_more_label_sets_than_are_remembered_get_the_same_answers() -> None:
    """What was forgotten is found out anew."""
    inhibitor = Inhibitor([NODE_DOWN])
    source = fire(inhibitor, NODE)

    for number in range(suppression.LABEL_SETS_REMEMBERED + 10):
        inhibitor.sources(Fingerprint(f"{number:016x}"), {})

    assert held_back(inhibitor, POD) == (("node down", source),)
    resolve(inhibitor, NODE)
    assert held_back(inhibitor, POD) == ()


VALUES = st.sampled_from(["1", "2"])
LABELS = st.dictionaries(st.sampled_from(["a", "b", "e", "f"]), VALUES, min_size=1)
SIDES = st.sampled_from(["a=1", "a!=1", "a=~1|2", "b=1", 'b=""', "a=1,b=2", "a=1,f=1", "b=2,e!=2", ""])
RULES = st.lists(st.builds(rule, SIDES, SIDES, st.sampled_from(["e", "f"]), name=st.uuids().map(str)), max_size=4)
CHANGES = st.lists(st.tuples(st.booleans(), LABELS), max_size=25)


def naive(rules: list[InhibitRule], firing: list[LabelSet], target: LabelSet) -> tuple[tuple[str, str], ...]:
    """The rules of inhibition, word for word: every rule against every source."""
    found = []
    for one in rules:
        sources = [
            fingerprint(source)
            for source in firing
            if one.is_source(source)
            and one.is_target(target)
            and one.key(source) == one.key(target)
            and not (one.is_source(target) and one.is_target(source))
        ]
        if sources:
            found.append((one.name, min(sources)))
    return tuple(found)


@given(RULES, CHANGES, st.lists(LABELS, max_size=5))
def test_the_index_answers_as_every_rule_against_every_source_does(
    rules: list[InhibitRule], changes: list[tuple[bool, LabelSet]], targets: list[LabelSet]
) -> None:
    """After any sequence of alerts that start and end, for those alerts and for others."""
    inhibitor = Inhibitor(rules)
    firing: dict[Fingerprint, LabelSet] = {}

    for starts, labels in changes:
        if starts:
            firing[fire(inhibitor, labels)] = labels
        else:
            firing.pop(fingerprint(labels), None)
            resolve(inhibitor, labels)

        for target in [*targets, *(labels for _, labels in changes)]:
            assert held_back(inhibitor, target) == naive(rules, list(firing.values()), target)

"""`tests:` → what the policy's authors expect of it. Timelines are checked for form only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from alertrouter.policy.duration import parse_duration
from alertrouter.policy.policy import PolicyTest
from alertrouter.policy.reading.faults import unknown
from alertrouter.policy.reading.matchers import label_set
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Value, Wrong, each_of, one_of, one_or_more

NO_ESCALATION: Final = "none"
"""What a test writes when it expects plain routes."""

EVENTS: Final = ("fire", "resolve", "ack", "unack", "snooze", "severity", "escalate")
HAPPENINGS: Final = ("resolved", "ack-expired", "nothing")

_EXPECTATIONS: Final = ("receivers", "escalation", "suppressed_by", "expect")


def policy_tests(names: Names, holders: tuple[str, ...], value: Value) -> tuple[PolicyTest, ...]:
    """Read all tests; each has a name of its own.

    `holders` are what can hold a message back: names of inhibition rules, and what time intervals say.
    """
    tests: list[PolicyTest] = []
    for item in value.items():
        test = item.read(partial(_test, names, holders, {test.name for test in tests}), None)
        tests += [test] if test else []
    return tuple(tests)


def _test(names: Names, holders: tuple[str, ...], taken: set[str], value: Value) -> PolicyTest:
    place = value.node.place
    with value.fields() as fields:
        test = PolicyTest(
            name=fields.need("name", Value.text, ""),
            labels=fields.need("alert", label_set, {}),
            line=place.line,
            file=place.file,
            at=fields.take("at", _instant, None),
            until=fields.take("until", _duration_text, None),
            events=fields.take("events", each_of(partial(_line, partial(_event, names))), ()),
            expect=fields.take("expect", each_of(partial(_line, partial(_happening, names))), ()),
            receivers=fields.take("receivers", each_of(one_of("receiver", names.receivers)), None),
            escalation=fields.take("escalation", partial(_escalation, names), None),
            suppressed_by=fields.take(
                "suppressed_by", each_of(one_of("inhibition rule or time interval", holders)), None
            ),
            also_firing=fields.take("also_firing", each_of(label_set), ()),
        )
        if test.name and test.name in taken:
            fields.wrong(f"found a second test `{test.name}`, expected a name of its own", "name")
        if not fields.present.intersection(_EXPECTATIONS):
            fields.wrong(f"found no expectation, expected at least one of {', '.join(_EXPECTATIONS)}")
        return test


def _escalation(names: Names, value: Value) -> str:
    found = one_or_more(one_of("escalation policy", (*names.policies, NO_ESCALATION)))(value)
    if len(found) > 1 and NO_ESCALATION in found:
        raise Wrong(f"found `{NO_ESCALATION}` among others, expected it alone")
    return ", ".join(name for name in found if name != NO_ESCALATION)


def _instant(value: Value) -> str:
    text = value.text()
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise value.expected("a date and time such as 2026-03-02 10:00") from error
    return text


def _duration_text(value: Value) -> str:
    value.duration()
    return value.text()


def _line(check: Callable[[str], None], value: Value) -> str:
    """A line of a timeline: how long after the start, then what."""
    text = value.text()
    offset, _, what = text.partition(" ")
    try:
        parse_duration(offset)
    except ValueError as error:
        raise value.expected("a duration, then what happens, such as `20m ai-channel`") from error
    check(what.strip())
    return text


def _event(names: Names, what: str) -> None:
    verb, _, rest = what.partition(" ")
    _check("event", verb, EVENTS)
    if verb == "severity":
        _check("severity", rest.strip(), names.severities)


def _happening(names: Names, what: str) -> None:
    if what.startswith("severity="):
        _check("severity", what.removeprefix("severity="), names.severities)
    elif what not in HAPPENINGS:
        _check("receiver", what, names.receivers)


def _check(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise Wrong(unknown(kind, name, known))

"""`tests:` → what the policy's authors expect of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from alertrouter.policy.policy import PolicyTest
from alertrouter.policy.reading.matchers import label_set
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Fields, Reader, Value, Wrong, each_of, one_of, one_or_more
from alertrouter.policy.timeline import YEARS, read_expectation, read_happening, within

T = TypeVar("T")

NO_ESCALATION: Final = "none"
"""What a test writes when it expects plain routes."""

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
    place, told = value.node.place, (*names.receivers, *names.people)
    with value.fields() as fields:
        test = PolicyTest(
            name=fields.need("name", Value.text, ""),
            labels=fields.need("alert", label_set, {}),
            line=place.line,
            file=place.file,
            at=fields.take("at", _instant, None),
            until=fields.take("until", _until, None),
            events=fields.take(
                "events", each_of(_lines(lambda text: read_happening(text, names.severities, told))), ()
            ),
            expect=fields.take(
                "expect",
                each_of(_lines(lambda text: read_expectation(text, names.severities, told))),
                None,
            ),
            receivers=fields.take("receivers", each_of(one_of("receiver", names.addressees)), None),
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
        _check_timeline(fields, test)
        return test


def _check_timeline(fields: Fields, test: PolicyTest) -> None:
    """A timeline that is never compared, and what lies behind its end, are mistakes."""
    for key in ("events", "until"):
        if key in fields and "expect" not in fields:
            fields.wrong(f"found `{key}` without `expect`, expected what then happens", key)
    for key, offsets in (("events", test.events), ("expect", test.expect or ())):
        late = [one for one in offsets if test.until is not None and one.offset > test.until]
        if late:
            fields.wrong(f"found `{late[0]}`, expected nothing after `until`", key)


def _escalation(names: Names, value: Value) -> str:
    found = one_or_more(one_of("escalation policy", (*names.policies, NO_ESCALATION)))(value)
    if len(found) > 1 and NO_ESCALATION in found:
        raise Wrong(f"found `{NO_ESCALATION}` among others, expected it alone")
    return ", ".join(name for name in found if name != NO_ESCALATION)


def _instant(value: Value) -> str:
    text = value.text()
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise value.expected("a date and time such as 2026-03-02 10:00") from error
    if at.year not in YEARS:
        raise value.expected(f"a year from {YEARS[0]} to {YEARS[-1]}")
    return text


def _until(value: Value) -> timedelta:
    try:
        return within(value.duration())
    except ValueError as error:
        raise Wrong(str(error)) from error


def _lines(read: Callable[[str], T]) -> Reader[T]:
    """Make a reader of lines of a timeline."""

    def reader(value: Value) -> T:
        try:
            return read(value.text())
        except ValueError as error:
            raise Wrong(str(error)) from error

    return reader

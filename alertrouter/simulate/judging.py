"""The policy's own tests: what they expect of an alert, now and through time, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from alertrouter.policy.policy import Policy, PolicyTest
from alertrouter.simulate.routing import Simulation, moment, route_alert
from alertrouter.simulate.timeline import live

USUAL_START: Final = "2026-03-02 10:00"
"""When the timeline of a test without `at` begins: a Monday morning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One expectation of a test that wasn't met."""

    what: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What came of one entry of `tests:`."""

    __test__ = False  # pytest would take the class for a test

    test: PolicyTest
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Tell whether everything came out as expected."""
        return not self.differences


def run_tests(policy: Policy) -> tuple[TestResult, ...]:
    """Run the policy's `tests:`, in file order."""
    return tuple(
        TestResult(test=test, differences=(*_of_routing(policy, test), *_of_time(policy, test)))
        for test in policy.tests
    )


def _of_routing(policy: Policy, test: PolicyTest) -> Iterator[Difference]:
    now = moment(test.at, policy.timezone) if test.at else None
    simulation = route_alert(policy, test.labels, now=now, also_firing=test.also_firing)
    for what, (expected, found) in _compared(test, simulation).items():
        if expected is not None and expected != found:
            yield Difference(what=what, expected=expected, found=found)


def _compared(test: PolicyTest, simulation: Simulation) -> Mapping[str, tuple[tuple[str, ...] | None, tuple[str, ...]]]:
    escalations = tuple(dict.fromkeys(taken.escalation.name for taken in simulation.taken if taken.escalation))
    return {
        "receivers": (test.receivers, simulation.receivers),
        "escalation": (_names(test.escalation), escalations),
        "suppressed_by": (test.suppressed_by, simulation.suppressed_by),
    }


def _of_time(policy: Policy, test: PolicyTest) -> Iterator[Difference]:
    """Compare whole timelines: what isn't expected must not happen. The order within one moment is left open."""
    if test.expect is None:
        return
    named = [*(one.offset for one in test.events), *(one.offset for one in test.expect)]
    timeline = live(
        policy,
        test.labels,
        start=moment(test.at or USUAL_START, policy.timezone),
        until=test.until if test.until is not None else max(named, default=timedelta()),
        events=test.events,
        also_firing=test.also_firing,
    )
    expected, found = sorted(test.expect), sorted(timeline.expectations)
    if expected != found:
        yield Difference(what="expect", expected=tuple(map(str, expected)), found=tuple(map(str, found)))


def _names(text: str | None) -> tuple[str, ...] | None:
    """Split `page, warn`; an empty text expects none."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())

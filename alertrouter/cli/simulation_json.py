"""Simulations and results of policy tests as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from alertrouter.alert import Labels
from alertrouter.cli.options import Opened
from alertrouter.policy.duration import format_duration
from alertrouter.policy.matcher import canonical
from alertrouter.policy.route import RouteOptions
from alertrouter.simulate.judging import Difference, TestResult
from alertrouter.simulate.routing import Explained, Notified, Simulation, Step, Taken


class OptionsView(msgspec.Struct, frozen=True):
    """The options in force on a route. `group_by` is `["..."]` for all labels; durations as Prometheus writes them."""

    receiver: str | None
    team: str | None
    group_by: tuple[str, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    escalate: Mapping[str, str]
    mute_time_intervals: tuple[str, ...]
    active_time_intervals: tuple[str, ...]
    labels: Mapping[str, str]

    @classmethod
    def of(cls, options: RouteOptions) -> OptionsView:
        """Show the options."""
        return cls(
            receiver=options.receiver,
            team=options.team,
            group_by=("...",) if options.group_by is None else options.group_by,
            group_wait=format_duration(options.group_wait),
            group_interval=format_duration(options.group_interval),
            repeat_interval=format_duration(options.repeat_interval),
            escalate=options.escalate,
            mute_time_intervals=options.mute_time_intervals,
            active_time_intervals=options.active_time_intervals,
            labels=options.labels,
        )


class LevelView(msgspec.Struct, frozen=True):
    """One level of an escalation policy."""

    after: str
    receivers: tuple[str, ...]
    during: str | None
    alerts: str

    @classmethod
    def of(cls, level: Notified) -> LevelView:
        """Show a level."""
        return cls(format_duration(level.after), level.receivers, level.during, level.alerts)


class EscalationView(msgspec.Struct, frozen=True):
    """The escalation policy for the alert's severity."""

    policy: str
    levels: tuple[LevelView, ...]


class RouteView(msgspec.Struct, frozen=True):
    """One route that the label set takes; `path` are the matchers from the root down to it."""

    path: tuple[str, ...]
    id: str
    file: str
    line: int
    receivers: tuple[str, ...]
    group_key: str
    group_labels: Mapping[str, str]
    options: OptionsView
    escalation: EscalationView | None
    held_by: str

    @classmethod
    def of(cls, taken: Taken, opened: Opened) -> RouteView:
        """Show a route."""
        route = taken.match.route
        return cls(
            path=tuple(canonical(node.matchers) for node in taken.path),
            id=route.id,
            file=str(opened.directory / route.file),
            line=route.line,
            receivers=taken.receivers,
            group_key=taken.match.group_key,
            group_labels=taken.match.group_labels,
            options=OptionsView.of(route.options),
            escalation=EscalationView(taken.escalation.name, tuple(map(LevelView.of, taken.levels)))
            if taken.escalation
            else None,
            held_by=taken.held,
        )


class StepView(msgspec.Struct, frozen=True):
    """One node that was tried; `failed` are those of its matchers that don't hold."""

    depth: int
    matchers: tuple[str, ...]
    matched: bool
    failed: tuple[str, ...]
    answers: bool
    file: str
    line: int

    @classmethod
    def of(cls, step: Step, opened: Opened) -> StepView:
        """Show a step."""
        return cls(
            depth=step.depth,
            matchers=tuple(map(str, step.route.matchers)),
            matched=step.matched,
            failed=tuple(map(str, step.failed)),
            answers=step.answers,
            file=str(opened.directory / step.route.file),
            line=step.route.line,
        )


class InhibitionView(msgspec.Struct, frozen=True):
    """An inhibition rule that holds the label set back, and the labels of the alert that explains it."""

    rule: str
    source: Labels

    @classmethod
    def of(cls, by: Explained) -> InhibitionView:
        """Show it."""
        return cls(by.rule, by.source)


class SimulationView(msgspec.Struct, frozen=True):
    """What becomes of one label set."""

    labels: Labels
    at: datetime | None
    severity: str
    receivers: tuple[str, ...]
    routes: tuple[RouteView, ...]
    suppressed_by: tuple[str, ...]
    inhibited_by: tuple[InhibitionView, ...]
    tree: tuple[StepView, ...]

    @classmethod
    def of(cls, simulation: Simulation, opened: Opened) -> SimulationView:
        """Show a simulation."""
        return cls(
            labels=simulation.labels,
            at=simulation.at,
            severity=simulation.severity,
            receivers=simulation.receivers,
            routes=tuple(RouteView.of(taken, opened) for taken in simulation.taken),
            suppressed_by=simulation.suppressed_by,
            inhibited_by=tuple(map(InhibitionView.of, simulation.explained)),
            tree=tuple(StepView.of(step, opened) for step in simulation.steps),
        )


class DifferenceView(msgspec.Struct, frozen=True):
    """One expectation that wasn't met."""

    what: str
    expected: tuple[str, ...]
    found: tuple[str, ...]

    @classmethod
    def of(cls, difference: Difference) -> DifferenceView:
        """Show a difference."""
        return cls(difference.what, difference.expected, difference.found)


class TestView(msgspec.Struct, frozen=True):
    """One of the policy's tests. The difference `expect` is of the whole timeline, in order."""

    name: str
    file: str
    line: int
    passed: bool
    differences: tuple[DifferenceView, ...]


class TestsView(msgspec.Struct, frozen=True):
    """The results of a policy's tests."""

    policy: str
    passed: int
    failed: int
    tests: tuple[TestView, ...]

    @classmethod
    def of(cls, results: tuple[TestResult, ...], opened: Opened) -> TestsView:
        """Show the results."""
        passed = sum(result.passed for result in results)
        return cls(
            policy=str(opened.directory),
            passed=passed,
            failed=len(results) - passed,
            tests=tuple(
                TestView(
                    name=result.test.name,
                    file=str(opened.directory / result.test.file),
                    line=result.test.line,
                    passed=result.passed,
                    differences=tuple(map(DifferenceView.of, result.differences)),
                )
                for result in results
            ),
        )

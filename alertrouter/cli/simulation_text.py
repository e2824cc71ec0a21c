"""Simulations and results of policy tests for people: the path through the tree, who is told, what holds it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from alertrouter.cli.options import Opened
from alertrouter.cli.terminal import WIDTH, Terminal, counted, plain
from alertrouter.notice import labels_text
from alertrouter.policy.duration import format_duration
from alertrouter.policy.escalation import EscalationPolicy
from alertrouter.policy.policy import in_maintenance
from alertrouter.simulate.routing import Notified, Simulation, Step, Taken

if TYPE_CHECKING:  # the engine stays out of a look at one moment, which is asked for often
    from alertrouter.simulate.judging import Difference, TestResult

_COLUMN: Final = 18


def show_simulation(to: Terminal, simulation: Simulation, opened: Opened) -> None:
    """Print what becomes of one label set."""
    to.folded("", labels_text(simulation.labels), 0)
    at = f", {simulation.at:%a %Y-%m-%d %H:%M %Z}" if simulation.at else ""
    to.line(to.faint(f"severity {simulation.severity}{at}"))
    to.line()
    _tree(to, simulation.steps, opened)
    for number, taken in enumerate(simulation.taken, start=1):
        to.line()
        _taken(to, number if len(simulation.taken) > 1 else 0, taken, opened)
    to.line()
    if not simulation.suppressed_by:
        to.line(_row("held back by") + to.good("nothing"))
    for by in simulation.explained:
        to.line(_row("held back by") + to.doubtful(plain(by.rule)))
        to.folded(_row("  because of"), labels_text(by.source), _COLUMN)
    for taken in simulation.taken:
        if taken.held:
            to.line(_row("held back") + to.doubtful(plain(taken.held)))
    for window in simulation.maintained:
        to.line(_row("held back") + to.doubtful(plain(in_maintenance(window))))


def show_tests(to: Terminal, results: Sequence[TestResult], opened: Opened) -> None:
    """Print every test, a failed one with the difference."""
    for result in results:
        _result(to, result, opened)
    if any(result.differences for result in results):
        to.line()
        to.line(to.faint("- expected   + found"))
    passed = sum(result.passed for result in results)
    to.line()
    summary = f"{opened.directory}: {passed} passed, {len(results) - passed} failed"
    to.line(to.good(summary) if passed == len(results) else to.bad(summary))


def _tree(to: Terminal, steps: Sequence[Step], opened: Opened) -> None:
    """Print the nodes that were tried, drawn as a tree, each with its place in the files."""
    stems: list[str] = []
    for number, step in enumerate(steps):
        last = not step.untried and _is_last(steps, number)
        del stems[max(step.depth - 1, 0) :]
        elbow = ("└─ " if last else "├─ ") if step.depth else ""
        mark = to.good("✓") if step.matched else to.bad("✗")
        shown = plain(", ".join(map(str, step.route.matchers))) or ("every alert" if step.depth else "root")
        place = opened.place(step.route.file, step.route.line)
        text = to.strong(shown) if step.answers else shown if step.matched else to.faint(shown)
        room = WIDTH - len(f"{''.join(stems)}{elbow}✓ {shown}  ")
        placed = f"  {to.faint(place.rjust(room))}" if len(place) <= room else ""
        to.line(f"{''.join(stems)}{elbow}{mark} {text}{placed}")
        stems += ["   " if last else "│  "] if step.depth else []
        if not placed:
            stem = "".join(stems)
            to.line(f"{stem}{to.faint(place.rjust(WIDTH - len(stem)))}")
        if len(step.failed) < len(step.route.matchers) and step.failed:
            failed = plain(", ".join(map(str, step.failed)))
            to.line(to.faint(f"{''.join(stems)}  because not {failed}"))
        _untried(to, steps, number, stems)


def _is_last(steps: Sequence[Step], number: int) -> bool:
    """Tell whether no sibling of a step follows."""
    depth = steps[number].depth
    after = next((step.depth for step in steps[number + 1 :] if step.depth <= depth), 0)
    return after < depth


def _untried(to: Terminal, steps: Sequence[Step], number: int, stems: list[str]) -> None:
    """Behind the last node of a branch, say how many siblings of its ancestors were never tried."""
    following = steps[number + 1].depth if number + 1 < len(steps) else 0
    path = _ancestors(steps, number)
    for step in path:
        if step.untried and step.depth >= following and step.depth >= 1:
            stem = "".join(stems[: step.depth - 1])
            to.line(to.faint(f"{stem}└─ {counted(step.untried, 'more', 'more')} not tried: the one above took it"))


def _ancestors(steps: Sequence[Step], number: int) -> list[Step]:
    """A step and the steps that it lies below, deepest first."""
    path = [steps[number]]
    for step in reversed(steps[:number]):
        if step.depth < path[-1].depth:
            path.append(step)
    return path


def _taken(to: Terminal, number: int, taken: Taken, opened: Opened) -> None:
    route, options = taken.match.route, taken.match.route.options
    if number:
        to.line(to.strong(f"Route {number}") + "  " + to.faint(opened.place(route.file, route.line)))
    whose = f"team {options.team}" if options.team else f"receiver {options.receiver}"
    to.line(_row("goes to") + to.strong(plain(whose)))
    to.folded(_row("told at once"), ", ".join(taken.receivers) or "nobody", _COLUMN)
    to.folded(_row("group"), taken.match.group_key, _COLUMN)
    to.line(
        _row("timing") + f"wait {format_duration(options.group_wait)}, then every "
        f"{format_duration(options.group_interval)}, repeated after {format_duration(options.repeat_interval)}"
    )
    if options.labels:
        to.folded(_row("notes"), labels_text(options.labels), _COLUMN)
    to.line(_row("escalation") + (plain(taken.escalation.name) if taken.escalation else "none"))
    for level in taken.levels:
        to.folded(_row(f"  {_when(level)}"), ", ".join(level.receivers) + _only(level), _COLUMN)
    if taken.escalation:
        _behind_the_levels(to, taken.escalation)


def _behind_the_levels(to: Terminal, escalation: EscalationPolicy) -> None:
    repeat, raises = escalation.repeat, escalation.raises
    if repeat:
        often = f"{repeat.times} times" if repeat.times else "until somebody acts"
        to.line(_row(f"  every {format_duration(repeat.every)}") + f"again from level {repeat.from_level}, {often}")
    if raises:
        to.line(_row(f"  after {format_duration(raises.after)}") + f"raised to {raises.to}{_during(raises.during)}")
    if escalation.deliver_within:
        within = format_duration(escalation.deliver_within)
        to.line(_row("  not delivered") + f"within {within}: the next level is told")
    if escalation.fallback:
        to.folded(_row("  fallback"), ", ".join(escalation.fallback), _COLUMN)
    if escalation.ack_timeout:
        to.line(_row("  taken") + f"for {format_duration(escalation.ack_timeout)}")


def _result(to: Terminal, result: TestResult, opened: Opened) -> None:
    if result.passed:
        to.line(f"{to.good('✓')} {plain(result.test.name)}")
        return
    to.line(f"{to.bad('✗')} {plain(result.test.name)}")
    to.line(to.faint(f"  {opened.place(result.test.file, result.test.line)}: {plain(labels_text(result.test.labels))}"))
    for difference in result.differences:
        if difference.what == "expect":
            _timelines(to, difference)
        else:
            to.line(to.bad(f"  - {difference.what}: [{', '.join(difference.expected)}]"))
            to.line(to.good(f"  + {difference.what}: [{', '.join(difference.found)}]"))


def _timelines(to: Terminal, difference: Difference) -> None:
    """Both timelines in one, line by line."""
    for line in difflib.ndiff(difference.expected, difference.found):
        mark, text = line[0], f"  {line[0]} {plain(line[2:])}"
        if mark != "?":
            to.line(to.bad(text) if mark == "-" else to.good(text) if mark == "+" else text)


def _when(level: Notified) -> str:
    return f"after {format_duration(level.after)}" if level.after else "at once"


def _only(level: Notified) -> str:
    condition = f" (if alerts {level.alerts})" if level.alerts else ""
    digest = f" (a digest every {format_duration(level.digest)})" if level.digest else ""
    return _during(level.during) + condition + digest


def _during(interval: str | None) -> str:
    return f" (during {interval})" if interval else ""


def _row(name: str) -> str:
    return name.ljust(_COLUMN)

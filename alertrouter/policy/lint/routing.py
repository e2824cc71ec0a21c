"""Checks of routes, matchers, inhibition rules and time intervals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from alertrouter.policy.duration import format_duration
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.lint.constraint import by_label, covers, impossible, value_for
from alertrouter.policy.lint.finding import Check, Finding
from alertrouter.policy.lint.places import Places
from alertrouter.policy.matcher import Matcher, canonical
from alertrouter.policy.matcher_examples import STRANGE
from alertrouter.policy.policy import Policy
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.route import Route

_DAYS_AHEAD = 366 * 5


def findings(policy: Policy, places: Places, now: datetime) -> Iterator[Finding]:
    """All that these checks find."""
    yield from _tree(policy.root, ())
    yield from _timings(policy.root)
    yield from _rules(policy, places)
    yield from _intervals(policy, places, now)
    yield from _muted(policy, now)


def _place(route: Route) -> Place:
    return Place(route.file, route.line, 1)


def _tree(route: Route, above: tuple[Matcher, ...]) -> Iterator[Finding]:
    """Contradictions and shadows among a node's children, then below them."""
    for number, child in enumerate(route.routes):
        if "#shortcut" in child.id:
            continue
        path = (*above, *child.matchers)
        if label := impossible(child.matchers):
            yield _contradiction(_place(child), "the route", label, "the alerts that it was written for go elsewhere")
        elif label := impossible(path):
            yield Finding(
                check=Check.UNREACHABLE,
                place=_place(child),
                what=f"no alert gets to {canonical(child.matchers)}: a route above it wants another `{label}`",
                night="the alerts that it was written for take the route above, and tell whom that one tells",
                mend="move it beside that route, or correct its matchers",
            )
        elif hiding := next((one for one in route.routes[:number] if _hides(one, path)), None):
            yield Finding(
                check=Check.SHADOWED,
                place=_place(child),
                what=f"{canonical(hiding.matchers)} in line {hiding.line} takes every alert of "
                f"{canonical(child.matchers)} first",
                night="its alerts tell whom the earlier route tells, and nobody that is named here",
                mend="move it above that route, or give that one `continue: true`",
            )
        yield from _tree(child, path)


def _hides(earlier: Route, path: tuple[Matcher, ...]) -> bool:
    return not earlier.continues and "#shortcut" not in earlier.id and covers(earlier.matchers, path)


def _contradiction(place: Place, whose: str, label: str, night: str) -> Finding:
    return Finding(
        check=Check.CONTRADICTION,
        place=place,
        what=f"no alert meets the matchers of {whose}: they leave no value of `{label}`",
        night=night,
        mend='matchers of one list must all hold: for one or the other write one regex, `=~"a|b"`',
    )


def _timings(root: Route) -> Iterator[Finding]:
    seen: set[tuple[timedelta, timedelta]] = set()
    for route in root.all():
        options = route.options
        pair = (options.repeat_interval, options.group_interval)
        if options.repeat_interval < options.group_interval and pair not in seen:
            seen.add(pair)
            repeat, group = map(format_duration, pair)
            yield Finding(
                check=Check.REPEAT_BELOW_GROUP,
                place=_place(route),
                what=f"repeat_interval {repeat} is below group_interval {group}",
                night=f"what still fires is said again every {group}, not every {repeat}",
                mend="make repeat_interval a multiple of group_interval",
            )


# Inhibition


def _rules(policy: Policy, places: Places) -> Iterator[Finding]:
    for number, rule in enumerate(policy.inhibit_rules):
        place = places.at("inhibit_rules", number)
        for side, own in (("source", rule.source_matchers), ("target", rule.target_matchers)):
            if label := impossible(own):
                yield _contradiction(
                    places.at("inhibit_rules", number, f"{side}_matchers"),
                    f"the {side} of rule `{rule.name}`",
                    label,
                    "nothing is held back by it: one failure tells of itself and of all that follows from it",
                )
        if not rule.equal:
            yield Finding(
                check=Check.NO_EQUAL,
                place=place,
                what=f"rule `{rule.name}` has no `equal`",
                night="one alert that matches the source hides every alert that matches the target, wherever it is",
                mend="name the labels that both must share, as in equal: [cluster]",
            )
        for other in policy.inhibit_rules[:number]:
            if example := _circle(rule, other):
                yield Finding(
                    check=Check.CIRCULAR,
                    place=place,
                    what=f"rules `{other.name}` and `{rule.name}` can hide two alerts behind each other: {example}",
                    night="both fire, each is held back because of the other, and nobody is told of either",
                    mend="let one of the rules leave out in its target what the other one has as its source",
                )


def _circle(one: InhibitRule, other: InhibitRule) -> str:
    """Two alerts, each the source of one rule and the target of the other; "" when none were found."""
    first = (*one.source_matchers, *other.target_matchers)
    second = (*one.target_matchers, *other.source_matchers)
    shared = {*one.equal, *other.equal}
    left: dict[str, str] = {}
    right: dict[str, str] = {}
    ours, theirs = by_label(first), by_label(second)
    for name in dict.fromkeys((*ours, *theirs)):
        mine, yours = ours.get(name, []), theirs.get(name, [])
        if name in shared:
            value = value_for([*mine, *yours])
            values = (value, value)
        else:
            values = (value_for(mine) if mine else "", value_for(yours) if yours else "")
        if values[0] is None or values[1] is None:
            return ""
        left[name], right[name] = values[0], values[1]
    # An alert that matches both sides of a rule is not held back by one that does, too.
    for rule, source, target in ((one, left, right), (other, right, left)):
        both = _meets(rule.source_matchers, target) and _meets(rule.target_matchers, source)
        if both or not (_meets(rule.source_matchers, source) and _meets(rule.target_matchers, target)):
            return ""
    return f"{_shown(left)} and {_shown(right)}"


def _meets(matchers: tuple[Matcher, ...], labels: dict[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


def _shown(labels: dict[str, str]) -> str:
    named = ((name, "x" if value == STRANGE else value) for name, value in sorted(labels.items()))
    inner = ", ".join(f'{name}="{value}"' for name, value in named if value)
    return "{" + inner + "}"


# Time


def _intervals(policy: Policy, places: Places, now: datetime) -> Iterator[Finding]:
    for name, entries in policy.time_intervals.items():
        if not any(_opens(entry, now) for entry in entries):
            yield Finding(
                check=Check.NEVER_OPEN,
                place=places.at("time_intervals", name),
                what=f"time interval `{name}` doesn't open within the next five years",
                night="what waits for it is held for ever, and what it should mute is not muted",
                mend="look at its years, its days of the month, and whether all its fields can hold on one day",
            )


def _opens(entry: TimeInterval, now: datetime) -> bool:
    if entry.times == ():
        return False
    minute = entry.times[0][0] if entry.times else 12 * 60
    midnight = now.astimezone(entry.zone).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return any(entry.contains(midnight + timedelta(days=day)) for day in range(_DAYS_AHEAD))


def _muted(policy: Policy, now: datetime) -> Iterator[Finding]:
    """Routes whose mute intervals hold at every look, three hours apart, of a whole year."""
    moments = [now + timedelta(hours=3 * number) for number in range(366 * 8)]
    for route in policy.root.all():
        muting = [one for name in route.options.mute_time_intervals for one in policy.time_intervals[name]]
        if muting and all(any(one.contains(moment) for one in muting) for moment in moments):
            yield Finding(
                check=Check.ALWAYS_MUTED,
                place=_place(route),
                what=f"{canonical(route.matchers)} is muted all year round",
                night="its alerts are held back, and nobody is told of them",
                mend="look at its mute_time_intervals; what is to reach nobody takes a receiver `{}`",
            )

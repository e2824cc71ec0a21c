"""A policy as an `alertmanager.yml`: what programs see that ask an Alertmanager for its configuration.

Grafana and `amtool config routes` read it with Alertmanager's own parser, so it keeps to the grammar of 0.25. It has
the route tree, inhibition, intervals, and of receivers the names: how they are reached, and when what nobody takes
climbs to whom, that grammar can't say.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import yaml

from alertrouter.policy.duration import format_duration
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.interval import Ranges, TimeInterval
from alertrouter.policy.policy import Policy
from alertrouter.policy.route import Route

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

Written: TypeAlias = "str | bool | list[Written] | dict[str, Written]"


def as_alertmanager(policy: Policy) -> str:
    """Write a policy down as Alertmanager would route by it; no secret is in it, nor how a receiver is reached."""
    routes = list(policy.root.all())
    named = dict.fromkeys([*policy.receivers, *(_receiver(policy, route) for route in routes)])
    whole: dict[str, Written] = {
        "route": _route(policy, policy.root, None),
        "receivers": [{"name": name} for name in named],
    }
    if policy.inhibit_rules:
        whole["inhibit_rules"] = [_inhibition(rule) for rule in policy.inhibit_rules]
    if policy.time_intervals:
        whole["time_intervals"] = [
            {"name": name, "time_intervals": [_interval(one) for one in intervals]}
            for name, intervals in policy.time_intervals.items()
        ]
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=10_000)


def _route(policy: Policy, route: Route, parent: Route | None) -> dict[str, Written]:
    """One node, without what it inherits. The root can have neither matchers nor hours, in Alertmanager's eyes."""
    written: dict[str, Written] = {}
    receiver = _receiver(policy, route)
    if parent is None or receiver != _receiver(policy, parent):
        written["receiver"] = receiver
    if parent is None or route.options.group_by != parent.options.group_by:
        written["group_by"] = ["..."] if route.options.group_by is None else list(route.options.group_by)
    if parent is not None:
        written["matchers"] = [str(matcher) for matcher in route.matchers]
        for name in ("mute_time_intervals", "active_time_intervals"):
            if intervals := getattr(route.options, name):
                written[name] = list(intervals)
    if route.continues:
        written["continue"] = True
    for name in ("group_wait", "group_interval", "repeat_interval"):
        value = getattr(route.options, name)
        if parent is None or value != getattr(parent.options, name):
            written[name] = format_duration(value)
    if route.routes:
        written["routes"] = [_route(policy, child, route) for child in route.routes]
    return written


def _receiver(policy: Policy, route: Route) -> str:
    """Whom a route tells first: its receiver, or its team's channel."""
    return route.options.receiver or policy.receiver_named("channel", route)


def _inhibition(rule: InhibitRule) -> dict[str, Written]:
    return {
        "source_matchers": [str(matcher) for matcher in rule.source_matchers],
        "target_matchers": [str(matcher) for matcher in rule.target_matchers],
        "equal": list(rule.equal),
    }


def _interval(interval: TimeInterval) -> dict[str, Written]:
    written: dict[str, Written] = {}
    if interval.times is not None:
        written["times"] = [{"start_time": _clock(begin), "end_time": _clock(end + 1)} for begin, end in interval.times]
    if interval.weekdays is not None:
        written["weekdays"] = [f"{_WEEKDAYS[begin]}:{_WEEKDAYS[end]}" for begin, end in interval.weekdays]
    for name in ("days_of_month", "months", "years"):
        ranges: Ranges = getattr(interval, name)
        if ranges is not None:
            written[name] = [f"{begin}:{end}" for begin, end in ranges]
    if interval.zone.key != "UTC":
        written["location"] = interval.zone.key
    return written


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"

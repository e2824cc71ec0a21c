"""The route tree: whose an alert is. Alertmanager's keys, walk, inheritance, route key and group key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alertrouter.alert import Labels
from alertrouter.policy.matcher import Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """The options in force on a route, inherited ones included.

    `group_by` None means `['...']`, all labels. `mute_time_intervals`, `active_time_intervals` are never inherited.
    `escalate` maps severities to names of escalation policies. Exactly one of `receiver` and `team` is set.
    """

    receiver: str | None
    team: str | None
    group_by: tuple[str, ...] | None
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    escalate: Mapping[str, str]
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A route that an alert takes, with the group it joins there."""

    route: Route
    group_key: str
    group_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One node of the tree.

    `key` is Alertmanager's route key (`{}/{component="ai"}`); `id` is the key, with `#2`, `#3` … for further
    routes with an equal key, so that siblings with equal matchers don't share their incidents (Alertmanager's #3817).
    """

    id: str
    key: str
    matchers: tuple[Matcher, ...]
    continues: bool
    options: RouteOptions
    routes: tuple[Route, ...]
    file: str
    line: int

    def find(self, labels: Labels) -> tuple[Match, ...]:
        """Walk depth first: the matching routes in tree order; a node answers when none of its children does."""
        raise NotImplementedError

    def by_id(self, route_id: str) -> Route | None:
        """The node with this id at or below this one."""
        raise NotImplementedError

"""The route tree: whose an alert is. Alertmanager's keys, walk, inheritance, route key and group key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alertrouter.alert import Labels
from alertrouter.policy.matcher import Matcher
from alertrouter.policy.quoting import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """The options in force on a route, inherited ones included.

    `group_by` None means `['...']`, all labels. `mute_time_intervals`, `active_time_intervals` are never inherited.
    `escalate` maps severities to names of escalation policies. Exactly one of `receiver` and `team` is set. `labels`
    say something of the route itself (Alertmanager's `labels`): a child's are added to its parent's.
    """

    receiver: str | None
    team: str | None
    group_by: tuple[str, ...] | None
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    escalate: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
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
        """Walk depth first: the matching routes in tree order; a node answers when none of its children does.

        Of siblings, the walk stops behind the first that matches, unless that one `continues`. `RouteIndex` gives the
        same without asking every node.
        """
        if not self.accepts(labels):
            return ()
        found: list[Match] = []
        for child in self.routes:
            below = child.find(labels)
            found += below
            if below and not child.continues:
                break
        return tuple(found) or (self.match(labels),)

    def accepts(self, labels: Labels) -> bool:
        """Tell whether these labels meet the node's own matchers."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def match(self, labels: Labels) -> Match:
        """The group that these labels join here: of the labels to group by, those that the alert has."""
        wanted = labels if self.options.group_by is None else self.options.group_by
        group = {name: labels[name] for name in sorted(wanted) if labels.get(name)}
        shown = ", ".join(f"{name}={quote(value)}" for name, value in group.items())
        return Match(route=self, group_key=f"{self.key}:{{{shown}}}", group_labels=group)

    def by_id(self, route_id: str) -> Route | None:
        """The node with this id at or below this one."""
        return next((route for route in self.all() if route.id == route_id), None)

    def path_to(self, route_id: str) -> tuple[Route, ...]:
        """The nodes from this one down to the one with this id; none when it isn't below."""
        if self.id == route_id:
            return (self,)
        below = (child.path_to(route_id) for child in self.routes)
        return next(((self, *path) for path in below if path), ())

    def all(self) -> Iterator[Route]:
        """Give each node from here down, in tree order."""
        yield self
        for child in self.routes:
            yield from child.all()

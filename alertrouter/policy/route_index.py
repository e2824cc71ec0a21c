"""Finds the routes that an alert takes as `Route.find` does, only sooner: a tree may have a thousand of them."""

from __future__ import annotations

from typing import Final

from alertrouter.alert import Labels
from alertrouter.policy.matcher_index import MatcherIndex
from alertrouter.policy.route import Match, Route

FEW: Final = 8
"""So many children are tried one by one: looking them up would take as long."""

WALKS_REMEMBERED: Final = 8192
"""For how many sets of values of the labels that the tree asks for its answer is remembered."""

GROUPS_REMEMBERED: Final = 8192
"""How many groups of one route are remembered: alerts that join a group share its `Match`."""


class RouteIndex:
    """One tree, ready to be asked often."""

    def __init__(self, root: Route) -> None:
        self._root = root
        routes = tuple(root.all())
        self._asked = tuple(sorted({matcher.name for route in routes for matcher in route.matchers}))
        self._children = {
            route.id: MatcherIndex([child.matchers for child in route.routes])
            for route in routes
            if len(route.routes) > FEW
        }
        self._walks: dict[tuple[str, ...], tuple[_Groups, ...]] = {}
        self._groups = {route.id: _Groups(route) for route in routes}

    def find(self, labels: Labels) -> tuple[Match, ...]:
        """The routes that an alert with these labels takes, in tree order, each with its group."""
        values = tuple([labels.get(name, "") for name in self._asked])
        taken = self._walks.get(values)
        if taken is None:
            if len(self._walks) >= WALKS_REMEMBERED:
                self._walks.clear()
            walked = self._walk(self._root, labels) if self._root.accepts(labels) else []
            taken = self._walks[values] = tuple(self._groups[route.id] for route in walked)
        return tuple([groups.of(labels) for groups in taken])

    def _walk(self, route: Route, labels: Labels) -> list[Route]:
        """The routes at or below one that accepts the labels."""
        index = self._children.get(route.id)
        children = route.routes if index is None else [route.routes[number] for number in index.of(labels)]
        found: list[Route] = []
        for child in children:
            if child.accepts(labels):
                found += self._walk(child, labels)
                if not child.continues:
                    break
        return found or [route]


class _Groups:
    """The groups of one route, by the values of the labels that it groups by."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._names = route.options.group_by
        self._matches: dict[tuple[str, ...], Match] = {}

    def of(self, labels: Labels) -> Match:
        """The group that these labels join."""
        if self._names is None:
            return self._route.match(labels)
        values = tuple([labels.get(name, "") for name in self._names])
        match = self._matches.get(values)
        if match is None:
            if len(self._matches) >= GROUPS_REMEMBERED:
                self._matches.clear()
            match = self._matches[values] = self._route.match(labels)
        return match

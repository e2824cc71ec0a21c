"""`route:` → the tree, each node with the options in force there, and everything that it refers to checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final

from alertrouter.policy.escalation import EscalationPolicy, Team
from alertrouter.policy.matcher import Matcher, canonical
from alertrouter.policy.reading.matchers import label_set, matchers
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Fields, Value, Wrong, each_of, one_of, unique
from alertrouter.policy.route import Route, RouteOptions

_DEFAULTS: Final = RouteOptions(
    receiver=None,
    team=None,
    group_by=(),
    group_wait=timedelta(seconds=30),
    group_interval=timedelta(minutes=5),
    repeat_interval=timedelta(hours=4),
    escalate={},
)
_HINTS: Final = {
    "match": "found Alertmanager's old `match`, expected `matchers`, as in matchers: ['component=\"ai\"']",
    "match_re": "found Alertmanager's old `match_re`, expected `matchers`, as in matchers: ['component=~\"ai|ml\"']",
}


def route_tree(
    names: Names, teams: Mapping[str, Team], policies: Mapping[str, EscalationPolicy], value: Value
) -> Route:
    """Read the tree from its root."""
    return _Tree(names, teams, policies).root(value)


def shortcut(
    names: Names,
    teams: Mapping[str, Team],
    policies: Mapping[str, EscalationPolicy],
    root: Route,
    own: tuple[Matcher, ...],
    fields: Fields,
) -> Route:
    """Make a child of the root for what isn't a route itself, but says whom to tell as a route does."""
    return _Tree(names, teams, policies).shortcut(root, own, fields)


@dataclass(slots=True)
class _Tree:
    """Reads routes from the root down."""

    names: Names
    teams: Mapping[str, Team]
    policies: Mapping[str, EscalationPolicy]
    seen: dict[str, int] = field(default_factory=dict)
    checked: set[tuple[str | None, str]] = field(default_factory=set)

    def root(self, value: Value) -> Route:
        with value.fields(_HINTS) as fields:
            if not {"receiver", "team"} & fields.present:
                fields.wrong("found neither `receiver` nor `team`, expected one: the root takes what is left")
            for key in ("matchers", "continue", "mute_time_intervals", "active_time_intervals"):
                if key in fields:
                    fields.wrong(f"found `{key}` on the root, expected it below only: the root takes every alert", key)
            return self._node(fields, "{}", (), _DEFAULTS)

    def shortcut(self, root: Route, own: tuple[Matcher, ...], fields: Fields) -> Route:
        options = self._addressed(fields, root.options)
        self._check_notified(fields, options)
        options = replace(options, group_by=tuple(matcher.name for matcher in own))
        key, place = f"{root.key}/{canonical(own)}", fields.value.node.place
        return Route(
            id=f"{key}#shortcut",
            key=key,
            matchers=own,
            continues=False,
            options=options,
            routes=(),
            file=place.file,
            line=place.line,
        )

    def _child(self, parent: Route, value: Value) -> Route:
        with value.fields(_HINTS) as fields:
            own = fields.take("matchers", matchers, ())
            return self._node(fields, f"{parent.key}/{canonical(own)}", own, parent.options)

    def _node(self, fields: Fields, key: str, own: tuple[Matcher, ...], inherited: RouteOptions) -> Route:
        number = self.seen[key] = self.seen.get(key, 0) + 1
        options = self._options(fields, inherited)
        place = fields.value.node.place
        route = Route(
            id=f"{key}#{number}" if number > 1 else key,
            key=key,
            matchers=own,
            continues=fields.take("continue", Value.flag, False),
            options=options,
            routes=(),
            file=place.file,
            line=place.line,
        )
        self._check_notified(fields, options)
        return replace(route, routes=fields.take("routes", partial(self._children, route), ()))

    def _children(self, parent: Route, value: Value) -> tuple[Route, ...]:
        return value.each(partial(self._child, parent))

    def _options(self, fields: Fields, inherited: RouteOptions) -> RouteOptions:
        intervals = unique(each_of(one_of("time interval", self.names.intervals)))
        options = self._addressed(fields, inherited)
        return replace(
            options,
            group_by=fields.take("group_by", _group_by, options.group_by),
            group_wait=fields.take("group_wait", Value.duration, options.group_wait),
            group_interval=fields.take("group_interval", Value.long_duration, options.group_interval),
            repeat_interval=fields.take("repeat_interval", Value.long_duration, options.repeat_interval),
            labels={**options.labels, **fields.take("labels", label_set, {})},
            mute_time_intervals=fields.take("mute_time_intervals", intervals, ()),
            active_time_intervals=fields.take("active_time_intervals", intervals, ()),
        )

    def _addressed(self, fields: Fields, inherited: RouteOptions) -> RouteOptions:
        """Receiver, team and escalation: a receiver of its own ends what the parent's team would have done."""
        # "" stands for a wrong name, so that what only follows from it isn't told.
        receiver = fields.take("receiver", one_of("receiver", self.names.receivers), "")
        team = fields.take("team", one_of("team", self.names.teams), "")
        escalate = fields.take("escalate", self._escalate, {})
        if {"receiver", "team"} <= fields.present:
            fields.wrong("found both `receiver` and `team`, expected one of them", "team")
            return replace(inherited, receiver=None, team="", escalate=escalate)
        if "receiver" in fields:
            return replace(inherited, receiver=receiver, team=None, escalate=escalate)
        if "team" in fields:
            inherited = replace(inherited, receiver=None, team=team)
        return replace(inherited, escalate={**inherited.escalate, **escalate})

    def _escalate(self, value: Value) -> dict[str, str]:
        policy = one_of("escalation policy", self.names.policies)
        # A severity with an unknown policy is not one without: "" keeps it from being checked as such.
        return value.keyed("severity", self.names.severities, lambda value: value.read(policy, ""))

    def _check_notified(self, fields: Fields, options: RouteOptions) -> None:
        """Find the roles that this route's escalation policies notify and its team lacks; each pair is told of once."""
        at = next((key for key in ("escalate", "team", "receiver") if key in fields.present), None)
        for severity in self.names.severities:
            name = options.escalate.get(severity)
            policy = self.policies.get(name or "")
            if policy is not None:
                self._check_policy(fields, at, options, policy)
                self._check_raise(fields, severity, policy)
            elif name is None:
                self._check_channel(fields, at, options, severity)

    def _check_policy(self, fields: Fields, at: str | None, options: RouteOptions, policy: EscalationPolicy) -> None:
        pair = (options.team, policy.name)
        if pair in self.checked or (options.team is not None and options.team not in self.teams):
            return
        self.checked.add(pair)
        roles = self.teams[options.team].roles if options.team else {}
        whose = f"team `{options.team}`" if options.team else "a route without a team"
        told = {f"level {number}": level.notify for number, level in enumerate(policy.levels, 1)}
        for which, names in (*told.items(), ("the fallback", policy.fallback)):
            for name in names:
                if name not in roles and name not in self.names.addressees:
                    fields.wrong(
                        f"{whose} has no role `{name}`, which {which} of escalation policy `{policy.name}` notifies", at
                    )

    def _check_raise(self, fields: Fields, severity: str, policy: EscalationPolicy) -> None:
        ranks = self.names.severities
        target = policy.raises.to if policy.raises else ""
        if target in ranks and "escalate" in fields.present and ranks.index(target) <= ranks.index(severity):
            fields.wrong(
                f"escalation policy `{policy.name}` raises to `{target}`, expected something higher than `{severity}`, "
                "for which this route uses it",
                "escalate",
            )

    def _check_channel(self, fields: Fields, at: str | None, options: RouteOptions, severity: str) -> None:
        team = self.teams.get(options.team or "")
        if team and "channel" not in team.roles and (team.name, "") not in self.checked:
            self.checked.add((team.name, ""))
            fields.wrong(
                f"team `{team.name}` has no role `channel`, which is told of severity `{severity}`: "
                "`escalate` has no policy for it",
                at,
            )


def _group_by(value: Value) -> tuple[str, ...] | None:
    names = unique(Value.texts)(value)
    if "..." not in names:
        return names
    if len(names) > 1:
        raise Wrong("found `...` among label names, expected it alone: it means all labels")
    return None

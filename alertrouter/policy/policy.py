"""A policy: one directory of YAML, checked and frozen; it answers who is told of an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from itertools import takewhile

from alertrouter.alert import Labels
from alertrouter.policy.contacts import receiver_of
from alertrouter.policy.escalation import EscalationPolicy, Team
from alertrouter.policy.flapping import FlappingRule, Storm
from alertrouter.policy.heartbeat import HeartbeatRule
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.maintenance import MaintenanceWindow
from alertrouter.policy.oncall import Person, Schedule
from alertrouter.policy.opening import boundaries
from alertrouter.policy.receiver import Integration, Receiver
from alertrouter.policy.route import Match, Route
from alertrouter.policy.route_index import RouteIndex
from alertrouter.policy.timeline import Expectation, Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One entry of `tests:`: an alert, perhaps with others firing beside it, and what is expected to come of it.

    None expects nothing in particular. `receivers` are who is told at once, `escalation` names the policies in force
    (`page, warn` on two routes; empty: plain routes), `suppressed_by` what holds the alert at `at`: inhibition rules by
    name, then time intervals as `Policy.held_by` says it. `expect` is all that happens up to `until` when `events`
    happen; without `until`, up to the last moment that they name.
    """

    name: str
    labels: Mapping[str, str]
    line: int
    file: str
    at: str | None = None
    until: timedelta | None = None
    events: tuple[Happening, ...] = ()
    expect: tuple[Expectation, ...] | None = None
    receivers: tuple[str, ...] | None = None
    escalation: str | None = None
    suppressed_by: tuple[str, ...] | None = None
    also_firing: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A whole policy. `revision` is the content hash of its files; `severities` run from lowest to highest."""

    revision: str
    severities: tuple[str, ...]
    default_severity: str
    timezone: tzinfo
    root: Route
    receivers: Mapping[str, Receiver]
    teams: Mapping[str, Team]
    escalation_policies: Mapping[str, EscalationPolicy]
    inhibit_rules: tuple[InhibitRule, ...]
    time_intervals: Mapping[str, tuple[TimeInterval, ...]]
    tests: tuple[PolicyTest, ...]
    reopen_within: timedelta
    heartbeats: Mapping[str, HeartbeatRule] = field(default_factory=dict)
    maintenance: tuple[MaintenanceWindow, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    flapping: FlappingRule | None = None
    storm: Storm | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    slack_allowed: frozenset[str] = frozenset()
    """Ids of the Slack users who may act; none: everyone may."""

    @cached_property
    def counts_back(self) -> timedelta:
        """For how long alerts that are over are counted by a level's `if`: the longest `in` of any."""
        levels = [level for policy in self.escalation_policies.values() for level in policy.levels]
        return max((one.alerts.within or timedelta() for one in levels if one.alerts), default=timedelta())

    def heard_in(self, labels: Labels) -> tuple[str, ...]:
        """The heartbeats of which a firing alert with these labels is a beat; such an alert is told to nobody."""
        return tuple(name for name, rule in self.heartbeats.items() if rule.heard_in(labels))

    def routes(self, labels: Labels) -> tuple[Match, ...]:
        """The routes that an alert with these labels takes, in tree order, each with its group."""
        return self._index.find(labels)

    def route(self, route_id: str) -> Route | None:
        """The route with this id, None when this policy has none."""
        return self._by_id.get(route_id)

    @cached_property
    def _index(self) -> RouteIndex:
        return RouteIndex(self.root)

    @cached_property
    def _by_id(self) -> Mapping[str, Route]:
        return {route.id: route for route in self.root.all()}

    def severity(self, labels: Labels) -> str:
        """The alert's severity, or the default when it has none that the policy knows."""
        named = labels.get("severity", "")
        return named if named in self.severities else self.default_severity

    def rank(self, severity: str) -> int:
        """A severity's place, 0 lowest; a severity that the policy doesn't know ranks as the default."""
        place = self._ranks.get(severity)
        return self._ranks[self.default_severity] if place is None else place

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        return {severity: place for place, severity in enumerate(self.severities)}

    def held_by(self, route: Route, now: datetime) -> str:
        """Why the route's time intervals hold its messages at `now`; empty when they don't."""
        for name in route.options.mute_time_intervals:
            if any(interval.contains(now) for interval in self.time_intervals[name]):
                return muted_by(name)
        active = route.options.active_time_intervals
        if active and not any(i.contains(now) for name in active for i in self.time_intervals[name]):
            return outside(active)
        return ""

    def let_go(self, route: Route, now: datetime, *, until: datetime) -> datetime | None:
        """When the route's time intervals hold its messages no longer; None when not before `until`."""
        names = (*route.options.mute_time_intervals, *route.options.active_time_intervals)
        intervals = [interval for name in names for interval in self.time_intervals[name]]
        moments = takewhile(lambda moment: moment < until, boundaries(intervals, now))
        return next((moment for moment in moments if not self.held_by(route, moment)), None)

    def maintained(self, labels: Labels, now: datetime) -> tuple[str, ...]:
        """The windows of `maintenance` that silence an alert with these labels at `now`."""
        return tuple(
            one.name for one in self.maintenance if one.matches(labels) and one.is_open(self.time_intervals, now)
        )

    def escalation(self, route: Route, severity: str) -> EscalationPolicy | None:
        """The escalation policy of a route for a severity; None when it notifies its receiver plainly."""
        name = route.options.escalate.get(severity)
        return self.escalation_policies[name] if name else None

    def receivers_for(self, route: Route, severity: str, at: datetime | None = None) -> tuple[str, ...]:
        """The names of the receivers that are told when an incident of this severity opens, in order.

        With an escalation policy those of its levels that start at once; else the route's receiver, or the team's
        `channel`.
        """
        policy = self.escalation(route, severity)
        if policy is None:
            return (route.options.receiver or self.receiver_named("channel", route, at),)
        names = [name for level in policy.levels if not level.after for name in level.notify]
        return tuple(dict.fromkeys(self.receiver_named(name, route, at) for name in names))

    def receiver_named(self, name: str, route: Route, at: datetime | None = None) -> str:
        """The receiver that a `notify` entry means: a role of the route's team first, else what has that name.

        A schedule means whoever is on call at `at`; without a time it stands for itself, and reaches nobody.
        """
        team = self.teams.get(route.options.team or "")
        target = team.roles.get(name, name) if team else name
        schedule = self.schedules.get(target)
        if schedule is not None and at is not None:
            target = schedule.on_call(at).who
        if target not in self.people:
            return target
        called_in_team = receiver_of(target, team.name) if team else ""
        return called_in_team if called_in_team in self.receivers else receiver_of(target)

    def integrations(self, receiver: str) -> tuple[Integration, ...]:
        """The ways in which a receiver is reached."""
        return self.receivers[receiver].integrations

    def integration(self, name: str) -> Integration:
        """The integration with this id. Raises `KeyError` when the policy has none."""
        return self._integrations[name]

    @cached_property
    def _integrations(self) -> Mapping[str, Integration]:
        return {one.id: one for receiver in self.receivers.values() for one in receiver.integrations}


def muted_by(interval: str) -> str:
    """How it is said that one of a route's `mute_time_intervals` holds its messages."""
    return f"muted by time interval {interval}"


def outside(intervals: tuple[str, ...]) -> str:
    """How it is said that none of a route's `active_time_intervals` is open."""
    return f"outside {', '.join(intervals)}"


def in_maintenance(window: str) -> str:
    """How it is said that a window of `maintenance` silences an alert."""
    return f"in maintenance {window}"

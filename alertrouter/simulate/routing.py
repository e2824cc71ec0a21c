"""What the policy would do with a label set at a time.

Routing, holding and inhibition are asked of the same code that the engine runs; nothing is decided here a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from alertrouter.alert import Fingerprint, Labels, fingerprint
from alertrouter.engine.suppression import Inhibitor
from alertrouter.policy.contacts import names_of_people
from alertrouter.policy.escalation import EscalationPolicy
from alertrouter.policy.matcher import Matcher
from alertrouter.policy.policy import Policy, in_maintenance
from alertrouter.policy.route import Match, Route
from alertrouter.policy.timeline import YEARS


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of the tree that was tried on the way.

    `failed` are the matchers that don't hold; none means that the node matched. `answers` says that the alert is
    routed here. `untried` counts the siblings after it that were never tried, because it matched without `continue`.
    """

    depth: int
    route: Route
    failed: tuple[Matcher, ...]
    answers: bool
    untried: int

    @property
    def matched(self) -> bool:
        """Tell whether the alert entered this node."""
        return not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """Who is told on one level of an escalation policy, how long after its start, inside which time interval.

    `alerts` is how many of them it takes, as the policy has it; empty: that doesn't matter. `digest` is how
    often at most it is told.
    """

    after: timedelta
    receivers: tuple[str, ...]
    during: str | None
    alerts: str = ""
    digest: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One route that the alert takes. `path` runs from the root to it; `held` says which time interval holds it."""

    match: Match
    path: tuple[Route, ...]
    receivers: tuple[str, ...]
    escalation: EscalationPolicy | None
    levels: tuple[Notified, ...]
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An inhibition rule that holds the alert back, and the firing alert that explains it."""

    rule: str
    source: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What becomes of one label set. `at` None: at no particular time, so time intervals were left out.

    `maintained` names the open windows of `maintenance` that silence it.
    """

    labels: Labels
    at: datetime | None
    severity: str
    steps: tuple[Step, ...]
    taken: tuple[Taken, ...]
    explained: tuple[Explained, ...]
    maintained: tuple[str, ...] = ()

    @property
    def receivers(self) -> tuple[str, ...]:
        """Who is told at once, route by route. A receiver on two routes is told twice, and stands here twice."""
        return tuple(name for taken in self.taken for name in taken.receivers)

    @property
    def suppressed_by(self) -> tuple[str, ...]:
        """What would hold it: names of inhibition rules, then what holds its routes, as `outside business_hours`.

        Then `in maintenance …`.
        """
        names = [by.rule for by in self.explained] + [taken.held for taken in self.taken if taken.held]
        names += map(in_maintenance, self.maintained)
        return tuple(dict.fromkeys(names))


class _Firing:
    """The alerts that fire meanwhile, ready to be asked which of them hold another back."""

    def __init__(self, policy: Policy, alerts: Iterable[Labels]) -> None:
        self._inhibitor = Inhibitor(policy.inhibit_rules)
        self._labels: dict[Fingerprint, Labels] = {}
        for labels in map(present, alerts):
            name = fingerprint(labels)
            self._labels[name] = labels
            self._inhibitor.add(name, labels)

    def explaining(self, labels: Labels) -> tuple[Explained, ...]:
        sources = self._inhibitor.sources(fingerprint(labels), labels)
        return tuple(Explained(rule=rule, source=self._labels[source]) for rule, source in sources)


def route_alert(
    policy: Policy, labels: Labels, *, now: datetime | None, also_firing: Iterable[Labels] = ()
) -> Simulation:
    """What becomes of an alert with these labels at `now`, while the alerts of `also_firing` fire."""
    return _simulate(policy, labels, now, _Firing(policy, also_firing))


def route_together(
    policy: Policy, label_sets: Sequence[Labels], *, now: datetime | None, also_firing: Iterable[Labels] = ()
) -> tuple[Simulation, ...]:
    """The same for many alerts that all fire at once, so that they can inhibit one another."""
    firing = _Firing(policy, [*label_sets, *also_firing])
    return tuple(_simulate(policy, labels, now, firing) for labels in label_sets)


def moment(text: str, zone: tzinfo) -> datetime:
    """Read a time as `2026-03-02 10:00` or ISO 8601; without an offset it is in `zone`. Raises `ValueError`."""
    at = datetime.fromisoformat(text.strip())
    if at.year not in YEARS:
        raise ValueError(f"found the year {at.year}, expected one from {YEARS[0]} to {YEARS[-1]}")
    return at if at.tzinfo else at.replace(tzinfo=zone)


def present(labels: Labels) -> Labels:
    """The labels without the empty ones: a label that is empty is not there."""
    return {name: value for name, value in labels.items() if value}


def _simulate(policy: Policy, labels: Labels, now: datetime | None, firing: _Firing) -> Simulation:
    labels = present(labels)
    severity = policy.severity(labels)
    matches = policy.routes(labels)
    paths = [_path(policy.root, match.route.id) for match in matches]
    entered = frozenset(route.id for path in paths for route in path)
    return Simulation(
        labels=labels,
        at=now,
        severity=severity,
        steps=tuple(_steps(policy.root, labels, entered, frozenset(match.route.id for match in matches))),
        taken=tuple(_taken(policy, match, path, severity, now) for match, path in zip(matches, paths, strict=True)),
        explained=firing.explaining(labels),
        maintained=policy.maintained(labels, now) if now else (),
    )


def _taken(policy: Policy, match: Match, path: tuple[Route, ...], severity: str, now: datetime | None) -> Taken:
    route = match.route
    escalation = policy.escalation(route, severity)
    levels = [
        Notified(
            after=level.after,
            receivers=_named(
                policy,
                dict.fromkeys(
                    policy.receiver_named(name, route, now + level.after if now else None) for name in level.notify
                ),
            ),
            during=level.during,
            alerts=str(level.alerts or ""),
            digest=level.digest,
        )
        for level in (escalation.levels if escalation else ())
    ]
    return Taken(
        match=match,
        path=path,
        receivers=_named(policy, policy.receivers_for(route, severity, now)),
        escalation=escalation,
        levels=tuple(levels),
        held=policy.held_by(route, now) if now else "",
    )


def _named(policy: Policy, receivers: Iterable[str]) -> tuple[str, ...]:
    """Receivers by their names, people by their own."""
    people = names_of_people(policy.people, policy.teams)
    return tuple(people.get(name, name) for name in receivers)


def _path(node: Route, route_id: str) -> tuple[Route, ...]:
    below = next((child for child in node.routes if child.by_id(route_id)), None)
    return (node, *_path(below, route_id)) if below else (node,)


def _steps(
    node: Route,
    labels: Labels,
    entered: frozenset[str],
    taken: frozenset[str],
    *,
    depth: int = 0,
    untried: int = 0,
) -> Iterator[Step]:
    """Tell the walk that led to `taken`: it is read off the routes that the policy answered, not walked anew."""
    failed = () if node.id in entered else tuple(m for m in node.matchers if not m.matches(labels))
    yield Step(depth=depth, route=node, failed=failed, answers=node.id in taken, untried=untried)
    if failed:
        return
    for place, child in enumerate(node.routes, start=1):
        last = child.id in entered and not child.continues
        rest = len(node.routes) - place if last else 0
        yield from _steps(child, labels, entered, taken, depth=depth + 1, untried=rest)
        if last:
            break

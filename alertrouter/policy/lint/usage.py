"""Checks of what is defined and not used, and of receivers that tell nobody where somebody is to be told."""

from __future__ import annotations

from collections.abc import Iterator

from alertrouter.policy.contacts import PREFIX
from alertrouter.policy.lint.finding import Check, Finding
from alertrouter.policy.lint.places import Places
from alertrouter.policy.policy import Policy


def findings(policy: Policy, places: Places) -> Iterator[Finding]:
    """All that these checks find."""
    yield from _telling_nobody(policy, places)
    for section, kind, names, used in _defined(policy):
        for name in names:
            if name not in used and not name.startswith(PREFIX):
                yield Finding(
                    check=Check.UNUSED,
                    place=places.at(section, name),
                    what=f"nothing uses the {kind} `{name}`",
                    night="who was to be told by it isn't, if somewhere another name stands in its place",
                    mend="leave it out, or use it where it was meant to be",
                )


def _telling_nobody(policy: Policy, places: Places) -> Iterator[Finding]:
    silent = {name for name, receiver in policy.receivers.items() if not receiver.integrations}
    root = policy.root.options.receiver
    if root in silent and not policy.root.options.escalate:
        yield Finding(
            check=Check.TELLS_NOBODY,
            place=places.at("route", "receiver"),
            what=f"the root route tells `{root}`, which has no integrations",
            night="an alert that no route knows is told to nobody",
            mend="give the receiver an integration, `inbox: {}` at least",
        )
    for team in policy.teams.values():
        for role, target in team.roles.items():
            if target in silent:
                yield Finding(
                    check=Check.TELLS_NOBODY,
                    place=places.at("teams", team.name, role),
                    what=f"`{role}` of team `{team.name}` is `{target}`, which has no integrations",
                    night=f"a level that notifies `{role}` reaches nobody",
                    mend="give the receiver an integration, or the role another receiver",
                )


def _defined(policy: Policy) -> Iterator[tuple[str, str, tuple[str, ...], set[str]]]:
    """Every section with names, and those names of it that something refers to."""
    routes = list(policy.root.all())
    levels = [level for ladder in policy.escalation_policies.values() for level in ladder.levels]
    targets = {target for team in policy.teams.values() for target in team.roles.values()}
    notified = {name for level in levels for name in level.notify} | targets
    notified |= {name for ladder in policy.escalation_policies.values() for name in ladder.fallback}
    notified |= {schedule.fallback for schedule in policy.schedules.values()}
    notified |= {str(route.options.receiver) for route in routes}
    on_call = {person for one in policy.schedules.values() for layer in one.layers for person in layer.people}
    on_call |= {override.person for one in policy.schedules.values() for override in one.overrides}
    on_call |= set(policy.people) if any(one.ical for one in policy.schedules.values()) else set()
    teams = {str(route.options.team) for route in routes}
    ladders = {name for route in routes for name in route.options.escalate.values()}
    yield "receivers", "receiver", tuple(policy.receivers), notified
    yield "schedules", "schedule", tuple(policy.schedules), notified
    yield "people", "person", tuple(policy.people), notified | on_call
    yield "teams", "team", tuple(policy.teams), teams
    yield "escalation_policies", "escalation policy", tuple(policy.escalation_policies), ladders

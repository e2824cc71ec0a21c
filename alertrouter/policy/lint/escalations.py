"""Checks of escalation policies, schedules and whom they reach."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from alertrouter.policy.contacts import receiver_of
from alertrouter.policy.duration import format_duration
from alertrouter.policy.escalation import EscalationPolicy, Level
from alertrouter.policy.lint.finding import Check, Finding
from alertrouter.policy.lint.places import Places
from alertrouter.policy.policy import Policy
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.receiver import Channel, Integration
from alertrouter.policy.route import Route

_PAGERS: Final = (Channel.PAGERDUTY, Channel.WEBHOOK)
"""Channels that wake somebody: a webhook may."""

LOOK_AHEAD: Final = timedelta(days=30)
"""How far ahead gaps are looked for."""


def findings(policy: Policy, places: Places, now: datetime) -> Iterator[Finding]:
    """All that these checks find."""
    yield from _severities(policy)
    top = policy.severities[-1]
    for name, ladder in policy.escalation_policies.items():
        yield from _after_raise(ladder, places)
        routes = [route for route in policy.root.all() if route.options.escalate.get(top) == name]
        yield from _paging(policy, ladder, routes, places)
    yield from _schedules(policy, places, now)


def _severities(policy: Policy) -> Iterator[Finding]:
    seen: set[tuple[str | None, tuple[str, ...]]] = set()
    for route in policy.root.all():
        escalate = route.options.escalate
        missing = tuple(severity for severity in policy.severities if severity not in escalate)
        if not escalate or not missing or (route.options.team, missing) in seen:
            continue
        seen.add((route.options.team, missing))
        told = f"`channel` of team `{route.options.team}`" if route.options.team else f"`{route.options.receiver}`"
        named = ", ".join(f"`{severity}`" for severity in missing)
        yield Finding(
            check=Check.NO_POLICY,
            place=Place(route.file, route.line, 1),
            what=f"{named} has no escalation policy here",
            night=f"such an alert is written to {told} once, and nobody else hears of it however long it fires",
            mend="name a policy for it in `escalate`",
        )


def _after_raise(ladder: EscalationPolicy, places: Places) -> Iterator[Finding]:
    if ladder.raises is None or ladder.raises.during:
        return
    raised = ladder.raises.after
    path = ("escalation_policies", ladder.name)
    to = f"`{ladder.raises.to}` after {format_duration(raised)}"
    for number, level in enumerate(ladder.levels, 1):
        if level.after >= raised:
            yield Finding(
                check=Check.AFTER_RAISE,
                place=places.at(*path, "levels", number - 1),
                what=f"level {number} of `{ladder.name}` comes after {format_duration(level.after)}, "
                f"but the incident is raised to {to}",
                night=f"whoever level {number} names is not told by it: the policy of the higher severity begins first",
                mend="let it come before `raise`, or put it into that policy",
            )
    if ladder.repeat and ladder.levels[-1].after < raised <= ladder.levels[-1].after + ladder.repeat.every:
        yield Finding(
            check=Check.AFTER_RAISE,
            place=places.at(*path, "repeat"),
            what=f"the repeat of `{ladder.name}` would begin when the incident is {to} already",
            night="nothing is repeated: the policy of the higher severity begins first",
            mend="leave `repeat` out, or raise later",
        )


# Pages


def _paging(policy: Policy, ladder: EscalationPolicy, routes: list[Route], places: Places) -> Iterator[Finding]:
    """What a policy for the highest severity owes whoever sleeps."""
    if not routes:
        return
    path = ("escalation_policies", ladder.name)
    paging = [level for level in ladder.levels if any(_pages(policy, level, route) for route in routes)]
    top = policy.severities[-1]
    if not paging:
        yield Finding(
            check=Check.NO_PAGE,
            place=places.at(*path),
            what=f"`{ladder.name}` is the policy of `{top}` and pages nobody",
            night="messages are written to channels and mailboxes; who sleeps sleeps on",
            mend="notify a receiver with `pagerduty`, or a person or schedule that has it",
        )
        return
    yield from _slept_through(ladder, top, places)
    if all(level.during for level in paging):
        number = ladder.levels.index(paging[0])
        hours = " and ".join(dict.fromkeys(str(level.during) for level in paging))
        yield Finding(
            check=Check.HELD_PAGE,
            place=places.at(*path, "levels", number, "during"),
            what=f"every page of `{ladder.name}`, for `{top}`, is for {hours} only",
            night=f"outside of {hours} nobody is paged for it",
            mend="add a level that pages at any hour",
        )
    yield from _same(policy, ladder, routes, places)


def _slept_through(ladder: EscalationPolicy, top: str, places: Places) -> Iterator[Finding]:
    """What a policy that pages does when the page, or its acknowledgement, is the last that anybody does."""
    place = places.at("escalation_policies", ladder.name)
    if ladder.repeat is None:
        yield Finding(
            check=Check.NO_REPEAT,
            place=place,
            what=f"`{ladder.name}` pages for `{top}` and has no `repeat`",
            night="if the last page is slept through, nobody is told again until somebody looks by chance",
            mend="add repeat: {every: 30m}, with `from` the level that pages",
        )
    if ladder.ack_timeout is None:
        yield Finding(
            check=Check.NO_ACK_TIMEOUT,
            place=place,
            what=f"acknowledgements of `{ladder.name}` never lapse",
            night="somebody acknowledges half asleep, sleeps on, and nobody is told again while it burns",
            mend="add ack_timeout: 30m",
        )


def _same(policy: Policy, ladder: EscalationPolicy, routes: list[Route], places: Places) -> Iterator[Finding]:
    """Where the pager fails, the next level is told: it must be another way to reach somebody."""
    for route in routes:
        ways = [way for level in ladder.levels for way in _ways(policy, level.notify, route)]
        reached = [way.id for way in ways]
        paged = {way.id for way in ways if way.channel in _PAGERS}
        fallback = [way.id for way in _ways(policy, ladder.fallback, route)]
        if fallback and set(fallback) <= paged:
            yield Finding(
                check=Check.SAME_FALLBACK,
                place=places.at("escalation_policies", ladder.name, "fallback"),
                what=f"the fallback of `{ladder.name}` is what its levels page already, {', '.join(fallback)}",
                night="when a page can't be delivered in time, the one who is told instead is told the same way",
                mend="name a receiver that reaches somebody in another way",
            )
            return
        if reached and not fallback and len(set(reached)) == 1:
            where = f"team `{route.options.team}`" if route.options.team else f"`{route.options.receiver}`"
            yield Finding(
                check=Check.SAME_FALLBACK,
                place=places.at("escalation_policies", ladder.name),
                what=f"all levels of `{ladder.name}` reach {where} in one way, {reached[0]}",
                night="if that one fails, whoever is told next is told through what failed: nobody hears of it",
                mend="let a level notify through another channel",
            )
            return


def _receivers(policy: Policy, name: str, route: Route) -> tuple[str, ...]:
    """The receivers behind a `notify` entry: of a schedule, of all that may be on call."""
    team = policy.teams.get(route.options.team or "")
    target = team.roles.get(name, name) if team else name
    schedule = policy.schedules.get(target)
    if schedule is None:
        return (policy.receiver_named(name, route),)
    people = {person for layer in schedule.layers for person in layer.people} | {schedule.fallback}
    people |= set(policy.people) if schedule.ical else set()  # anybody may stand in a calendar
    return tuple(receiver_of(one) if one in policy.people else one for one in sorted(people))


def _pages(policy: Policy, level: Level, route: Route) -> bool:
    """Tell whether a level reaches PagerDuty, or a webhook, which may page."""
    names = [one for name in level.notify for one in _receivers(policy, name, route)]
    return any(
        one.channel in _PAGERS for name in names if name in policy.receivers for one in policy.integrations(name)
    )


def _ways(policy: Policy, notify: tuple[str, ...], route: Route) -> Iterator[Integration]:
    for name in notify:
        for receiver in _receivers(policy, name, route):
            if receiver in policy.receivers:
                yield from policy.integrations(receiver)


# Schedules


def _schedules(policy: Policy, places: Places, now: datetime) -> Iterator[Finding]:
    for name, schedule in policy.schedules.items():
        people = {person for layer in schedule.layers for person in layer.people}
        if schedule.fallback in people and len(people) == 1 and not schedule.ical:
            yield Finding(
                check=Check.SAME_FALLBACK,
                place=places.at("schedules", name, "fallback"),
                what=f"the fallback of schedule `{name}` is the only one who is on call by it",
                night=f"when {schedule.fallback} can't be reached, the fallback is {schedule.fallback} again",
                mend="name somebody else, or a receiver",
            )
        if schedule.ical and not schedule.shifts:
            continue  # what its calendar says is not known here
        gaps = schedule.gaps(now, now + LOOK_AHEAD)
        if gaps:
            begin, end = (f"{edge.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}" for edge in gaps[0])
            more = f", and {len(gaps) - 1} more times within {LOOK_AHEAD.days} days" if len(gaps) > 1 else ""
            yield Finding(
                check=Check.SCHEDULE_GAP,
                place=places.at("schedules", name),
                what=f"schedule `{name}`: nobody but the fallback `{schedule.fallback}` from {begin} to {end}{more}",
                night=f"whoever should be on call is {schedule.fallback}, who may not know of it",
                mend="add a layer or an override for these times",
            )

"""Two policies that live the same records as they come: the one in force, and one in its shadow. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from alertrouter.errors import AlertrouterError
from alertrouter.policy.policy import Policy
from alertrouter.record import Record, Told
from alertrouter.shadow import ChangedThen, Details, Sums
from alertrouter.simulate.comparison import compare
from alertrouter.simulate.replay import PAGES, Again

MOST_CHANGED: Final = 100
MOST_MESSAGES: Final = 20
"""So many changes are kept, the newest, and of each so many messages a side."""


class CanNotDecide(AlertrouterError):
    """The policy in the shadow can't decide something that the one in force can."""


class Beside:
    """Both runs. The live one follows what comes into force, as the router does."""

    def __init__(self, live: Policy, shadow: Policy, start: datetime) -> None:
        self._live_policy = live
        self._shadow_policy = shadow
        self._live = Again(live, start)
        self._shadow = Again(with_shifts(shadow, live), start)
        self._until = start
        self._paged = 0
        self._followed = 0

    @property
    def until(self) -> datetime:
        """How far time has come."""
        return self._until

    @property
    def mark(self) -> tuple[int, ...]:
        """Changes when there is something new to be told."""
        live, shadow = self._live.lived, self._shadow.lived
        return live.events, self._paged, len(live.messages), len(shadow.messages), self._followed

    def take(self, record: Record) -> None:
        """Let one record happen to both. Raises `CanNotDecide`, and whatever an engine raises."""
        self._until = max(self._until, record.at)
        if isinstance(record, Told):
            self._paged += record.channel in PAGES and not record.over
            return
        self._live.take(record)
        self._shadow.take(record)
        self._compare_faults()

    def follow(self, live: Policy, at: datetime) -> None:
        """Another policy is in force from now on, or the same one with other shifts of its calendars."""
        self._live_policy = live
        self._followed += 1
        self._live.follow(live, at)
        shadow = with_shifts(self._shadow_policy, live)
        if shadow != self._shadow_policy:
            self._shadow.follow(shadow, at)

    def wait(self, until: datetime) -> None:
        """Let time pass for both. Raises as `take`."""
        self._live.wait(until)
        self._shadow.wait(until)
        self._until = max(self._until, until)
        self._compare_faults()

    def sums(self) -> tuple[Sums, Details]:
        """Put the two side by side."""
        found = compare((), self._live.lived, self._shadow.lived, self._shadow_policy)
        sums = Sums(
            until=self._until,
            live=self._live_policy.revision,
            events=self._live.lived.events,
            paged=self._paged,
            pages=found.pages,
            messages=found.messages,
            changed=len(found.changed),
        )
        newest = sorted(found.changed, key=lambda one: one.at, reverse=True)[:MOST_CHANGED]
        details = Details(
            timezone=str(self._shadow_policy.timezone),
            by_receiver=found.by_receiver,
            by_team=found.by_team,
            by_hour=found.by_hour,
            changed=tuple(
                ChangedThen(one.title, one.at, one.old[:MOST_MESSAGES], one.new[:MOST_MESSAGES]) for one in newest
            ),
        )
        return sums, details

    def _compare_faults(self) -> None:
        """What neither can decide is no difference; the live one has it in its quarantine or its log."""
        if len(self._shadow.faults) > len(self._live.faults):
            raise CanNotDecide(self._shadow.faults[-1])


def with_shifts(policy: Policy, live: Policy) -> Policy:
    """The policy as the router would have it: with the shifts that were read of the calendars both have."""
    schedules = {}
    for name, schedule in policy.schedules.items():
        known = live.schedules.get(name)
        if schedule.ical and known is not None and known.ical == schedule.ical:
            shifts = tuple(shift for shift in known.shifts if shift.person in policy.people)
            if shifts != schedule.shifts:
                schedules[name] = replace(schedule, shifts=shifts)
    if not schedules:
        return policy
    return replace(policy, revision=f"{policy.revision}+{live.revision}", schedules={**policy.schedules, **schedules})

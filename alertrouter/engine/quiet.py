"""Looks that found nothing new: where the next one can find nothing else, it is not taken.

Most looks are such: a group fires on, everybody knows, nothing else has happened. What a look comes to follows from the
incident, its alerts, what holds them back, and time. Changes of the first three are noticed; for time there is a moment
up to which it makes no difference. Where that isn't told cheaply (silences, hours, flapping), each look is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from alertrouter.incident import Incident, State, Timer
from alertrouter.policy.opening import HORIZON, switches

if TYPE_CHECKING:
    from alertrouter.engine.memory import Memory
    from alertrouter.engine.suppression import Place
    from alertrouter.engine.view import View


class _Rest(NamedTuple):
    """The incident as a look left it that found nothing, and for how long the next one will find nothing either.

    `until` is the moment from which time alone may bring something. Inhibition of its alerts would come from `places`:
    `inhibited` says when it last changed there, `silences` how many there were.
    """

    incident: Incident
    interval: timedelta
    until: datetime
    places: frozenset[Place]
    inhibited: int
    silences: int


class Quiet:
    """Knows the incidents whose last look found nothing. Who changes alerts says of which incidents."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}
        self.spared = 0
        """How many looks were not taken."""

    def disturb(self, incidents: Iterable[str]) -> None:
        """Something about the alerts of these incidents is otherwise now."""
        for name in incidents:
            self._rests.pop(name, None)

    def clear(self) -> None:
        """Everything may be otherwise now."""
        self._rests.clear()

    def look(self, memory: Memory, name: str, now: datetime) -> Incident | None:
        """The incident as a look at it now leaves it, if that look can find nothing; None: it must be taken."""
        rest = self._rests.get(name)
        if rest is None:
            return None
        if (
            rest.incident is not memory.state.incidents[name]
            or now >= rest.until
            or rest.silences != memory.silencer.taken_in
            or rest.inhibited != memory.inhibitor.changed_at(rest.places)
        ):
            del self._rests[name]
            return None
        moved = replace(rest.incident, timers={**rest.incident.timers, Timer.LOOK: now + rest.interval})
        self._rests[name] = rest._replace(incident=moved)
        self.spared += 1
        return moved

    def note(self, memory: Memory, view: View, before: Incident, after: Incident) -> None:
        """Remember a look that found nothing, if it is known for how long that will be so."""
        look = view.at + view.route.options.group_interval
        if after.timers.get(Timer.LOOK) != look or view.draft.changes or not _unchanged(before, after):
            return
        if after.state not in (State.TRIGGERED, State.ACKNOWLEDGED) or not view.seen.firing or view.seen.held:
            return
        if after.flapping is not None or after.unheard_since is not None or _may_be_silenced(memory, view):
            return
        until = _until(view, after)
        if until > look:
            inhibitor = memory.inhibitor
            places = inhibitor.places_of(view.alerts) if inhibitor.has_rules else frozenset()
            self._rests[after.id] = _Rest(
                incident=after,
                interval=view.route.options.group_interval,
                until=until,
                places=places,
                inhibited=inhibitor.changed_at(places),
                silences=memory.silencer.taken_in,
            )


def _unchanged(before: Incident, after: Incident) -> bool:
    """Tell whether nothing but the time of the next look is otherwise."""
    return before == replace(after, timers={**after.timers, Timer.LOOK: before.timers.get(Timer.LOOK, after.opened_at)})


def _may_be_silenced(memory: Memory, view: View) -> bool:
    """Tell whether a silence, in force or not yet, meets one of its alerts."""
    silencer = memory.silencer
    return bool(silencer) and any(silencer.meets(alert.fingerprint, alert.labels) for alert in view.alerts)


def _until(view: View, incident: Incident) -> datetime:
    """From when on time alone may bring something: another timer, silence of its source, a repeat, its hours."""
    repeat, options = view.route.options.repeat_interval, view.route.options
    moments = [due for timer, due in incident.timers.items() if timer is not Timer.LOOK]
    moments += [alert.updated_at + 2 * repeat for alert in view.alerts if alert.firing(view.at)]
    if view.policy.counts_back:
        moments += [alert.starts_at + view.policy.counts_back for alert in view.alerts if not alert.firing(view.at)]
    if incident.ladder is None:
        if view.policy.schedules:
            return view.at
        moments += [to.last_sent_at + repeat for to in incident.destinations if to.last_sent_at is not None]
    for name in (*options.mute_time_intervals, *options.active_time_intervals):
        moments.append(next(switches(view.policy.time_intervals[name], view.at), view.at + HORIZON))
    return min(moments)

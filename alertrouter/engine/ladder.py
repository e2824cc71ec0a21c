"""The ladder: which level of an escalation policy is told when, while nobody takes an incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alertrouter.engine import telling
from alertrouter.engine.view import View
from alertrouter.incident import Incident, Ladder, Reason, State, Timer
from alertrouter.policy.duration import format_duration
from alertrouter.policy.escalation import EscalationPolicy, Level
from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.opening import after_open, next_opening, open_between
from alertrouter.transition import LATEST, OUTWEIGH_A_STEP, Transition

CLIMBING: Final = (Timer.STEP, Timer.RAISE)
"""The timers of an incident that nobody has taken."""

STOPPABLE: Final = (Timer.STEP, Timer.RAISE, Timer.LAPSE, Timer.WARN)
"""The timers that stand still while it is snoozed or muted."""


def start(view: View, incident: Incident) -> Incident:
    """Begin the escalation policy of the incident's severity at its first level; without one there is no ladder."""
    incident = drop(incident, CLIMBING)
    escalation = view.policy.escalation(view.route, incident.severity)
    if escalation is None:
        return replace(incident, ladder=None, exhausted=False)
    ladder = Ladder(policy=escalation.name, severity=incident.severity, told=0)
    incident = replace(incident, ladder=ladder, exhausted=False)
    incident = plan(view, incident, Timer.STEP, view.at + escalation.levels[0].after)
    return plan_raise(view, incident)


def plan_raise(view: View, incident: Incident) -> Incident:
    """Count from now until its severity is raised, if its escalation policy raises it."""
    escalation = policy_of(view, incident)
    raises = escalation.raises if escalation else None
    if raises is None or incident.ladder is None:
        return incident
    if view.policy.rank(raises.to) <= view.policy.rank(incident.ladder.severity):
        return incident
    return _run(view, incident, Timer.RAISE, raises.after)


def step(view: View, incident: Incident) -> Incident:
    """The next level's time has come: tell it, hold it until its hours, or skip it; then plan the one after."""
    escalation, ladder = policy_of(view, incident), incident.ladder
    incident = drop(incident, (Timer.STEP,))
    if escalation is None or ladder is None or incident.state is not State.TRIGGERED:
        return incident
    if ladder.level >= len(escalation.levels):
        return _after_the_last(view, incident, escalation, ladder)
    level = escalation.levels[ladder.level]
    if level.during:
        opening = next_opening(view.policy.time_intervals[level.during], view.at)
        if opening != view.at and not level.skip_outside and opening is not None:
            view.note(
                incident, f"level {ladder.level + 1} held until {opening:%Y-%m-%d %H:%M} UTC", Reason.OUTSIDE_HOURS
            )
            return plan(view, replace(incident, ladder=replace(ladder, held=True)), Timer.STEP, opening)
        if opening != view.at:
            view.note(incident, f"level {ladder.level + 1} skipped: outside {level.during}", Reason.OUTSIDE_HOURS)
            return _climb(view, incident, escalation, ladder)
    if level.alerts and not ladder.again and not level.alerts.met_by(count := view.alerts_begun(level.alerts.within)):
        why = f"{count} alert{'' if count == 1 else 's'}, asks for {level.alerts}"
        view.note(incident, f"level {ladder.level + 1} skipped: {why}", Reason.UNMET)
        return _climb(view, incident, escalation, ladder)
    incident = _tell(view, incident, level, ladder.level)
    return _climb(view, incident, escalation, replace(ladder, told=ladder.level + 1))


def step_now(view: View, incident: Incident) -> Incident:
    """Tell the next level at once, whatever its time and hours; behind the last one, that one again."""
    escalation, ladder = policy_of(view, incident), incident.ladder
    if escalation is None or ladder is None:
        return incident
    place = min(ladder.level, len(escalation.levels) - 1)
    incident = drop(incident, (Timer.STEP,))
    incident = _tell(view, incident, escalation.levels[place], place)
    return _climb(view, incident, escalation, replace(ladder, level=place, told=place + 1))


def from_the_level_of(view: View, incident: Incident, level: int) -> Incident:
    """Go on from a level that was told already: it is told again now, the later ones keep their distance."""
    if incident.ladder is None:
        return start(view, incident)
    ladder = replace(incident.ladder, level=level, held=False, again=level < incident.ladder.last_told)
    incident = replace(incident, ladder=ladder, exhausted=False)
    return plan_raise(view, plan(view, incident, Timer.STEP, view.at))


def raise_severity(view: View, incident: Incident) -> Incident:
    """Nobody took it for so long that it counts as more severe; that severity's policy starts at its first level."""
    escalation = policy_of(view, incident)
    incident = drop(incident, (Timer.RAISE,))
    if escalation is None or escalation.raises is None or incident.state is not State.TRIGGERED:
        return incident
    to = escalation.raises.to
    after = format_duration(escalation.raises.after)
    incident = view.transit(incident, Transition.RAISE, f"nobody took it for {after}: it counts as {to}")
    incident = replace(incident, severity=to, raised=to, peak=max(incident.peak, to, key=view.policy.rank))
    return start(view, incident)


def ack_timeout(view: View, incident: Incident) -> timedelta | None:
    """How long an acknowledgement holds; None: until it is over."""
    escalation = policy_of(view, incident) or view.policy.escalation(view.route, incident.severity)
    return escalation.ack_timeout if escalation else None


def plan(view: View, incident: Incident, timer: Timer, due: datetime) -> Incident:
    """Set a timer; while the incident stands still it is kept as the time that it has left."""
    if timer in STOPPABLE and stands_still(incident):
        return replace(incident, paused={**incident.paused, timer: max(due - view.at, timedelta())})
    return replace(incident, timers={**incident.timers, timer: due})


def left(view: View, incident: Incident, timer: Timer) -> timedelta | None:
    """How much time a timer has left, running or standing still; None when it isn't set.

    Of hours that alone count, only those that count. A level that waits for its hours has none left: its time has come.
    """
    due = incident.timers.get(timer)
    if due is None:
        return incident.paused.get(timer)
    if timer is Timer.STEP and incident.ladder is not None and incident.ladder.held:
        return timedelta()
    hours = _hours(view, incident) if timer is Timer.RAISE else None
    return open_between(hours, view.at, due) if hours else max(due - view.at, timedelta())


def _run(view: View, incident: Incident, timer: Timer, time: timedelta) -> Incident:
    """Let a timer run for so long, counted in the hours that count for it."""
    hours = _hours(view, incident) if timer is Timer.RAISE else None
    if stands_still(incident) or not hours or not time:
        return plan(view, incident, timer, view.at + time)
    due = after_open(hours, view.at, time)
    return plan(view, incident, timer, due) if due else incident


def _hours(view: View, incident: Incident) -> Sequence[TimeInterval] | None:
    """The hours that alone count until its severity is raised; None: all of them."""
    escalation = policy_of(view, incident)
    during = escalation.raises.during if escalation and escalation.raises else None
    return view.policy.time_intervals[during] if during else None


def drop(incident: Incident, timers: tuple[Timer, ...]) -> Incident:
    """Forget timers, running or standing still."""
    return replace(
        incident,
        timers={timer: due for timer, due in incident.timers.items() if timer not in timers},
        paused={timer: left for timer, left in incident.paused.items() if timer not in timers},
    )


def stands_still(incident: Incident) -> bool:
    """Tell whether its ladder waits for a snooze or a suppression to end."""
    return incident.snooze is not None or bool(incident.muted)


def pause(view: View, incident: Incident) -> Incident:
    """Stop the timers of the ladder with the time that they have left."""
    paused = {timer: time for timer in STOPPABLE if (time := left(view, incident, timer)) is not None}
    running = {timer: due for timer, due in incident.timers.items() if timer not in STOPPABLE}
    return replace(incident, timers=running, paused=paused)


def resume(view: View, incident: Incident) -> Incident:
    """Let the timers go on with the time that they had left, unless something else still holds them."""
    if stands_still(incident):
        return incident
    paused = incident.paused
    incident = replace(incident, paused={})
    for timer, time in paused.items():
        incident = _run(view, incident, timer, time)
    if incident.ack is not None and Timer.LAPSE in paused:
        incident = replace(incident, ack=replace(incident.ack, until=incident.timers[Timer.LAPSE]))
    return incident


def policy_of(view: View, incident: Incident) -> EscalationPolicy | None:
    """Name the escalation policy that it climbs; None when it climbs none."""
    return view.policy.escalation_policies[incident.ladder.policy] if incident.ladder else None


def _tell(view: View, incident: Incident, level: Level, place: int) -> Incident:
    names = tuple(dict.fromkeys(view.policy.receiver_named(name, view.route, view.at) for name in level.notify))
    again = f", the {_nth((incident.ladder.loops if incident.ladder else 0) + 1)} time" if _loops(incident) else ""
    why = incident.latest if _just_happened(view, incident) else Reason.ESCALATED
    incident = view.transit(incident, Transition.STEP, f"level {place + 1}{again}: {', '.join(names)}")
    incident = replace(incident, latest=why)
    return telling.page(view, incident, names, level.digest)


def _just_happened(view: View, incident: Incident) -> bool:
    """Tell whether this very moment brought what outweighs a step."""
    names = [one for one, reason in LATEST.items() if reason is incident.latest and reason in OUTWEIGH_A_STEP]
    return any(line.incident == incident.id and line.transition in names for line in view.draft.changes.timeline)


def _loops(incident: Incident) -> int:
    return incident.ladder.loops if incident.ladder else 0


def _climb(view: View, incident: Incident, escalation: EscalationPolicy, ladder: Ladder) -> Incident:
    """Plan the level after the one at `ladder.level`, counted from now: a late one moves those behind it."""
    here = escalation.levels[ladder.level]
    ladder = replace(ladder, level=ladder.level + 1, stepped=incident.version, held=False, again=False)
    incident = replace(incident, ladder=ladder)
    if ladder.level < len(escalation.levels):
        return plan(view, incident, Timer.STEP, view.at + escalation.levels[ladder.level].after - here.after)
    repeat = escalation.repeat
    if repeat is not None and (repeat.times is None or ladder.loops < repeat.times):
        return plan(view, incident, Timer.STEP, view.at + repeat.every)
    incident = view.transit(incident, Transition.DONE, "no level is left, and nobody has taken it")
    return replace(incident, exhausted=True)


def _after_the_last(view: View, incident: Incident, escalation: EscalationPolicy, ladder: Ladder) -> Incident:
    """The pause behind the last level is over: go on from the level that `repeat` names."""
    if escalation.repeat is None:
        return incident
    place = escalation.repeat.from_level - 1
    incident = view.transit(incident, Transition.LOOP, f"from level {place + 1} again")
    incident = replace(incident, ladder=replace(ladder, level=place, loops=ladder.loops + 1))
    return step(view, incident)


def _nth(number: int) -> str:
    return f"{number}{'st' if number == 1 else 'nd' if number == 2 else 'rd' if number == 3 else 'th'}"

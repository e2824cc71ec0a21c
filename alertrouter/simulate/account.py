"""What an alert's timeline tells: the engine's own story of its incidents, with who was told by each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from alertrouter.alert import Labels
from alertrouter.delivery import Delivery
from alertrouter.engine.changes import Changes
from alertrouter.incident import Incident, Reason, State
from alertrouter.policy.contacts import names_of_people
from alertrouter.policy.policy import Policy
from alertrouter.policy.timeline import Expectation, Kind
from alertrouter.transition import TimelineLine, Transition

_SETTLED: Final = frozenset({Reason.SENT, Reason.FAILED, Reason.CANCELLED})
_CHANGE_SEVERITY: Final = frozenset({Transition.RAISE, Transition.WORSE, Transition.BETTER})

_KINDS: Final[dict[Transition | None, Kind]] = {
    Transition.LAPSE: Kind.LAPSE,
    Transition.FLAP: Kind.FLAP,
    Transition.CALM: Kind.CALM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened to an incident of the alert: a transition, or else a reason.

    `told` are the receivers that get a message by it, `ended` those that are told of the end, `severity` is the new
    one when it changed.
    """

    offset: timedelta
    incident: str
    route: str
    transition: Transition | None = None
    reason: Reason | None = None
    text: str = ""
    told: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    severity: str = ""


class Account:
    """Follows the incidents of one alert, and writes what happens to them; offsets count from `start`."""

    def __init__(self, policy: Policy, start: datetime) -> None:
        self.lines: list[Line] = []
        self.incidents: dict[str, Incident] = {}
        self._policy = policy
        self._start = start
        self._people = names_of_people(policy.people, policy.teams)
        self._groups: set[tuple[str, str]] = set()
        self._lost: set[str] = set()

    def follow(self, labels: Labels) -> None:
        """Take the incidents that an alert with these labels joins as its own."""
        self._groups |= {(match.route.id, match.group_key) for match in self._policy.routes(labels)}

    def note(self, at: datetime, text: str, incident: Incident | None, reason: Reason) -> None:
        """Write a line of our own."""
        line = Line(offset=at - self._start, incident="", route="", reason=reason, text=text)
        self.lines.append(replace(line, incident=incident.id, route=incident.route) if incident else line)

    def name(self, delivery: Delivery) -> str:
        """Whom it tells: people by their own names."""
        return self._people.get(delivery.receiver, delivery.receiver)

    def lose(self, delivery: Delivery) -> None:
        """Take note, before it is told of, that a delivery does not arrive: nobody is told by it."""
        self._lost.add(delivery.id)

    def arrive(self, at: datetime, delivery: Delivery) -> None:
        """Write that a delivery arrived that had been lost so far."""
        self._lost.discard(delivery.id)
        incident = self.incidents.get(delivery.incident)
        if incident is None or delivery.redraw:
            return
        ended = delivery.reason is Reason.RESOLVED
        line = Line(offset=at - self._start, incident=incident.id, route=incident.route, reason=delivery.reason)
        name = (self.name(delivery),)
        text = f"{delivery.id} arrives"
        self.lines.append(replace(line, text=text, told=() if ended else name, ended=name if ended else ()))

    def keep(self, at: datetime, changes: Changes) -> None:
        """Write what a step of the engine told of the alert."""
        before = dict(self.incidents)
        for name, incident in changes.incidents.items():
            if incident is not None and (incident.route, incident.group_key) in self._groups:
                self.incidents[name] = incident
        arriving = [one for one in changes.deliveries if not one.redraw and one.id not in self._lost]
        told = {f"{one.id} to {one.destination}": one for one in arriving}
        step: list[Line] = []
        for said in changes.timeline:
            if said.incident in self.incidents and said.reason not in _SETTLED:
                delivery, line = told.get(said.text), self._line(said)
                step = _with(step, delivery, line, self.name(delivery)) if delivery else [*step, line]
        for name, old in before.items():
            new = self.incidents[name]
            if new.severity != old.severity and old.state is not State.PENDING:
                text = f"{old.severity} → {new.severity}"
                own = Line(offset=at - self._start, incident=name, route=new.route, text=text)
                step = _with_severity(step, old, own, new.severity)
        self.lines += step

    def _line(self, said: TimelineLine) -> Line:
        return Line(
            offset=said.at - self._start,
            incident=said.incident,
            route=self.incidents[said.incident].route,
            transition=said.transition,
            reason=said.reason,
            text=said.text,
        )


def _with(step: list[Line], delivery: Delivery, own: Line, name: str) -> list[Line]:
    """Add a message to the transition that sent it; without one it is a line of its own."""
    place = next((n for n in reversed(range(len(step))) if step[n].incident == delivery.incident), None)
    ends = own.reason is Reason.RESOLVED
    if place is None or (step[place].transition is None and step[place].reason is not delivery.reason):
        step, place = [*step, replace(own, text="")], len(step)
    line = step[place]
    told, ended = ((), (name,)) if ends else ((name,), ())
    line = replace(
        line, told=tuple(dict.fromkeys((*line.told, *told))), ended=tuple(dict.fromkeys((*line.ended, *ended)))
    )
    return [*step[:place], line, *step[place + 1 :]]


def _with_severity(step: list[Line], old: Incident, own: Line, severity: str) -> list[Line]:
    """Mark the transition that changed an incident's severity; without one it is a line of its own, before the rest."""
    for number, line in enumerate(step):
        if line.incident == old.id and line.transition in _CHANGE_SEVERITY:
            return [*step[:number], replace(line, severity=severity), *step[number + 1 :]]
    return [replace(own, severity=severity), *step]


def expectations(line: Line) -> Iterator[Expectation]:
    """Give the lines of `expect:` that it would meet."""
    if line.severity:
        yield Expectation(line.offset, Kind.SEVERITY, line.severity)
    if line.transition in _KINDS:
        yield Expectation(line.offset, _KINDS[line.transition])
    for name in line.told:
        yield Expectation(line.offset, Kind.TOLD, name)
    for name in line.ended:
        yield Expectation(line.offset, Kind.END, name)

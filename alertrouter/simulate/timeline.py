"""An alert's whole life under a policy: the engine itself on a virtual clock.

Deliveries arrive at once, unless an event says that their receiver fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from alertrouter.alert import AlertReport, Labels
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import (
    AlertsReceived,
)
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.policy.duration import format_duration
from alertrouter.policy.policy import Policy
from alertrouter.policy.timeline import OF_RECEIVERS, Expectation, Happening, Verb
from alertrouter.simulate.account import Account, Line, expectations
from alertrouter.simulate.acts import action, settled
from alertrouter.simulate.routing import present
from alertrouter.transition import Transition

LONGEST_WAIT: Final = timedelta(hours=1)
"""How long before `start` the clock begins to run. A longer `group_wait` counts from the alert's start all the same."""

SAID_AGAIN: Final = timedelta(hours=1)
"""How often a source repeats that an alert fires; more often where a route's `repeat_interval` is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How an incident stands at the end of the timeline, and what would come next."""

    incident: str
    state: State
    severity: str
    next: tuple[tuple[Timer, timedelta], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What became of one alert from `start`, the moment at which its first incident opens, to `until` after it."""

    labels: Labels
    start: datetime
    until: timedelta
    lines: tuple[Line, ...]
    ahead: tuple[Ahead, ...]

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """The same as the lines of `expect:` that a test would have."""
        return tuple(one for line in self.lines for one in expectations(line))


def live(
    policy: Policy,
    labels: Labels,
    *,
    start: datetime,
    until: timedelta,
    events: Sequence[Happening] = (),
    also_firing: Iterable[Labels] = (),
) -> Timeline:
    """Let an alert fire so that its first incident opens at `start`, and tell what happens up to `until` after it.

    The alerts of `also_firing` fire before it, unless the first that `events` say of them is that they fire. At one
    moment events come in the order in which they stand, and before timers.
    """
    life = _Life(policy, labels, start, also_firing)
    planned = sorted(events, key=lambda one: one.offset)
    # Whether a receiver can be reached in the first moment is settled before that comes.
    ahead = [one for one in planned if not one.offset and one.verb in OF_RECEIVERS]
    for happening in ahead:
        life.reach(happening.value, happening.verb)
    spoken = next((one for one in planned if one.verb is Verb.OTHERS), None)
    if spoken is None or spoken.value != Verb.FIRE:
        life.report(life.others, fire=True)
    life.report([life.labels], fire=True)
    life.wait(life.start)
    for happening in planned:
        if happening.offset <= until and happening not in ahead:
            life.happen(happening)
    life.wait(life.start + until)
    return Timeline(
        labels=life.labels, start=life.start, until=until, lines=tuple(life.account.lines), ahead=life.ahead()
    )


class _Life:
    """One engine, its virtual clock, and what it told of the alert."""

    def __init__(self, policy: Policy, labels: Labels, start: datetime, also_firing: Iterable[Labels]) -> None:
        self.labels = present(labels)
        self.others = [present(other) for other in also_firing]
        # Whole seconds: what opens at nine comes at an offset that can be written down.
        self.start = start.astimezone(UTC).replace(microsecond=0)
        self.account = Account(policy, self.start)
        self.account.follow(self.labels)
        self._policy = policy
        self._keys = 0
        self._firing: list[Labels] = []
        self._said_at = self.start
        self._failing: dict[str, Verb] = {}
        self._flying: dict[str, Delivery] = {}
        repeats = [match.route.options.repeat_interval for match in policy.routes(self.labels)]
        self._say_every = min(SAID_AGAIN, *repeats)
        wait = min(match.route.options.group_wait for match in policy.routes(self.labels))
        self._began = self.start - wait
        self._now = self.start - min(wait, LONGEST_WAIT)
        state = EngineState(policies={policy.revision: {}}, active=policy.revision)
        self._engine = Engine(state, now=self._now, loaded={policy.revision: policy})

    def wait(self, until: datetime) -> None:
        """Let time pass, timer by timer, so that what one timer owed has arrived before the next."""
        while (due := self._engine.next_due()) is not None and due <= until:
            self._say_again(due)
            self._take(self._engine.advance(due))
        self._now = until
        self._take(self._engine.advance(until))

    def happen(self, happening: Happening) -> None:
        """Let one line of `events:` happen; timers of the same moment come after it."""
        at = self.start + happening.offset
        while (due := self._engine.next_due()) is not None and due < at:
            self._say_again(due)
            self._take(self._engine.advance(due))
        self._now = at
        match happening.verb:
            case Verb.FIRE | Verb.RESOLVE:
                self.report([self.labels], fire=happening.verb is Verb.FIRE)
            case Verb.OTHERS:
                self.report(self.others, fire=happening.value == Verb.FIRE)
            case Verb.SEVERITY:
                self._weigh(happening.value)
            case Verb.FAIL | Verb.STALL | Verb.RECOVER:
                self.reach(happening.value, happening.verb)
            case _:
                self._act(happening)

    def report(self, alerts: Sequence[Labels], *, fire: bool) -> None:
        """Let a source report alerts, as firing or as over."""
        if alerts:
            self._receive(tuple(self._said(labels, fire=fire) for labels in alerts))
            self._firing = [one for one in self._firing if one not in alerts] + [*alerts] * fire

    def _say_again(self, at: datetime) -> None:
        """Let the source repeat what fires, as sources do: what is never repeated would count as stale."""
        if at < self._said_at + self._say_every or not self._firing:
            return
        self._now = self._said_at = at
        self._receive(tuple(self._said(labels, fire=True) for labels in self._firing))

    def ahead(self) -> tuple[Ahead, ...]:
        """How its incidents stand now."""
        standing = [one for name in self.account.incidents if (one := self._engine.state.incidents.get(name))]
        return tuple(
            Ahead(
                incident=one.id,
                state=one.state,
                severity=one.severity,
                next=tuple(
                    (timer, one.timers[timer] - self.start)
                    for timer in (Timer.WAKE, Timer.LAPSE, Timer.RAISE, Timer.OVERDUE, Timer.STEP)
                    if timer in one.timers
                ),
            )
            for one in standing
        )

    def _weigh(self, severity: str) -> None:
        """Its source reports it with another severity: the one is over, and the other fires."""
        before = self.labels
        self.labels = {**before, "severity": severity}
        self.account.follow(self.labels)
        over = () if before == self.labels else (self._said(before, fire=False),)
        self._receive((*over, self._said(self.labels, fire=True)))
        self._firing = [*(one for one in self._firing if one != before), self.labels]

    def _said(self, labels: Labels, *, fire: bool) -> AlertReport:
        starts_at = self._began if self._now < self.start else self._now
        return AlertReport.of(labels, starts_at=starts_at, ends_at=None if fire else self._now)

    def _receive(self, reports: tuple[AlertReport, ...]) -> None:
        event = AlertsReceived(at=self._now, actor="simulation", key=self._key(), alerts=reports)
        self._take(self._engine.apply(event))

    def _act(self, happening: Happening) -> None:
        """Let a person act on every incident of the alert."""
        names = [name for name in self.account.incidents if name in self._engine.state.incidents]
        if not names:
            self.account.note(self._now, f"{happening.actor}: there is no incident any more", None, Reason.REFUSED)
        for name in names:
            incident = self._engine.state.incidents[name]
            first = len(self.account.lines)
            key = self._key()
            changes = self._engine.apply(action(happening, incident, self._now, key))
            self._take(changes)
            answer = changes.answers[key]
            if answer.transition is None and len(self.account.lines) == first:
                self.account.note(self._now, f"{happening.actor}: {answer.text}", incident, Reason.REFUSED)
            if happening.verb is Verb.ACK:
                self._say_what_it_cancels(first, incident)

    def _say_what_it_cancels(self, first: int, before: Incident) -> None:
        cancels = self._cancels(before)
        lines = self.account.lines
        for number, line in enumerate(lines[first:], first):
            if line.transition is Transition.ACK and cancels:
                lines[number] = replace(line, text=f"{line.text}; cancels {' and '.join(cancels)}")

    def _cancels(self, before: Incident) -> list[str]:
        """What an acknowledgement of the incident takes off its clock."""
        escalation = self._policy.escalation_policies[before.ladder.policy] if before.ladder else None
        if before.ladder is None or escalation is None:
            return []
        found = []
        if Timer.STEP in before.timers:
            place = before.ladder.level
            what = f"level {place + 1}" if place < len(escalation.levels) else "the repeat"
            found.append(f"{what} (+{format_duration(before.timers[Timer.STEP] - self.start)})")
        if Timer.RAISE in before.timers and escalation.raises:
            to = escalation.raises.to
            found.append(f"the raise to {to} (+{format_duration(before.timers[Timer.RAISE] - self.start)})")
        return found

    def _key(self) -> str:
        self._keys += 1
        return f"simulation-{self._keys}"

    def _take(self, changes: Changes) -> None:
        """Keep what a step told of the alert; what it owes arrives at once, is refused, or is on its way for long."""
        at = self._engine.clock
        failing = {one.id: self._failing.get(self.account.name(one)) for one in changes.deliveries}
        for delivery in changes.deliveries:
            if failing[delivery.id]:
                self.account.lose(delivery)
        self.account.keep(at, changes)
        for name in changes.recalled.keys() & self._flying.keys():
            self._take(self._engine.apply(settled(self._flying.pop(name), at, Outcome.CANCELLED)))
        for delivery in changes.deliveries:
            match failing[delivery.id]:
                case Verb.STALL:
                    self._flying[delivery.id] = delivery
                case Verb.FAIL:
                    self._take(self._engine.apply(settled(delivery, at, Outcome.FAILED)))
                case _:
                    self._take(self._engine.apply(settled(delivery, at, Outcome.SENT)))

    def reach(self, receiver: str, verb: Verb) -> None:
        """A receiver fails from now on, or can be reached again; then what is on its way to it arrives."""
        self._failing.pop(receiver, None)
        if verb is not Verb.RECOVER:
            self._failing[receiver] = verb
            return
        for delivery in [one for one in self._flying.values() if self.account.name(one) == receiver]:
            del self._flying[delivery.id]
            self.account.arrive(self._now, delivery)
            self._take(self._engine.apply(settled(delivery, self._now, Outcome.SENT)))

"""Incidents in each state, and everything that can happen to one: what the table of transitions is checked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from alertrouter.delivery import Outcome
from alertrouter.events import (
    Acknowledged,
    Action,
    Escalated,
    Extended,
    Noted,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from alertrouter.incident import Incident, State, Timer
from alertrouter.transition import TRANSITIONS, Transition
from tests.engine.story import Story, at

POLICY: Final = """
severities: [info, warning, critical]
reopen_within: 10m
flapping: {flips: 2, within: 30m, stable_for: 2m}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
teams:
  ops: {channel: chat, oncall: pager}
escalation_policies:
  warn:
    raise: {to: critical, after: 15m}
    ack_timeout: 20m
    deliver_within: 90s
    levels: [{notify: channel}, {after: 5m, notify: oncall}]
    repeat: {every: 2m, times: 1}
  page:
    ack_timeout: 5m
    levels: [{notify: channel}, {after: 2m, notify: oncall}]
route:
  team: ops
  group_by: [alertname]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 30m
  escalate: {info: warn, warning: warn, critical: page}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname="Disk"'], equal: [node]}
"""

NOW: Final = 100
"""The second at which it happens."""

Pair: TypeAlias = tuple[State | None, Transition]


@dataclass
class Scene:
    """A story in which the alerts of one disk make one incident: host a is of severity info, host b is a warning."""

    story: Story
    said: str = ""

    @property
    def incident(self) -> Incident | None:
        """The disk's incident, None when it has none."""
        found = [one for one in self.story.engine.state.incidents.values() if one.group_labels["alertname"] == "Disk"]
        return found[0] if found else None

    @property
    def transitions(self) -> list[Pair]:
        """What happened to the disk's incidents, each transition with the state in which it happened."""
        lines = [line for line in self.story.timeline if line.transition is not None]
        named = {line.incident for line in lines if line.transition is Transition.NEW and line.text.startswith("Disk")}
        pairs: list[Pair] = []
        states: dict[str, State | None] = {}
        for line in lines:
            if line.incident in named and line.transition is not None:
                pairs.append((states.get(line.incident), line.transition))
                states[line.incident] = TRANSITIONS[pairs[-1]]
        return pairs

    def fire(self, second: float, host: str, severity: str) -> None:
        """An alert of the disk fires."""
        self.story.fire(second, "Disk", host=host, severity=severity, node="n1")

    def end(self, second: float, host: str, severity: str) -> None:
        """An alert of the disk is over."""
        self.story.end(second, "Disk", host=host, severity=severity, node="n1")

    def act(self, kind: type[Action], second: float = NOW, actor: str = "@omar", **more: object) -> None:
        """A person does something to the incident; keeps what they are told."""
        name = self.incident.id if self.incident else "INC-9"
        self.said = self.story.act(second, kind, actor, name, **more).text


def nothing(hold: bool) -> Scene:
    """No incident."""
    return Scene(Story(POLICY, hold=hold))


def pending(hold: bool) -> Scene:
    """It waits for `group_wait` to pass."""
    scene = nothing(hold)
    scene.fire(NOW - 10, "a", "info")
    scene.fire(NOW - 10, "b", "warning")
    return scene


def triggered(hold: bool) -> Scene:
    """It opened a while ago."""
    scene = nothing(hold)
    scene.fire(10, "a", "info")
    scene.fire(10, "b", "warning")
    scene.story.advance(50)
    return scene


def acknowledged(hold: bool) -> Scene:
    """Lena has it."""
    scene = triggered(hold)
    scene.act(Acknowledged, 60, "@lena")
    return scene


def resolved(hold: bool) -> Scene:
    """Its source said that it is over."""
    scene = triggered(hold)
    scene.end(60, "a", "info")
    scene.end(60, "b", "warning")
    scene.story.advance(NOW)
    return scene


SCENES: Final[dict[State | None, Callable[[bool], Scene]]] = {
    None: nothing,
    State.PENDING: pending,
    State.TRIGGERED: triggered,
    State.ACKNOWLEDGED: acknowledged,
    State.RESOLVED: resolved,
}


def another_fires(scene: Scene) -> None:
    """One more alert, no worse than the others."""
    scene.fire(NOW, "c", "info")


def fires_again(scene: Scene) -> None:
    """The source repeats what it reported."""
    scene.fire(NOW, "b", "warning")


def worse_fires(scene: Scene) -> None:
    """One more alert, worse than the others; seen at once by what climbs, else when `group_wait` is over."""
    scene.fire(NOW, "c", "critical")
    scene.story.advance(NOW + 40)


def worst_ends(scene: Scene) -> None:
    """The worst of its alerts is over, the other fires on."""
    scene.end(NOW, "b", "warning")
    scene.story.advance(NOW + 60)


def all_end(scene: Scene) -> None:
    """The source says that it is over."""
    scene.end(NOW, "a", "info")
    scene.end(NOW, "b", "warning")
    scene.story.advance(NOW + 60)


def held_back(scene: Scene) -> None:
    """Another alert explains it, and then no longer."""
    scene.story.fire(NOW, "NodeDown", node="n1", severity="info")
    scene.story.advance(NOW + 60)
    scene.story.end(NOW + 61, "NodeDown", node="n1", severity="info")
    scene.story.advance(NOW + 121)


def settles(outcome: Outcome) -> Callable[[Scene], None]:
    """A delivery that is on its way ends."""

    def settle(scene: Scene) -> None:
        flying = [one for one in scene.story.deliveries if one.id not in scene.story.settled]
        for delivery in flying[:1]:
            scene.story.settle(delivery, NOW, outcome=outcome)

    return settle


def new_policy(scene: Scene) -> None:
    """Another policy becomes the active one."""
    scene.story.activate(POLICY.replace("after: 5m", "after: 50m"), NOW)


def acts(kind: type[Action], actor: str = "@omar", **more: object) -> Callable[[Scene], None]:
    """A person does something."""
    return lambda scene: scene.act(kind, NOW, actor, **more)


def comes(timer: Timer) -> Callable[[Scene], None]:
    """The first moment of a timer comes, if it is set."""

    def come(scene: Scene) -> None:
        incident = scene.incident
        due = incident.timers.get(timer) if incident else None
        if due is None:
            scene.said = "not set"
            return
        scene.story.advance((due - at(0)).total_seconds())

    return come


def is_forgotten(scene: Scene) -> None:
    """All that it is looked at again, until its time to fire again is over."""
    while (incident := scene.incident) is not None and (due := incident.timers.get(Timer.LOOK)) is not None:
        scene.story.advance((due - at(0)).total_seconds())
        if incident.state is not State.RESOLVED:
            return


def flaps(scene: Scene) -> None:
    """It ends and fires again, twice, is quiet for a moment, and then fires for good."""
    for second in (NOW, NOW + 120, NOW + 240):
        for host, severity in (("a", "info"), ("b", "warning")):
            scene.end(second, host, severity)
        scene.story.advance(second + 61)
        scene.fire(second + 62, "b", "warning")
        scene.story.advance(second + 93)
    scene.story.advance(NOW + 480)


def flaps_and_is_taken(scene: Scene) -> None:
    """Somebody takes it each time before it is looked at; then it is quiet, and over."""
    for second in (NOW, NOW + 120):
        for host, severity in (("a", "info"), ("b", "warning")):
            scene.end(second, host, severity)
        scene.story.advance(second + 61)
        scene.fire(second + 62, "b", "warning")
        scene.act(Acknowledged, second + 63)
        scene.story.advance(second + 93)
    scene.said = ""
    scene.story.advance(NOW + 420)


def not_reported(scene: Scene) -> None:
    """Its source says nothing of it for more than an hour; who has it wants longer."""
    scene.act(Extended, until=at(NOW + 7200))
    scene.said = ""
    scene.story.advance(NOW + 3700)


def snooze_runs_out(scene: Scene) -> None:
    """Quiet for ten seconds, and then the timer of that."""
    scene.act(Snoozed, until=at(NOW + 10))
    scene.story.advance(NOW + 10)


HAPPENINGS: Final[dict[str, Callable[[Scene], None]]] = {
    "another fires": another_fires,
    "fires again": fires_again,
    "a worse one fires": worse_fires,
    "the worst ends": worst_ends,
    "all end": all_end,
    "held back for a minute": held_back,
    "flaps": flaps,
    "flaps and is taken": flaps_and_is_taken,
    "not reported any more": not_reported,
    "delivery sent": settles(Outcome.SENT),
    "delivery failed": settles(Outcome.FAILED),
    "delivery cancelled": settles(Outcome.CANCELLED),
    "another policy": new_policy,
    "ack": acts(Acknowledged),
    "ack by who has it": acts(Acknowledged, "@lena"),
    "extend": acts(Extended, until=at(NOW + 3600)),
    "extend into the past": acts(Extended, until=at(NOW - 1)),
    "unack": acts(Unacknowledged),
    "snooze": acts(Snoozed, until=at(NOW + 3600)),
    "snooze into the past": acts(Snoozed, until=at(NOW - 1)),
    "resolve": acts(Resolved),
    "resolve by force": acts(Resolved, force=True),
    "escalate": acts(Escalated),
    "escalate by an old button": acts(Escalated, version=1),
    "note": acts(Noted, text="looking"),
    "timer wake": snooze_runs_out,
    "timer look": is_forgotten,
    "timer lapse": comes(Timer.LAPSE),
    "timer warn": comes(Timer.WARN),
    "timer raise": comes(Timer.RAISE),
    "timer overdue": comes(Timer.OVERDUE),
    "timer step": comes(Timer.STEP),
}

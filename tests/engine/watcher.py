"""The watcher, who follows a random story from the outside and checks what must always hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from alertrouter.alert import AlertReport, Fingerprint, fingerprint_of
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.silencing import Silencer
from alertrouter.events import (
    Action,
    Extended,
    Gone,
    HeldThere,
    Missed,
    Noted,
    Resolved,
    SilenceExpired,
    SilenceSet,
    Snoozed,
    SourceReconciled,
)
from alertrouter.incident import State, Timer
from alertrouter.silence import SilenceMatcher
from tests.engine.random_steps import POLICY, Step
from tests.engine.story import Story, at, ended, firing, persisted, snapshot

TELLS_ANEW = {"opened", "joined", "reopened", "repeated", "escalated", "raised", "silence over"}
"""Why somebody is told of a fire; what is silenced is no reason to."""
Part = tuple[str, tuple[Fingerprint, ...], tuple[Fingerprint, ...]]
"""An incident, and which of its alerts a message tells as firing, and as over."""


@dataclass
class Watcher:
    """Follows a story from the outside and checks what must always hold."""

    every_look: bool = False
    story: Story = field(init=False)
    second: float = 0
    log: list[bytes] = field(default_factory=list)
    born: set[str] = field(default_factory=set)
    told: dict[tuple[str, str], set[Fingerprint]] = field(default_factory=dict)
    warned: set[tuple[str, str]] = field(default_factory=set)
    flying: dict[str, object] = field(default_factory=dict)
    recalled: set[str] = field(default_factory=set)
    parts: dict[str, list[Part]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin the story."""
        self.story = Story(POLICY, hold=True, every_look=self.every_look)

    def live(self, step: Step) -> None:
        """Do one step of the story, then check."""
        match step:
            case ("fire", str(name), str(cluster), str(severity), ends_in, int(wait)):
                self.second += wait
                stop = self.second + ends_in if isinstance(ends_in, int) else None
                report = firing(name, self.second, ends=stop, cluster=cluster, severity=severity)
                self.check(self.story.report(self.second, report))
            case ("end", str(name), str(cluster), str(severity), int(wait)):
                self.second += wait
                report = ended(name, self.second, started=-1, cluster=cluster, severity=severity)
                self.check(self.story.report(self.second, report))
            case ("reconcile", str(name), str(cluster), str(severity), str(what), int(ago), int(wait)):
                self.second += wait
                self.reconcile(firing(name, self.second, cluster=cluster, severity=severity), ago, what)
            case ("pass", int(wait)):
                self.second += wait
                self.check(self.story.advance(self.second))
            case ("settle", int(which), bool(sent), int(wait)):
                self.second += wait
                self.settle(which, sent=sent)
            case ("act", kind, str(actor), int(number), bool(force), int(wait)):
                self.second += wait
                self.act(kind, actor, f"INC-{number}", force=force)  # type: ignore[arg-type]  # one of `kinds`
            case ("silence", asked, int(start), int(length), bool(with_alerts), int(wait)):
                self.second += wait
                self.silence(asked, start, length, with_alerts=with_alerts)  # type: ignore[arg-type]  # of `matchers`
            case ("unsilence", int(which), bool(extends), int(wait)):
                self.second += wait
                self.unsilence(which, extends=extends)
            case ("restart",):
                self.restart()

    def reconcile(self, report: AlertReport, ago: int, what: str) -> None:
        """Polls agreed for a while that an alert fires at its source, or fires no more: a later report of it wins."""
        mark, since = fingerprint_of(bytes(report.labels)), at(self.second - ago)
        event = SourceReconciled(
            at=at(self.second),
            actor="reconcile",
            key=f"poll-{len(self.log)}",
            source="am",
            looks=3,
            missed=(Missed(report, since),) if what == "missed" else (),
            gone=(Gone(mark, since),) if what == "gone" else (),
            held=(HeldThere(mark, "silenced" if what == "held" else ""),) if what in ("held", "freed") else (),
            heard=(mark,) if what == "heard" else (),
        )
        # Timers that are due before it fire first, as they would with any event.
        before = self.story.engine.advance(at(self.second) - timedelta(microseconds=1))
        self.check(self.story.take(before))
        known = self.story.engine.state.alerts.get(mark)
        self.check(self.story.take(self.story.engine.apply(event)))
        now = self.story.engine.state.alerts.get(mark)
        if what in ("held", "freed"):
            assert now == known
            over = [one for one in self.story.engine.state.incidents.values() if one.state is State.RESOLVED]
            assert not any(one.upstream for one in over)
        elif what == "heard":
            assert known == (now and replace(now, updated_at=known.updated_at if known else now.updated_at))
        elif known is not None and known.updated_at > since:
            assert now is not None
            assert now.firing(event.at) == known.firing(event.at)
        elif what == "missed":
            assert now is not None
            assert now.firing(event.at)
        elif known is not None and known.ends_at is None:
            assert now is None or not now.firing(event.at)

    def silence(
        self,
        asked: tuple[SilenceMatcher, ...],
        start: int,
        length: int,
        *,
        with_alerts: bool = False,
        name: str = "",
        starts_at: datetime | None = None,
    ) -> None:
        """Somebody asks for silence, or changes one."""
        begins = starts_at or at(self.second + start)
        event = SilenceSet(
            at=at(self.second),
            actor="sam",
            key=f"silence-{len(self.log)}",
            matchers=asked,
            starts_at=begins,
            ends_at=max(begins, at(self.second)) + timedelta(seconds=length),
            created_by="sam",
            with_alerts=with_alerts,
            silence=name,
        )
        self.check(self.story.take(self.story.engine.apply(event)))
        assert self.story.last.answers[event.key].silence in self.story.engine.state.silences

    def unsilence(self, which: int, *, extends: bool) -> None:
        """Somebody ends a silence, or makes it longer."""
        known = sorted(self.story.engine.state.silences.values(), key=lambda one: one.id)
        if not known:
            return
        chosen = known[which % len(known)]
        if extends:
            self.silence(chosen.matchers, 0, 600, name=chosen.id, starts_at=chosen.starts_at)
            return
        event = SilenceExpired(at=at(self.second), actor="sam", key=f"end-{len(self.log)}", silence=chosen.id)
        self.check(self.story.take(self.story.engine.apply(event)))
        assert not self.story.engine.state.silences[chosen.id].in_force(at(self.second))

    def act(self, kind: type[Action], actor: str, incident: str, *, force: bool) -> None:
        """A person does something."""
        more: dict[str, object] = {}
        if kind in (Snoozed, Extended):
            more["until"] = at(self.second + 300)
        if kind is Noted:
            more["text"] = "looking"
        if kind is Resolved:
            more["force"] = force
        answer = self.story.act(self.second, kind, actor, incident, **more)
        self.check(self.story.last)
        assert answer.text

    def settle(self, which: int, *, sent: bool) -> None:
        """One of the deliveries on their way ends."""
        if not self.flying:
            return
        chosen = sorted(self.flying)[which % len(self.flying)]
        delivery = next(one for one in self.story.deliveries if one.id == chosen)
        del self.flying[delivery.id]
        recalled = delivery.id in self.recalled and not sent
        if sent:
            for incident, fires, over in self.parts[delivery.id]:
                known = self.told.setdefault((incident, delivery.destination), set())
                warned = (incident, delivery.destination) in self.warned and delivery.redraw
                assert warned or set(over) <= known, "heard of an end without having been told of the fire"
                known -= set(over)
                if delivery.reason != "silence about to end":
                    known |= set(fires)
                else:  # a warning names what fires and tells nobody of it; it is drawn as over when that is
                    self.warned.add((incident, delivery.destination))
        outcome = Outcome.SENT if sent else Outcome.CANCELLED if recalled else Outcome.FAILED
        self.check(self.story.settle(delivery, self.second, outcome=outcome))

    def parts_of(self, delivery: Delivery) -> list[Part]:
        """What a delivery tells of each incident: one, or in a summary many."""
        if not delivery.entries:
            return [(delivery.incident, delivery.firing, delivery.resolved)]
        incidents = self.story.engine.state.incidents
        flights = [(one.id, to.in_flight) for one in incidents.values() for to in one.destinations if to.in_flight]
        parts = [(name, flight.firing, flight.resolved) for name, flight in flights if flight.delivery == delivery.id]
        assert {name for name, *_ in parts} == {entry.incident for entry in delivery.entries}
        return parts

    def restart(self) -> None:
        """The router dies and comes back with what was persisted."""
        self.story.take(self.story.engine.touched_changes())
        state = persisted(self.story.engine.state)
        state.alive_at = self.story.engine.clock
        self.story.engine = Engine(state, now=state.alive_at, every_look=self.every_look)

    def check(self, changes: Changes) -> None:
        """What must hold after every step."""
        self.log.append(snapshot(changes))
        self.recalled |= set(changes.recalled)
        assert self.recalled <= self.born | {one.id for one in changes.deliveries}
        for delivery in changes.deliveries:
            assert delivery.redraw or delivery.reason == "resolved" or delivery.state is not State.ACKNOWLEDGED, (
                "an acknowledged incident paged somebody"
            )
            assert delivery.id not in self.born, "a delivery was issued twice"
            self.born.add(delivery.id)
            parts = self.parts[delivery.id] = self.parts_of(delivery)
            others = [d for d in self.story.deliveries if d.id in self.flying]
            flying = {(incident, other.destination) for other in others for incident, *_ in self.parts[other.id]}
            assert not flying & {(incident, delivery.destination) for incident, *_ in parts}
            self.flying[delivery.id] = delivery
            assert delivery.firing or delivery.resolved or delivery.entries, "a message about nothing"
            assert delivery.redraw or delivery.reason not in TELLS_ANEW or self.heard(delivery), "silence was broken"
        for incident in self.story.engine.state.incidents.values():
            assert incident.due is not None, "an open incident that nothing will ever look at"
            climbing = incident.state is State.TRIGGERED and incident.ladder is not None
            waits = Timer.STEP in incident.timers or Timer.STEP in incident.paused
            assert not climbing or waits or incident.exhausted, "a ladder that nobody climbs"
            taken = incident.ack is not None
            assert incident.state is State.RESOLVED or taken == (incident.state is State.ACKNOWLEDGED)
        for alert in self.story.engine.state.alerts.values():
            assert alert.incidents, "an alert that belongs nowhere"
            assert set(alert.incidents) <= set(self.story.engine.state.incidents)
        counted = dict.fromkeys(State, 0)
        for incident in self.story.engine.state.incidents.values():
            counted[incident.state] += 1
        assert self.story.engine.counts_by_state() == counted

    def heard(self, delivery: Delivery) -> bool:
        """Tell whether one of the alerts that a message is about is not silenced."""
        silencer = Silencer(self.story.engine.state.silences.values())
        firing = [mark for _, fires, _ in self.parts[delivery.id] for mark in fires]
        if delivery.entries and not firing:
            return True
        alerts = [self.story.engine.state.alerts[name] for name in firing]
        return any(not silencer.holding(None, alert.labels, delivery.born_at) for alert in alerts)

    def finish(self) -> None:
        """Everything is over and every delivery arrives; two days pass."""
        for _ in range(4):
            self.second += 700
            over = [
                ended(name, self.second, started=-1, cluster=cluster, severity=severity)
                for name in "ABCD"
                for cluster in ("c1", "c2", "c3")
                for severity in ("info", "warning", "critical", "odd")
            ]
            self.check(self.story.report(self.second, *over))
            for _ in range(400):
                if not self.flying:
                    break
                self.settle(0, sent=True)
            self.second += 700
            self.check(self.story.advance(self.second))
        self.second += 6 * 24 * 3600
        self.check(self.story.advance(self.second))

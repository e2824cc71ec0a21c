"""What holds for the engine whatever happens, shown on random stories."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.incident import State
from tests.engine.story import Story, ended, firing, persisted, snapshot

POLICY = """
severities: [info, warning, critical]
reopen_within: 10m
receivers:
  chat: {webhook: {url: "${CHAT_URL}"}}
  pager: {webhook: [{url: "${PAGER_URL}"}, {url: "${OTHER_URL}"}]}
teams:
  ops: {channel: chat, oncall: pager}
time_intervals:
  some_minutes:
    - times: [{start_time: "10:05", end_time: "10:20"}]
escalation_policies:
  note: {levels: [{notify: channel}]}
  page: {levels: [{notify: [channel, oncall]}]}
route:
  team: ops
  escalate: {info: note, warning: note, critical: page}
  group_by: [cluster]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 5m
  routes:
    - {matchers: ['alertname="A"'], receiver: pager, continue: true, group_by: [alertname]}
    - {matchers: ['cluster="c2"'], team: ops, mute_time_intervals: [some_minutes]}
inhibit_rules:
  - {name: r1, source_matchers: ['alertname="A"'], target_matchers: ['alertname=~"B|C"'], equal: [cluster]}
  - {name: r2, source_matchers: ['severity="critical"'], target_matchers: ['severity=~".+"'], equal: [alertname]}
"""

names = st.sampled_from(["A", "B", "C", "D"])
clusters = st.sampled_from(["c1", "c2", "c3"])
severities = st.sampled_from(["info", "warning", "critical", "odd"])
seconds = st.integers(min_value=0, max_value=400)

fires = st.tuples(st.just("fire"), names, clusters, severities, st.none() | st.integers(1, 600), seconds)
ends = st.tuples(st.just("end"), names, clusters, severities, seconds)
passes = st.tuples(st.just("pass"), seconds)
settles = st.tuples(st.just("settle"), st.integers(0, 50), st.booleans(), seconds)
restarts = st.tuples(st.just("restart"))
stories = st.lists(fires | fires | ends | passes | settles | settles | restarts, max_size=40)

Step = tuple[object, ...]


@dataclass
class Watcher:
    """Follows a story from the outside and checks what must always hold."""

    story: Story = field(default_factory=lambda: Story(POLICY, hold=True))
    second: float = 0
    log: list[bytes] = field(default_factory=list)
    born: set[str] = field(default_factory=set)
    told: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    flying: dict[str, object] = field(default_factory=dict)

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
            case ("pass", int(wait)):
                self.second += wait
                self.check(self.story.advance(self.second))
            case ("settle", int(which), bool(sent), int(wait)):
                self.second += wait
                self.settle(which, sent=sent)
            case ("restart",):
                self.restart()

    def settle(self, which: int, *, sent: bool) -> None:
        """One of the deliveries on their way ends."""
        if not self.flying:
            return
        chosen = sorted(self.flying)[which % len(self.flying)]
        delivery = next(one for one in self.story.deliveries if one.id == chosen)
        del self.flying[delivery.id]
        if sent:
            known = self.told.setdefault((delivery.incident, delivery.destination), set())
            assert set(delivery.resolved) <= known, "heard of an end without having been told of the fire"
            known -= set(delivery.resolved)
            known |= set(delivery.firing)
        self.check(self.story.settle(delivery, self.second, sent=sent))

    def restart(self) -> None:
        """The router dies and comes back with what was persisted."""
        self.story.take(self.story.engine.touched_changes())
        state = persisted(self.story.engine.state)
        state.alive_at = self.story.engine.clock
        self.story.engine = Engine(state, now=state.alive_at)

    def check(self, changes: Changes) -> None:
        """What must hold after every step."""
        self.log.append(snapshot(changes))
        for delivery in changes.deliveries:
            assert delivery.id not in self.born, "a delivery was issued twice"
            self.born.add(delivery.id)
            others = [d for d in self.story.deliveries if d.id in self.flying]
            assert (delivery.incident, delivery.destination) not in {(d.incident, d.destination) for d in others}
            self.flying[delivery.id] = delivery
            assert delivery.firing or delivery.resolved, "a message about nothing"
        for incident in self.story.engine.state.incidents.values():
            assert incident.due is not None, "an open incident that nothing will ever look at"
        for alert in self.story.engine.state.alerts.values():
            assert alert.incidents, "an alert that belongs nowhere"
            assert set(alert.incidents) <= set(self.story.engine.state.incidents)
        counted = dict.fromkeys(State, 0)
        for incident in self.story.engine.state.incidents.values():
            counted[incident.state] += 1
        assert self.story.engine.counts_by_state() == counted

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


@settings(max_examples=150, deadline=None)
@given(stories)
def test_the_same_story_gives_the_same_changes(steps: list[Step]) -> None:
    """Deterministic, byte for byte, restarts included; and the invariants hold after every step."""
    first, second = Watcher(), Watcher()

    for step in steps:
        first.live(step)
        second.live(step)

    assert first.log == second.log


@settings(max_examples=150, deadline=None)
@given(stories)
def test_a_restart_between_any_two_steps_changes_nothing(steps: list[Step]) -> None:
    """What is persisted is all that counts: an engine loaded anew goes on exactly as the old one would."""
    steady, restarted = Watcher(), Watcher()

    for step in steps:
        steady.live(step)
        restarted.live(step)
        restarted.restart()

    assert steady.log == restarted.log


@settings(max_examples=150, deadline=None)
@given(stories)
def test_everybody_told_of_a_fire_is_told_of_its_end_and_nothing_is_left(steps: list[Step]) -> None:
    """When all is over and all arrives, nobody still believes in a fire, and the memory is empty."""
    watcher = Watcher()

    for step in steps:
        watcher.live(step)
    watcher.finish()

    assert {who: what for who, what in watcher.told.items() if what} == {}
    assert (watcher.story.engine.state.alerts, watcher.story.engine.state.incidents) == ({}, {})
    assert watcher.story.engine.next_due() is None

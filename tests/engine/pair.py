"""The engine and the model living the same random story: policies, steps, and the comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hypothesis import note
from hypothesis import strategies as st

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
from alertrouter.incident import Reason
from tests.engine.model import Model
from tests.engine.rulebook import RECEIVERS, SEVERITIES, TEN_O_CLOCK, TICK, Rules, Rung, Site, yaml
from tests.engine.story import Story, at

HOURS: Final = ("early", "late")

KINDS: Final[dict[str, type[Action]]] = {
    "ack": Acknowledged,
    "unack": Unacknowledged,
    "extend": Extended,
    "snooze": Snoozed,
    "escalate": Escalated,
    "note": Noted,
    "resolve": Resolved,
    "force": Resolved,
}


@dataclass(frozen=True)
class Step:
    """Something that happens `wait` after what came before it: an alert fires or ends, or a person acts."""

    wait: int
    what: str
    which: str = ""
    length: int = 0


ticks = st.integers(0, 6).map(lambda number: number * TICK)
lengths = st.integers(1, 12).map(lambda number: number * TICK)


@st.composite
def rules(draw: st.DrawFn, severity: str) -> Rules:
    """A random escalation policy for a severity."""
    count = draw(st.integers(1, 4))
    rungs = []
    after = 0
    for place in range(count):
        after += draw(ticks) if place else draw(st.sampled_from([0, 0, TICK, 3 * TICK]))
        hours = draw(st.sampled_from(["", "", "", *HOURS]))
        notify = draw(st.lists(st.sampled_from(RECEIVERS), min_size=1, max_size=2, unique=True))
        least = draw(st.sampled_from([0, 0, 2, 3]))
        within = draw(st.sampled_from([0, 2 * TICK, 6 * TICK])) if least else 0
        rungs.append(Rung(tuple(notify), after, hours, bool(hours) and draw(st.booleans()), least, within))
    higher = SEVERITIES[SEVERITIES.index(severity) + 1 :]
    raises = draw(st.sampled_from(["", *higher])) if higher else ""
    repeats = draw(st.booleans())
    return Rules(
        rungs=tuple(rungs),
        ack_timeout=draw(ticks),
        raise_to=raises,
        raise_after=draw(lengths) if raises else 0,
        raise_hours=draw(st.sampled_from(["", *HOURS])) if raises else "",
        every=draw(lengths) if repeats else 0,
        resume=draw(st.integers(1, count)) if repeats else 1,
        times=draw(st.sampled_from([None, 1, 2])) if repeats else None,
    )


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    """Hours of the day near the story's beginning, in seconds since midnight."""
    begin = TEN_O_CLOCK + 60 * draw(st.integers(-5, 20))
    return begin, begin + 60 * draw(st.integers(1, 15))


sites = st.builds(
    Site,
    rules=st.fixed_dictionaries({name: rules(name) for name in SEVERITIES}),
    hours=st.fixed_dictionaries({name: spans() for name in HOURS}),
    group_wait=st.sampled_from([0, 0, TICK]),
    group_interval=st.sampled_from([TICK, 60, 300]),
    reopen_within=st.sampled_from([60, 600]),
)

alerts = st.builds("{}-{}".format, st.sampled_from("ab"), st.sampled_from(SEVERITIES))
waits = st.integers(0, 20).map(lambda number: number * TICK)
fires = st.builds(Step, waits, st.just("fire"), alerts)
ends = st.builds(Step, waits.filter(bool), st.just("end"), alerts)
actions = st.builds(Step, waits, st.sampled_from([*KINDS, "ack"]), st.sampled_from(["@lena", "@omar"]), lengths)
stories = st.lists(fires | fires | ends | actions | actions | actions, max_size=15).map(
    lambda steps: [Step(0, "fire", "a-warning"), *steps]
)


class Pair:
    """The engine and the model, living the same story."""

    def __init__(self, site: Site) -> None:
        self.model = Model(site)
        self.story = Story(yaml(site))
        self.second = 0
        self.number = 0

    def live_through(self, steps: Iterable[Step]) -> None:
        """Let all of it happen to both, and half an hour after it."""
        note(yaml(self.model.site))
        for step in steps:
            self.live(step)
        self.pass_time(1800)

    def live(self, step: Step) -> None:
        """Let one thing happen to both."""
        self.second += step.wait
        self.story.advance(self.second - 1)
        self._notice()
        answers = self.happen(step)
        self.compare(f"after {step}", answers)

    def happen(self, step: Step) -> tuple[str, str] | None:
        """Let an alert fire or end, or a person act; gives what came of that, by the engine and by the model."""
        if step.what == "fire":
            self.number += self.model_is_empty_at(self.second)
            self.story.fire(self.second, step.which, severity=step.which.rpartition("-")[2])
            self.model.fire(self.second, step.which)
        elif step.what == "end":
            self.story.end(self.second, step.which, severity=step.which.rpartition("-")[2])
            self.model.end(self.second, step.which)
        else:
            return self.act(step)
        return None

    def act(self, step: Step) -> tuple[str, str]:
        """Let a person act; gives what came of it, by the engine and by the model."""
        more: dict[str, object] = {"key": f"{step}-{self.second}-{len(self.story.timeline)}"}
        until = self.second + step.length
        if step.what in ("extend", "snooze"):
            more["until"] = at(until)
        if step.what == "note":
            more["text"] = "looking"
        if step.what == "force":
            more["force"] = True
        before = len(self.story.timeline)
        answer = self.story.act(self.second, KINDS[step.what], step.which, f"INC-{self.number}", **more)
        late = [line for line in self.story.timeline[before:] if line.transition == "LATE"]
        found = "LATE" if late else answer.transition.value if answer.transition else ""
        return found, self.model.act(self.second, step.what, step.which, until)

    def pass_time(self, seconds: int) -> None:
        """Let nothing but time happen."""
        self.second += seconds
        self.story.advance(self.second)
        self._notice()
        self.model.live(self.second)
        self.compare("at the end", None)

    def model_is_empty_at(self, second: int) -> bool:
        """Tell whether the model knows of no incident when something fires now."""
        self.model.reach(second)
        return self.model.trouble is None

    def compare(self, when: str, answers: tuple[str, str] | None) -> None:
        """Nobody was paged by one and not by the other, and both see the same incident."""
        note(f"{self.second}s {when}")
        paged = {
            (int(told.second), told.to.split("/")[0])
            for told, one in zip(self.story.told, self.story.deliveries, strict=True)
            if not one.redraw and told.reason not in (Reason.JOINED, Reason.CHANGED)
        }
        assert "incidents_parked" not in self.story.counts, "a rule that the engine could not decide"
        assert (paged - self.model.pages, self.model.pages - paged) == (set(), set()), "engine's alone, model's alone"
        if answers is not None:
            assert answers[0] == answers[1], "what came of it: engine's, model's"
        assert self._engine_sees() == self._model_sees(), "engine's, model's"

    def _engine_sees(self) -> tuple[str, str, bool]:
        incident = self.story.engine.state.incidents.get(f"INC-{self.number}")
        if incident is None:
            return "none", "", False
        return incident.state.value, incident.severity, incident.exhausted

    def _model_sees(self) -> tuple[str, str, bool]:
        trouble = self.model.trouble
        return (trouble.state, trouble.severity, trouble.exhausted) if trouble else ("none", "", False)

    def _notice(self) -> None:
        """Tell the model when the engine saw by itself that all is over."""
        ends = [line.at for line in self.story.timeline if line.text == "all its alerts are over"]
        self.model.notices = {int((moment - at(0)).total_seconds()) for moment in ends}

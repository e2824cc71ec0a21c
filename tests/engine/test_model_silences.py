"""The engine against the same interpreter while somebody silences all that fires: the clocks stand, nobody is told."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alertrouter.silence import SilenceMatcher
from tests.engine.model import Model
from tests.engine.pair import Pair, Step, actions, alerts, lengths, sites, waits
from tests.engine.rulebook import Rules, Rung, Site
from tests.engine.silences import ask, end
from tests.engine.story import ended, firing
from tests.engine.trouble import Trouble

ALL = (SilenceMatcher("severity", ".+", is_regex=True),)
"""What fires in a story is silenced as a whole: then who was told knows of all that fires, or of nothing."""

PATIENT = Site(
    {
        name: Rules((Rung(("chat",), 0), Rung(("pager",), 120)), ack_timeout=90)
        for name in ("info", "warning", "critical")
    }
)
"""The chat at once, the pager two minutes later."""


class SilencedModel(Model):
    """The rules once more, with silences of everything: each a moment from which it holds, and one until which."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.silences: list[tuple[int, int]] = []

    def silence(self, second: int, until: int) -> None:
        """Somebody silences all of it."""
        self.reach(second)
        self.silences.append((second, until))

    def unsilence(self, second: int) -> None:
        """Somebody ends all silences."""
        self.reach(second)
        self.silences = [(begin, min(until, second)) for begin, until in self.silences]

    @property
    def silent(self) -> bool:
        """Whether a silence holds at this moment."""
        return any(begin <= self.now < until for begin, until in self.silences)

    def _stands_still(self, trouble: Trouble) -> bool:
        return super()._stands_still(trouble) or self.silent

    def _moment(self) -> None:
        """Look at once where a silence begins or ends."""
        trouble = self.trouble
        turns = any(self.now in span for span in self.silences)
        if trouble is not None and turns and trouble.state in ("triggered", "acknowledged"):
            trouble.look_at = self.now
        super()._moment()


class SilencedPair(Pair):
    """The engine and the model again. What fires again does so as a whole, and all of it is over at once."""

    model: SilencedModel

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.model = SilencedModel(site)
        self.known: dict[str, None] = {}
        self.asked: list[str] = []

    def happen(self, step: Step) -> tuple[str, str] | None:
        """Let an alert fire with all that did before, all be over, somebody silence it all, or do something else."""
        second = self.second
        match step.what:
            case "fire":
                self.known[step.which] = None
                self.number += self.model_is_empty_at(second)
                self.story.report(second, *(firing(name, second, severity=_severity(name)) for name in self.known))
                for name in self.known:
                    self.model.fire(second, name)
            case "over":
                self.story.report(second, *(ended(name, second, severity=_severity(name)) for name in self.known))
                for name in self.known:
                    self.model.end(second, name)
            case "silence":
                key = f"silence-{len(self.asked)}"
                self.asked.append(ask(self.story, second, until=second + step.length, matchers=ALL, key=key).silence)
                self.model.silence(second, second + step.length)
            case "unsilence":
                for name in self.asked:
                    end(self.story, second, name)
                self.model.unsilence(second)
            case "escalate" if self.model_is_silent_at(second):
                pass  # the level counts as told, and its receivers hear of it when they may: a story for itself
            case _:
                return self.act(step)
        return None

    def model_is_silent_at(self, second: int) -> bool:
        """Tell whether a silence holds when something happens now."""
        self.model.reach(second)
        return self.model.silent


def _severity(name: str) -> str:
    return name.rpartition("-")[2]


fires = st.builds(Step, waits, st.just("fire"), alerts)
overs = st.builds(Step, waits.filter(bool), st.just("over"))
silences = st.builds(Step, waits, st.just("silence"), length=lengths)
unsilences = st.builds(Step, waits, st.just("unsilence"))
stories = st.lists(fires | overs | silences | silences | unsilences | actions | actions, max_size=15).map(
    lambda steps: [Step(0, "fire", "a-warning"), *steps]
)


@settings(max_examples=150, deadline=None)
@given(sites, stories)
@example(PATIENT, [Step(0, "fire", "a-warning"), Step(60, "silence", length=360)])
@example(PATIENT, [Step(0, "fire", "a-warning"), Step(60, "silence", length=360), Step(90, "unsilence")])
@example(PATIENT, [Step(0, "silence", length=120), Step(30, "fire", "a-warning"), Step(30, "over")])
@example(PATIENT, [Step(0, "fire", "a-warning"), Step(30, "ack", "@lena"), Step(30, "silence", length=300)])
def test_the_engine_pages_whom_the_rules_say_and_nobody_while_all_is_silenced(site: Site, steps: list[Step]) -> None:
    """Who was told hears of the end through it; when it is over, the ladder goes on where it stood."""
    SilencedPair(site).live_through(steps)

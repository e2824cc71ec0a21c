"""What is healed and what is not: stories of looks at a source, and what must hold in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import Alert, Fingerprint, Labels, fingerprint, pack
from alertrouter.reconcile.compare import A_FEW, WARY, Course, Listed, Look, Rules, Verdict, compare
from tests.times import at

RULES = Rules(looks=3, gap=timedelta(seconds=150))
SOON = timedelta(seconds=60)


def mark_of(name: str) -> Fingerprint:
    """The fingerprint of an alert of this name."""
    return fingerprint({"alertname": name})


def known_as(name: str, *, updated: float = 0, ended: float | None = None) -> Alert:
    """An alert as it is known here."""
    packed = pack({"alertname": name})
    return Alert(
        fingerprint=mark_of(name),
        packed_labels=packed,
        packed_annotations=pack({}),
        starts_at=at(),
        ends_at=None if ended is None else at(minutes=ended),
        updated_at=at(minutes=updated),
    )


def listed_as(name: str, *, fires: bool = True, ours: bool = True) -> Listed:
    """An alert as a source lists it."""
    return Listed({"alertname": name}, {}, at(), "", fires=fires, ours=ours)


@dataclass
class Watch:
    """A source that is looked at once a minute, and what is known here."""

    known: dict[str, Alert] = field(default_factory=dict)
    seen: frozenset[Fingerprint] = frozenset()
    course: Course = field(default_factory=Course)
    minute: float = 0
    wait: timedelta | None = SOON
    opened: list[tuple[float, str]] = field(default_factory=list)
    resolved: list[tuple[float, str]] = field(default_factory=list)
    last: Verdict | None = None

    def look(
        self,
        *names: str,
        doubt: str = "",
        later: float = 1,
        elsewhere: Iterable[str] = (),
        more: Mapping[str, Listed] = {},
    ) -> None:
        """A minute later the source lists these."""
        self.minute += later
        listed = {mark_of(name): listed_as(name) for name in names}
        listed |= {mark_of(name): one for name, one in more.items()}
        look = Look(at(minutes=self.minute), listed, self.tells_within, doubt)
        known = {mark_of(name): alert for name, alert in self.known.items()}
        there = frozenset(mark_of(name) for name in elsewhere)
        verdict = self.last = compare(self.course, look, known, self.seen, RULES, there)
        self.course, self.seen = verdict.course, verdict.seen
        names_of = {mark_of(name): name for name in (*names, *more, *self.known)}
        self.opened += sorted((self.minute, names_of[mark]) for mark in verdict.missed)
        self.resolved += sorted((self.minute, names_of[mark]) for mark in verdict.gone)

    def tells_within(self, labels: Labels, now: object) -> timedelta | None:
        """How long the source may take."""
        return self.wait


def test_what_is_listed_and_not_known_is_opened_when_looks_agree() -> None:
    """Given an alert that only the source knows, when three looks agree, then it is opened, not before."""
    watch = Watch()

    for _ in range(4):
        watch.look("A")

    assert watch.opened == [(3, "A")]


def test_what_the_source_may_still_tell_by_itself_is_waited_for() -> None:
    """Given a source that waits for its group interval, when that is over, then it is opened."""
    watch = Watch(wait=timedelta(minutes=5))

    for _ in range(8):
        watch.look("A")

    assert watch.opened == [(6, "A")]


def test_what_the_source_holds_back_is_not_opened() -> None:
    """What is silenced or inhibited there, muted by its hours, or goes elsewhere, is not for us."""
    watch = Watch()
    muted = Watch(wait=None)

    for _ in range(9):
        watch.look(more={"A": listed_as("A", fires=False), "B": listed_as("B", ours=False)})
        muted.look("A")

    assert watch.opened == muted.opened == []


def test_an_alert_that_comes_and_goes_between_looks_begins_anew() -> None:
    """Looks count only in a row."""
    watch = Watch()

    for names in (["A"], ["A"], [], ["A"], ["A"]):
        watch.look(*names)

    assert watch.opened == []


def test_what_is_listed_no_more_is_resolved_when_looks_agree() -> None:
    """Given an alert that was listed and fires here, when three looks miss it, then it is over."""
    watch = Watch({"A": known_as("A"), "B": known_as("B")})
    watch.look("A", "B")

    for _ in range(3):
        watch.look("B")

    assert watch.resolved == [(4, "A")]


def test_what_the_source_never_listed_is_not_its_to_end() -> None:
    """An alert that came another way, or goes elsewhere there, is not over because this source doesn't list it."""
    watch = Watch({"A": known_as("A"), "B": known_as("B"), "C": known_as("C")})
    watch.look("B", more={"C": listed_as("C", ours=False)})

    for _ in range(9):
        watch.look("B")

    assert watch.resolved == []


def test_what_is_held_back_there_is_not_over() -> None:
    """A silence there hides an alert from the webhook, and not from the list."""
    watch = Watch({"A": known_as("A")})
    watch.look("A")

    for _ in range(9):
        watch.look(more={"A": listed_as("A", fires=False, ours=False)})

    assert watch.resolved == []


def test_an_absence_that_is_doubted_proves_nothing() -> None:
    """One replica that doesn't answer, or has just started, and all looks before it count no more."""
    watch = Watch({"A": known_as("A"), "B": known_as("B")})
    watch.look("A", "B")

    for doubt in ("", "", "am-1 did not answer", "", "", "am-1 has just started", "", ""):
        watch.look("B", doubt=doubt)
    assert watch.resolved == []
    watch.look("B")

    assert watch.resolved == [(10, "A")]


def test_a_gap_between_looks_begins_them_anew() -> None:
    """A machine that slept has seen nothing meanwhile."""
    watch = Watch({"A": known_as("A"), "B": known_as("B")})
    watch.look("A", "B")

    watch.look("B")
    watch.look("B")
    watch.look("B", later=3)
    watch.look("B")

    assert watch.resolved == []


def test_an_answer_that_leaves_nothing_takes_longer_to_be_believed() -> None:
    """Given one alert, when the source lists nothing at all any more, then nine looks must agree."""
    watch = Watch({"A": known_as("A")})
    watch.look("A")

    for _ in range(RULES.looks * WARY):
        watch.look()

    assert watch.resolved == [(1 + RULES.looks * WARY, "A")]


def test_an_answer_that_leaves_little_of_much_takes_longer_to_be_believed() -> None:
    """When most of many alerts are missing at once, nine looks must agree; a few are no wonder."""
    many = [f"A{number}" for number in range(2 * A_FEW)]
    watch = Watch({name: known_as(name) for name in many})
    watch.look(*many)

    for _ in range(RULES.looks):
        watch.look(*many[: A_FEW - 1])
    assert watch.last is not None
    assert watch.last.wary
    assert watch.resolved == []
    for _ in range(RULES.looks * (WARY - 1)):
        watch.look(*many[: A_FEW - 1])

    assert len(watch.resolved) == A_FEW + 1


def test_a_report_meanwhile_begins_the_looks_anew() -> None:
    """An alert that is repeated by somebody after it was first missed fires still."""
    watch = Watch({"A": known_as("A"), "B": known_as("B")})
    watch.look("A", "B")
    watch.look("B")
    watch.known["A"] = known_as("A", updated=2.5)

    watch.look("B")
    watch.look("B")
    assert watch.resolved == []
    watch.look("B")

    assert watch.resolved == [(5, "A")]


def test_an_alert_that_another_source_lists_is_not_over() -> None:
    """Two Alertmanagers may tell of the same."""
    watch = Watch({"A": known_as("A"), "B": known_as("B")})
    watch.look("A", "B")

    for _ in range(9):
        watch.look("B", elsewhere=["A"])

    assert watch.resolved == []


def test_an_alert_with_an_end_of_its_own_is_not_ended_by_looks() -> None:
    """What Prometheus posts here itself ends by itself."""
    watch = Watch({"A": known_as("A", ended=60), "B": known_as("B")})
    watch.look("A", "B")

    for _ in range(9):
        watch.look("B")

    assert watch.resolved == []


def test_what_was_healed_and_is_still_so_is_told_again_only_after_as_many_looks() -> None:
    """The router may know better: it is asked again, but not at each look."""
    watch = Watch()

    for _ in range(6):
        watch.look("A")

    assert watch.opened == [(3, "A"), (6, "A")]


names = st.sampled_from(["A", "B", "C", "D"])
looks = st.lists(
    st.tuples(
        st.frozensets(names),
        st.sampled_from(["", "", "", "doubt"]),
        st.sampled_from([1, 1, 1, 2, 3]),
        st.frozensets(names),
    ),
    max_size=25,
)


@given(looks, st.frozensets(names))
def test_nothing_is_healed_that_not_enough_looks_in_a_row_agreed_on(
    story: list[tuple[frozenset[str], str, int, frozenset[str]]], fire: frozenset[str]
) -> None:
    """Whatever is listed, doubted or missed: each heal has its looks behind it, without a gap, a doubt or a report."""
    watch = Watch({name: known_as(name) for name in fire})
    past: list[tuple[float, frozenset[str], str]] = []
    for there, doubt, later, reported in story:
        before = watch.minute
        for name in reported & fire:
            watch.known[name] = known_as(name, updated=before + 0.5)
        opened, resolved = len(watch.opened), len(watch.resolved)
        watch.look(*there, doubt=doubt, later=later)
        past.append((watch.minute, there, doubt))
        recent = past[-RULES.looks :]
        close = all(later - earlier <= 2.5 for (earlier, *_), (later, *_) in pairwise(recent))
        for _, name in watch.opened[opened:]:
            assert name not in fire
            assert len(recent) == RULES.looks
            assert close
            assert all(name in listed for _, listed, _ in recent)
        for _, name in watch.resolved[resolved:]:
            assert name in fire
            assert len(recent) == RULES.looks
            assert close
            assert not any(name in listed or why for _, listed, why in recent)
            assert watch.known[name].updated_at <= at(minutes=recent[0][0])
            assert any(name in listed for _, listed, _ in past)
            assert any(listed for _, listed, _ in recent) or len(past) > RULES.looks * WARY

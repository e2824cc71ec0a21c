"""The index of silences answers as every silence against every alert does."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.alert import fingerprint
from alertrouter.engine.silencing import Silencer, can_match_nothing, matcher_of
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from tests.engine.story import at


def silence(number: int, *matchers: SilenceMatcher, start: float = 0, end: float = 100) -> Silence:
    """A silence with this number in its id."""
    return Silence(
        id=f"{number:08d}",
        matchers=matchers,
        starts_at=at(start),
        ends_at=at(end),
        created_by="sam",
        comment="",
        updated_at=at(0),
        state=SilenceState.ACTIVE,
    )


def names(silencer: Silencer, labels: dict[str, str], second: float = 1) -> list[str]:
    """The ids of what holds these labels back, asked with their fingerprint."""
    return [one.id for one in silencer.holding(fingerprint(labels), labels, at(second))]


MATCHERS = st.builds(
    SilenceMatcher,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["", "1", "2", "1|2", "[12]", ".+", "1.*"]),
    st.booleans(),
    st.booleans(),
)
SILENCES = st.lists(st.tuples(st.lists(MATCHERS, min_size=1, max_size=3), st.integers(0, 5), st.integers(6, 9)))
LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2", "3"]))


@given(SILENCES, st.lists(LABELS, max_size=5), st.lists(st.integers(0, 9), max_size=3), st.integers(0, 10))
def test_the_index_answers_as_every_silence_against_every_alert_does(
    asked: list[tuple[list[SilenceMatcher], int, int]], alerts: list[dict[str, str]], dropped: list[int], now: int
) -> None:
    """Whatever comes and goes, in whatever form the conditions are written; the one that holds longest first."""
    silences = [silence(number, *matchers, start=s, end=e) for number, (matchers, s, e) in enumerate(asked)]
    silencer = Silencer(silences)
    for labels in alerts:
        names(silencer, labels)
    for number in dropped:
        silencer.drop(f"{number:08d}")

    kept = [one for one in silences if int(one.id) not in dropped]

    def expected(labels: dict[str, str], moment: datetime) -> list[str]:
        holding = [
            one
            for one in kept
            if one.in_force(moment) and all(matcher_of(condition).matches(labels) for condition in one.matchers)
        ]
        return [one.id for one in sorted(holding, key=lambda one: (-one.ends_at.timestamp(), one.id))]

    for labels in alerts:
        assert names(silencer, labels, now) == expected(labels, at(now))
        assert [one.id for one in silencer.holding(None, labels, at(now))] == expected(labels, at(now))


def test_regexes_that_cannot_be_asked_together_are_asked_alone() -> None:
    """Too long ones, and a set that is too large; dropped ones are forgotten."""
    huge = [f".*{letter}.*{number}.*x{{200,400}}.*" for number in range(60) for letter in "ab"]
    written = ["a" * 150 + "|" + "b" * 150 + ".", "web-.+", *huge]
    many = [silence(number, SilenceMatcher("host", text, is_regex=True)) for number, text in enumerate(written)]
    silencer = Silencer(many)

    assert names(silencer, {"host": "b" * 150 + "!"}) == ["00000000"]
    assert names(silencer, {"host": "web-1"}) == ["00000001"]
    assert names(silencer, {"host": "a7" + "x" * 300}) == [
        f"{number:08d}" for number, text in enumerate(written) if text.startswith(".*a.*7.")
    ]

    for one in many:
        silencer.drop(one.id)
    assert names(silencer, {"host": "web-1"}) == []


def test_a_silence_whose_times_changed_is_asked_by_its_new_ones() -> None:
    """Given a silence that was extended, then it holds back until its new end."""
    silencer = Silencer([silence(1, SilenceMatcher("a", "1"))])

    silencer.put(silence(1, SilenceMatcher("a", "1"), end=500))

    assert names(silencer, {"a": "1"}, 400) == ["00000001"]


def test_the_rarest_label_finds_a_silence() -> None:
    """Given ten thousand silences that share a label, then an alert is compared with those of its own host alone."""
    many = [
        silence(number, SilenceMatcher("job", "node"), SilenceMatcher("host", f"h{number}")) for number in range(10_000)
    ]
    silencer = Silencer(many)

    longest = max(len(names) for names in silencer._by_label.values())

    assert longest == 1
    assert names(silencer, {"job": "node", "host": "h77"}) == ["00000077"]


@pytest.mark.parametrize(
    ("matchers", "nothing"),
    [
        ([SilenceMatcher("a", "")], True),
        ([SilenceMatcher("a", ".*", is_regex=True)], True),
        ([SilenceMatcher("a", "x"), SilenceMatcher("b", "")], False),
        ([SilenceMatcher("a", "x", is_equal=False)], False),
        ([SilenceMatcher("a", "x", is_regex=True, is_equal=False)], False),
    ],
)
def test_what_asks_for_nothing_is_known(matchers: list[SilenceMatcher], nothing: bool) -> None:
    """As in Alertmanager a negation asks for something, even one that a missing label meets."""
    assert can_match_nothing(matchers) is nothing

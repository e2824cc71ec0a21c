"""Silences match, are refused and are changed in place as in Alertmanager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from alertrouter.engine.silences import fault_of, may_change
from alertrouter.engine.silencing import Silencer, matcher_of
from alertrouter.events import SilenceSet
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from alertrouter.web.alertmanager.silences import listed

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Condition(msgspec.Struct):
    """One matcher."""

    name: str
    op: str
    value: str

    def matcher(self) -> SilenceMatcher:
        """In our words."""
        return SilenceMatcher(self.name, self.value, "~" in self.op, not self.op.startswith("!"))


class MatchCase(msgspec.Struct):
    """Sets of matchers, of which one must be met, and an alert."""

    id: str
    matcher_sets: list[list[Condition]]
    labels: dict[str, str]
    matches: bool


class Validity(msgspec.Struct):
    """What somebody asks for, and whether they get it."""

    id: str
    matchers: list[Condition]
    starts_in_s: int
    ends_in_s: int
    valid: bool
    error_contains: str = ""


class Span(msgspec.Struct):
    """From when until when."""

    starts_in_s: int
    ends_in_s: int


class Update(msgspec.Struct):
    """A silence and what it shall be."""

    id: str
    old: Span
    new: Span
    matchers_equal: bool
    update_in_place: bool


class Filtered(msgspec.Struct):
    """A silence's matchers, a filter, and whether it lists the silence."""

    id: str
    silence_matchers: list[Condition]
    filter: list[Condition]
    listed: bool


class Listed(msgspec.Struct):
    """A label set, a filter, and whether that lets it through."""

    id: str
    labels: dict[str, str]
    filter: Condition
    listed: bool


def _silence(matchers: list[SilenceMatcher], span: Span | None = None, number: int = 1) -> Silence:
    span = span or Span(0, 3600)
    return Silence(
        id=str(number),
        matchers=tuple(matchers),
        starts_at=NOW + timedelta(seconds=span.starts_in_s),
        ends_at=NOW + timedelta(seconds=span.ends_in_s),
        created_by="",
        comment="",
        updated_at=NOW,
        state=SilenceState.ACTIVE,
    )


def _asked(matchers: list[SilenceMatcher], span: Span) -> SilenceSet:
    return SilenceSet(
        at=NOW,
        actor="",
        key="",
        matchers=tuple(matchers),
        starts_at=NOW + timedelta(seconds=span.starts_in_s),
        ends_at=NOW + timedelta(seconds=span.ends_in_s),
        created_by="",
    )


@pytest.mark.conformance("silences.json", MatchCase, under="match")
def test_a_silence_holds_back_what_it_does_in_alertmanager(case: MatchCase) -> None:
    """Several sets of matchers, one of which must be met, are as many silences here."""
    sets = [[one.matcher() for one in conditions] for conditions in case.matcher_sets]
    silencer = Silencer(_silence(matchers, number=number) for number, matchers in enumerate(sets))

    assert bool(silencer.holding(None, case.labels, NOW)) is case.matches


@pytest.mark.conformance("silences.json", Validity, under="validity")
def test_what_alertmanager_refuses_is_refused_in_its_words(case: Validity) -> None:
    """Programs look for the words."""
    fault = fault_of(_asked([one.matcher() for one in case.matchers], Span(case.starts_in_s, case.ends_in_s)), NOW)

    assert bool(fault) is not case.valid
    assert case.error_contains in fault


@pytest.mark.conformance("silences.json", Update, under="update")
def test_a_silence_is_changed_in_place_when_it_is_in_alertmanager(case: Update) -> None:
    """Otherwise it ends, and another takes its place."""
    old = _silence([SilenceMatcher("a", "b")], case.old)
    new = _asked([SilenceMatcher("a", "b" if case.matchers_equal else "c")], case.new)

    assert may_change(old, new, NOW) is case.update_in_place


@pytest.mark.conformance("silences.json", Filtered, under="silence_list_filter")
def test_a_filter_lists_the_same_silences(case: Filtered) -> None:
    """Those that have the filter's matchers as they are written, not those that would mean the same."""
    wanted = [matcher_of(one.matcher()) for one in case.filter]

    assert listed([one.matcher() for one in case.silence_matchers], wanted) is case.listed


@pytest.mark.conformance("silences.json", Listed, under="alert_list_filter")
def test_a_filter_lets_the_same_alerts_through(case: Listed) -> None:
    """A missing label is the empty text."""
    assert matcher_of(case.filter.matcher()).matches(case.labels) is case.listed

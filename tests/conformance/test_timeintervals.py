"""Time intervals hold the instants that they hold in Alertmanager."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from alertrouter.policy.interval import IntervalError, TimeInterval

Fields = dict[str, object]


class Contains(msgspec.Struct):
    """A list of intervals, an instant, and whether any of them holds it."""

    id: str
    time_intervals: list[Fields]
    instant: datetime
    expected: bool


class Muted(msgspec.Struct):
    """Named lists of intervals, an instant, and the names that hold it."""

    id: str
    intervals: dict[str, list[Fields]]
    names: list[str]
    instant: datetime
    muted_by: list[str]


class Validity(msgspec.Struct):
    """One interval, and whether Alertmanager loads it."""

    id: str
    spec: Fields
    valid: bool


@pytest.mark.conformance("timeintervals.json", Contains, under="contains")
def test_intervals_contain_what_they_contain_in_alertmanager(case: Contains) -> None:
    """The entries of a list are ORed, the fields of an entry ANDed."""
    entries = [TimeInterval.of(fields) for fields in case.time_intervals]

    assert any(entry.contains(case.instant) for entry in entries) is case.expected


@pytest.mark.conformance("timeintervals.json", Muted, under="muted_by")
def test_the_named_intervals_that_mute_are_those_that_mute_in_alertmanager(case: Muted) -> None:
    """A name mutes when any of its entries holds the instant."""
    named = {name: [TimeInterval.of(fields) for fields in entries] for name, entries in case.intervals.items()}

    muting = [name for name in case.names if any(entry.contains(case.instant) for entry in named[name])]

    assert muting == case.muted_by


@pytest.mark.conformance("timeintervals.json", Validity, under="validity")
def test_an_interval_loads_when_alertmanager_loads_it(case: Validity) -> None:
    """The same fields are taken, and no others."""
    if case.valid:
        TimeInterval.of(case.spec)
    else:
        with pytest.raises(IntervalError):
            TimeInterval.of(case.spec)

"""Durations are Prometheus's: what it takes, we take; what it refuses, we refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.policy.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        ("0s", timedelta()),
        ("500ms", timedelta(milliseconds=500)),
        ("45s", timedelta(seconds=45)),
        ("1h30m", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("1d12h30m", timedelta(days=1, hours=12, minutes=30)),
        ("2w", timedelta(weeks=2)),
        ("1y", timedelta(days=365)),
        ("1y2w3d4h5m6s7ms", timedelta(days=382, hours=4, minutes=5, seconds=6, milliseconds=7)),
        ("292y", timedelta(days=292 * 365)),
    ],
)
def test_a_duration_is_the_sum_of_its_units(text: str, expected: timedelta) -> None:
    """Years have 365 days; a number may be larger than its unit needs."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "-5s",
        "+5s",
        "1.5m",
        " 5s",
        "5s ",
        "1h 30m",
        "5M",
        "30m1h",
        "1m1m",
        "1s1m",
        "s",
        "5 s",
        "5S",
        "٣s",
        "1µs",
        "0 ",
    ],
)
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    """No sign, space, fraction, bare number, foreign digit; units in order, each once."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["300y", "9" * 21 + "ms", "9" * 5000 + "s"])
def test_a_duration_over_292_years_is_refused(text: str) -> None:
    """Prometheus's durations end there; a very long number doesn't hold anything up."""
    with pytest.raises(ValueError, match="too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(), "0s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(hours=36), "36h"),
        (timedelta(days=10), "10d"),
        (timedelta(weeks=2), "2w"),
        (timedelta(days=730), "2y"),
        (timedelta(seconds=1, milliseconds=5), "1s5ms"),
        (timedelta(minutes=-5), "-5m"),
        (timedelta(microseconds=3), "0s"),
    ],
)
def test_a_duration_is_written_as_prometheus_writes_it(duration: timedelta, expected: str) -> None:
    """Days, weeks and years only when nothing remains."""
    assert format_duration(duration) == expected


@given(st.integers(min_value=0, max_value=292 * 365 * 86_400_000))
def test_a_written_duration_reads_back_as_the_same(milliseconds: int) -> None:
    """Nothing is lost on the way through text."""
    duration = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(duration)) == duration


@given(st.text(alphabet="0123456789ywdhms -+.", max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """The parser fails in one way only."""
    try:
        duration = parse_duration(text)
    except ValueError:
        return

    assert duration >= timedelta()

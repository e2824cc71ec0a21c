"""When intervals open and close, against a wall clock that is asked every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.policy.interval import TimeInterval
from alertrouter.policy.opening import after_open, is_open, next_opening, open_between, switches

MINUTE = timedelta(minutes=1)
SPAN = 3 * 24 * 60
"""Minutes."""

clock_times = st.integers(0, 24 * 60).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
hours = st.lists(clock_times, min_size=2, max_size=2, unique=True).map(
    lambda two: [{"start_time": min(two), "end_time": max(two)}]
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
entries = st.builds(
    TimeInterval.of,
    st.fixed_dictionaries({}, optional={"times": hours, "weekdays": st.just(["monday:friday"])}),
    zones,
)
# The nights in which clocks change are among these days.
starts = st.builds(
    lambda day, second: day + timedelta(seconds=second),
    st.sampled_from(
        [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
    ),
    st.integers(0, 24 * 3600),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(entries, min_size=1, max_size=2), starts, st.integers(0, SPAN - 24 * 60))
def test_opening_hours_are_those_of_a_clock_that_is_asked_every_minute(
    intervals: list[TimeInterval], start: datetime, minutes: int
) -> None:
    """Switches, the next opening and times that count only while it is open, in nights of changing clocks too."""
    first = start.replace(second=0) + MINUTE
    clock = [first + number * MINUTE for number in range(SPAN)]
    before = [is_open(intervals, start), *(is_open(intervals, moment) for moment in clock)]
    changes = [moment for moment, was, now in zip(clock, before, before[1:], strict=False) if was != now]
    until = start + minutes * MINUTE

    assert list(takewhile(lambda moment: moment <= clock[-1], switches(intervals, start))) == changes
    opening = start if before[0] else next(iter(changes), None)
    assert opening is None or next_opening(intervals, start) == opening
    moments = [start, *(moment for moment in changes if moment < until), until]
    opened = [before[0] != bool(place % 2) for place in range(len(moments) - 1)]
    total = sum((b - a for a, b, yes in zip(moments, moments[1:], opened, strict=False) if yes), timedelta())
    assert open_between(intervals, start, until) == total

    # A time that only counts while it is open is over when so much of it was open, and no earlier.
    end = after_open(intervals, start, total)
    if total:
        assert end is not None
        assert open_between(intervals, start, end) == total
        assert open_between(intervals, start, end - timedelta(seconds=1)) < total

"""Durations as Prometheus writes them: `1h30m`, `45s`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
"""Units in the order in which they must stand, with their milliseconds. A year has 365 days."""

_DURATION = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in _UNITS))

# Prometheus counts nanoseconds in 64 bits, which ends after 292 years.
_LONGEST = (2**63 - 1) // 1_000_000


def parse_duration(text: str) -> timedelta:
    """Read a duration: whole numbers with units, largest unit first, each unit once; or `0`.

    Raises `ValueError` for everything else: a sign, a space, a fraction, a number without a unit, over 292 years.
    """
    if text == "0":
        return timedelta()
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is not a duration: expected whole numbers with units in order, like 30s, 1h30m, 2w")
    # Very long numbers are refused before they are turned into one: that costs the square of their length.
    if any(len(number) > 20 for number in found.groups("0")):
        raise ValueError(f"{text!r} is too long a duration: the most is 292y")
    total = sum(int(number) * size for number, size in zip(found.groups("0"), _UNITS.values(), strict=True))
    if total > _LONGEST:
        raise ValueError(f"{text!r} is too long a duration: the most is 292y")
    return timedelta(milliseconds=total)


def format_duration(duration: timedelta) -> str:
    """Write a duration as Prometheus does: years, weeks and days only when nothing remains, so `36h`, but `10d`.

    Less than a millisecond is cut off. A negative one gets a minus in front, which `parse_duration` refuses.
    """
    rest = abs(duration) // timedelta(milliseconds=1)
    if rest == 0:
        return "0s"
    written = "-" if duration < timedelta() else ""
    for unit, size in _UNITS.items():
        if rest % size and unit in ("y", "w", "d"):
            continue
        number, rest = divmod(rest, size)
        written += f"{number}{unit}" if number else ""
    return written

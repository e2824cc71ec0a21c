"""Go's layouts of times, `2006-01-02 15:04`, as the formats of strftime."""

from __future__ import annotations

import re
from typing import Final

_PARTS: Final = {
    "2006": "%Y",
    "January": "%B",
    "Monday": "%A",
    "MST": "%Z",
    "-0700": "%z",
    "-07:00": "%z",
    "Z07:00": "%z",
    "Z0700": "%z",
    "Jan": "%b",
    "Mon": "%a",
    "01": "%m",
    "02": "%d",
    "15": "%H",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "06": "%y",
    "PM": "%p",
    "_2": "%e",
    ".000000": ".%f",
    "1": "%-m",
    "2": "%-d",
    "3": "%-I",
}
_PART: Final = re.compile("|".join(re.escape(part) for part in sorted(_PARTS, key=len, reverse=True)) + "|%")


def strftime_format(layout: str) -> str:
    """The format that writes a time as this layout does; what isn't a part of a time stays as it is."""
    return _PART.sub(lambda found: _PARTS.get(found[0], "%%"), layout)

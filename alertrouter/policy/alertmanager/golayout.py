"""Go's layouts of times, `2006-01-02 15:04`, in Jinja.

Source: https://pkg.go.dev/time#pkg-constants
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_PARTS: Final[Mapping[str, str]] = {
    "2006": "%Y",
    "January": "%B",
    "Jan": "%b",
    "Monday": "%A",
    "Mon": "%a",
    "MST": "%Z",
    "-0700": "%z",
    "002": "%j",
    "01": "%m",
    "02": "%d",
    "15": "%H",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "06": "%y",
    "PM": "%p",
    "_2": "%e",
    "1": "%-m",
    "2": "%-d",
    "3": "%-I",
    "4": "%-M",
    "5": "%-S",
}
"""What strftime knows too."""
_OFFSET: Final = 'T.strftime("%z")'
_WITH_COLON: Final = f'{_OFFSET}[:3] ~ ":" ~ {_OFFSET}[3:]'
_BUILT: Final[Mapping[str, str]] = {
    "pm": 'T.strftime("%p")|lower',
    "-07:00": f"({_WITH_COLON})",
    "-07": f"{_OFFSET}[:3]",
    "Z07:00": f'("Z" if {_OFFSET} == "+0000" else {_WITH_COLON})',
    "Z0700": f'("Z" if {_OFFSET} == "+0000" else {_OFFSET})',
}
"""What must be put together; `T` is the time."""
_ALONE: Final = ("Jan", "Mon")
"""No part of a time inside of a word, as in `Month`."""
_WORDS: Final = sorted((*_PARTS, *_BUILT), key=len, reverse=True)
_PART: Final = re.compile(
    r"(?P<fraction>[.,](?:0+|9+)(?!\d))|"
    + "|".join(re.escape(word) + ("(?![a-z])" if word in _ALONE else "") for word in _WORDS)
)


def time_expression(moment: str, layout: str) -> str:
    """Give the Jinja that writes the time `moment`, Jinja too, as this layout does.

    What isn't a part of a time stays as it is.
    """
    pieces: list[str] = []
    form = ""
    end = 0
    for found in _PART.finditer(layout):
        form += layout[end : found.start()].replace("%", "%%")
        end = found.end()
        if found[0] in _PARTS:
            form += _PARTS[found[0]]
            continue
        pieces += [_strftime(moment, form), _fraction(moment, found[0]) or _BUILT[found[0]].replace("T.", f"{moment}.")]
        form = ""
    pieces.append(_strftime(moment, form + layout[end:].replace("%", "%%")))
    written = [piece for piece in pieces if piece]
    return written[0] if len(written) == 1 else f"({' ~ '.join(written) or json.dumps('')})"


def _strftime(moment: str, form: str) -> str:
    return f"{moment}.strftime({json.dumps(form, ensure_ascii=False)})" if form else ""


def _fraction(moment: str, part: str) -> str:
    """Parts of a second: with zeros all places are written, with nines none behind the last that counts."""
    if part[0] not in ".,":
        return ""
    places = len(part) - 1
    digits = f'(T.strftime("%f") ~ "000")[:{places}]'.replace("T.", f"{moment}.")
    if part[1] == "0":
        return f'("{part[0]}" ~ {digits})'
    return f'("{part[0]}" ~ {digits}).rstrip("0").rstrip("{part[0]}")'

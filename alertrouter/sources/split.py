"""Finds the alerts in a body that does not decode as a whole, without decoding them.

It only counts brackets and skips strings, so what stands inside an alert (wrong types, NaN, bad escapes, a million
nested arrays) can't disturb its neighbours. One pass, no recursion, linear in the size of the body.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# A lone `"` at the end is a string that never ends. Without that branch the search would start again at each quote
# that follows, which is quadratic.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[\[{]+|[\]}]+|,', re.DOTALL)
_OPEN: Final = b"[{"
_COMMA: Final = b","
_UNENDED: Final = b'"'


class Slices(NamedTuple):
    """An array in a body: the offset of its `[`, that of its `]`, and begin and end of each element."""

    start: int
    end: int
    elements: list[tuple[int, int]]


def root_array(body: bytes) -> Slices | None:
    """Slice the array that is the body; None when the body is none, or its brackets don't match."""
    start = len(body) - len(body.lstrip())
    return _slice(body, start) if body[start : start + 1] == b"[" else None


def member_array(body: bytes, name: str) -> Slices | None:
    """Slice the array that is the member `name` of the body's object; given twice, the last counts, as in JSON."""
    wanted = f'"{name}"'.encode()
    found: Slices | None = None
    depth, key, position = 0, b"", 0
    while token := _TOKEN.search(body, position):
        text, position = token.group(), token.end()
        if text == _UNENDED:
            return None
        if text[:1] == _UNENDED:
            key = text if depth == 1 else key
        elif text == _COMMA:
            key = b"" if depth == 1 else key
        elif text[0] in _OPEN:
            if depth == 1 and key == wanted and text[:1] == b"[":
                if (found := _slice(body, token.start())) is None:
                    return None
                position = found.end + 1
            else:
                depth += len(text)
        else:
            depth -= len(text)
    return found


def _slice(body: bytes, start: int) -> Slices | None:
    elements: list[tuple[int, int]] = []
    depth, begin = 0, start + 1
    for token in _TOKEN.finditer(body, begin):
        text = token.group()
        if text == _UNENDED:
            return None
        if text == _COMMA:
            if depth == 0:
                elements.append((begin, token.start()))
                begin = token.end()
        elif text[0] in _OPEN:
            depth += len(text)
        elif text[:1] != _UNENDED:
            if len(text) > depth:
                end = token.start() + depth
                if elements or body[begin:end].strip():
                    elements.append((begin, end))
                return Slices(start, end, elements)
            depth -= len(text)
    return None

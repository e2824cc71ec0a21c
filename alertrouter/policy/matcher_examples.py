"""Values that a regex may fit, for trying matchers."""

from __future__ import annotations

import re
from typing import Final

STRANGE: Final = "something-else"
"""A value that no matcher names."""

_MOST_VALUES: Final = 12
_REPEATED: Final = re.compile(r"(?:\\.|\[[^\]]*\]|\.)(?:[*+?]|\{\d+(?:,\d*)?\})?")
_CLASSES: Final = {"d": "7", "w": "w", "s": " ", "D": "x", "W": "-", "S": "x", "b": "", "B": ""}


def examples(pattern: str) -> tuple[str, ...]:
    """Texts that a regex may fit: its alternatives, with something short for what is left open. Some won't fit."""
    inner = pattern.removeprefix("^(?:").removesuffix(")$") if pattern.startswith("^(?:") else pattern
    found = dict.fromkeys(text for part in _alternatives(inner) for text in _filled(part))
    return tuple(found)[:_MOST_VALUES]


def _alternatives(pattern: str) -> list[str]:
    """Split at the top; a single group around the whole, or within it, is opened."""
    parts, depth, escaped, start = [], 0, False, 0
    for place, sign in enumerate(pattern):
        if escaped:
            escaped = False
            continue
        escaped = sign == "\\"
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            parts.append(pattern[start:place])
            start = place + 1
    parts.append(pattern[start:])
    opened: list[str] = []
    for part in parts:
        group = re.search(r"\((?:\?:)?([^()]*)\)", part)
        if group and "|" in group[1]:
            opened += [part[: group.start()] + each + part[group.end() :] for each in group[1].split("|")]
        else:
            opened.append(part)
    return opened[:_MOST_VALUES]


def _filled(part: str) -> tuple[str, str]:
    """The text with what is open filled in: once with a letter, once with nothing where that may be."""
    plain = re.sub(r"\(\?[a-zA-Z]+\)|[()^$]", "", part)
    return _REPEATED.sub(lambda found: _one(found[0], "x"), plain), _REPEATED.sub(
        lambda found: _one(found[0], "" if found[0][-1] in "*?" else "y"), plain
    )


def _one(piece: str, other: str) -> str:
    if piece.startswith("\\"):
        return _CLASSES.get(piece[1], piece[1]) if len(piece) > 1 else ""
    if piece.startswith("["):
        return piece[1] if piece[1] not in "^\\" and other else other
    return other

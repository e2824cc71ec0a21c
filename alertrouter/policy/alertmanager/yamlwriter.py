"""Writes the YAML of a policy for people: plain words where they are safe, comments where something needs saying."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

_SAFE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*")
_SPECIAL: Final = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n|~")
_DURATION: Final = re.compile(r"(?:[0-9]+(?:ms|[ywdhms]))+")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_WIDTH: Final = 118


def scalar(text: str) -> str:
    """One value: plain when nobody can mistake it, else in quotes."""
    if (_SAFE.fullmatch(text) and not _SPECIAL.fullmatch(text)) or _DURATION.fullmatch(text):
        return text
    if '"' in text and text.isprintable() and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def number(text: str) -> str:
    """A whole number as itself; anything else as a text."""
    return text if _NUMBER.fullmatch(text) else scalar(text)


def matcher(text: str) -> str:
    """A matcher in single quotes, as people write them; in double ones when it holds what single ones can't."""
    return "'" + text.replace("'", "''") + "'" if text.isprintable() and text else json.dumps(text)


def listed(items: Iterable[str]) -> str:
    """A list in one line, of values that are written already."""
    return "[" + ", ".join(items) + "]"


def pairs(entries: Iterable[tuple[str, str]]) -> str:
    """A mapping in one line, of values that are written already."""
    return "{" + ", ".join(f"{scalar(key)}: {value}" for key, value in entries) + "}"


def comment(text: str, indent: int) -> Iterator[str]:
    """A comment, folded; control characters can't end it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    margin = " " * indent + "# "
    for number_, line in enumerate(textwrap.wrap(plain, max(_WIDTH - len(margin), 40), break_on_hyphens=False)):
        yield f"{margin}{'  ' if number_ else ''}{line}"

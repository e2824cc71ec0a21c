"""Everything that is wrong with a policy, gathered: each fault at its place, no secret shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from alertrouter.errors import PolicyError, Problem

MOST_PROBLEMS: Final = 100
LONGEST_LINE: Final = 200
LONGEST_MESSAGE: Final = 600
MOST_NAMES: Final = 20
"""As many as the longest of our mappings has keys."""

_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_SECRET_SHAPES: Final = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]+"
    r"|(?<![0-9A-Za-z])[0-9a-fA-F]{32}(?![0-9A-Za-z])"
    r"|(?<=://)[^/@\s\"']*:[^/@\s$\"']+(?=@)"
)
_SECRET_VALUES: Final = re.compile(
    r"\b(?:\w*(?:token|password|secret|api_key)|routing_key|service_key|user_key|webhook_url|(?:slack_)?api_url|credentials)\b[\"']?\s*:\s*[\"']?(?![\"']?\$\{)(?P<value>[^\s\"',}][^\"',}]*)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the policy's files; line and column count from 1."""

    file: str
    line: int
    column: int


def holds_secret(text: str) -> bool:
    """Tell whether a text has the shape of a Slack token or webhook, a PagerDuty key, or a URL with a password."""
    return _SECRET_SHAPES.search(text) is not None


def masked(text: str) -> str:
    """Put `*` over whatever looks like a secret; the length stays."""
    text = _SECRET_SHAPES.sub(lambda found: "*" * len(found[0]), text)
    return _SECRET_VALUES.sub(_mask_value, text)


def _mask_value(found: re.Match[str]) -> str:
    return found[0][: found.start("value") - found.start()] + "*" * len(found["value"])


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such thing, and which one was probably meant."""
    names = list(known)
    near = difflib.get_close_matches(name[:LONGEST_LINE], names, n=1, cutoff=0.5)
    if near:
        return f"unknown {kind} `{name}`, did you mean `{near[0]}`?"
    if not names:
        return f"unknown {kind} `{name}`: the policy has none"
    shown = ", ".join(f"`{each}`" for each in names[:MOST_NAMES])
    return f"unknown {kind} `{name}`, expected one of {shown}{', …' if len(names) > MOST_NAMES else ''}"


class Faults:
    """Collects the problems of a policy while it is read."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._lines = {file: _LINE_BREAK.split(text.removeprefix("\ufeff")) for file, text in files.items()}
        self._found: dict[tuple[Place, str], Problem] = {}

    def add(self, place: Place, key: str, message: str) -> None:
        """Note a fault. The same one again (an alias is read at each use) counts once."""
        place = self._within_text(place)
        message = masked(message)[:LONGEST_MESSAGE]
        problem = Problem(place.file, place.line, place.column, key, message, self._shown(place))
        self._found.setdefault((place, message), problem)

    def raise_if_any(self) -> None:
        """End the reading when something was found: raises `PolicyError` with all of it, in file order."""
        if self._found:
            raise PolicyError(self.found())

    def found(self) -> tuple[Problem, ...]:
        """Everything that was found, in file order."""
        order = {file: number for number, file in enumerate(self._lines)}
        found = sorted(self._found.values(), key=lambda each: (order[each.file], each.line, each.column))
        if len(found) > MOST_PROBLEMS:
            last = found[MOST_PROBLEMS - 1]
            more = f"{last.message} (and {len(found) - MOST_PROBLEMS} more problems)"
            found = [*found[: MOST_PROBLEMS - 1], replace(last, message=more)]
        return tuple(found)

    def _within_text(self, place: Place) -> Place:
        """The YAML scanner reports the end of a text one line below it: bring that back."""
        lines = self._lines[place.file]
        if place.line > len(lines):
            return Place(place.file, len(lines), len(lines[-1]) + 1)
        return Place(place.file, place.line, min(place.column, len(lines[place.line - 1]) + 1))

    def _shown(self, place: Place) -> str:
        line = self._lines[place.file][place.line - 1]
        if place.column > LONGEST_LINE:
            return ""
        return "".join(char if char.isprintable() else " " for char in masked(line))[:LONGEST_LINE]

"""Which of many regexes a text meets, asked of all of them at once: RE2 walks the text once for a whole set."""

from __future__ import annotations

from typing import Final

import re2  # type: ignore[import-untyped]  # google-re2 brings no types

AT_ONCE: Final = 50
"""Regexes in one set: few enough for its automaton to fit into memory."""

MOST_MEMORY: Final = 64 * 1024 * 1024
LONGEST: Final = 200
"""Characters of a regex that goes into a set; a longer one is asked by itself."""

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = MOST_MEMORY


class Patterns:
    """Named regexes, anchored at both ends as matchers are."""

    def __init__(self) -> None:
        self._patterns: dict[str, str] = {}
        self._sets: list[tuple[list[str], re2.Set]] | None = None
        self._alone: list[str] = []

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._patterns)

    def put(self, name: str, pattern: str) -> None:
        """Take a regex in. It must be one that RE2 takes."""
        self._patterns[name] = pattern
        self._sets = None

    def drop(self, name: str) -> None:
        """Forget a regex."""
        del self._patterns[name]
        self._sets = None

    def candidates(self, text: str) -> list[str]:
        """The names of the regexes that may meet a text: all that do, and those that can't be asked together."""
        if self._sets is None:
            self._compile()
        found = list(self._alone)
        for names, pattern in self._sets or ():
            found += [names[place] for place in pattern.Match(text) or ()]
        return found

    def _compile(self) -> None:
        self._alone = [name for name, pattern in self._patterns.items() if len(pattern) > LONGEST]
        short = [name for name, pattern in self._patterns.items() if len(pattern) <= LONGEST]
        self._sets = []
        for start in range(0, len(short), AT_ONCE):
            names = short[start : start + AT_ONCE]
            together = re2.Set.SearchSet(_OPTIONS)
            for name in names:
                together.Add(f"^(?:{self._patterns[name]})$")
            try:
                together.Compile()
            except re2.error:  # too large an automaton: each is asked by itself
                self._alone += names
            else:
                self._sets.append((names, together))

"""Filters that templates need which came from Alertmanager: what its own functions and mappings do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import re2  # type: ignore[import-untyped]  # google-re2 brings no types

_RE2: Final = re2.Options()
_RE2.log_errors = False
_GROUP: Final = re.compile(r"\$(?:\{(\d)\}|(\d))|(\\)")


class Pair(NamedTuple):
    """One label or annotation."""

    name: str
    value: str


def pairs(labels: Mapping[str, str]) -> list[Pair]:
    """Labels by name, the alert's name first, as Alertmanager's `SortedPairs`."""
    return [Pair(*item) for item in sorted(labels.items(), key=lambda item: (item[0] != "alertname", item[0]))]


def without(labels: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The labels that are none of `names`, as Alertmanager's `Remove`."""
    left_out = frozenset(names)
    return {name: value for name, value in labels.items() if name not in left_out}


def fits(text: object, pattern: str) -> bool:
    """Tell whether a regex fits somewhere in a text, as Alertmanager's `match`. Raises `ValueError`."""
    return _compiled(pattern).search(str(text)) is not None


def resub(text: object, pattern: str, replacement: str) -> str:
    """Replace what a regex fits, `$1` being its first group, as Alertmanager's `reReplaceAll`. Raises `ValueError`."""
    written = _GROUP.sub(lambda found: r"\\" if found[3] else f"\\{found[1] or found[2]}", replacement)
    return str(_compiled(pattern).sub(written, str(text)))


def in_zone(moment: datetime, zone: str) -> datetime:
    """The moment as clocks show it there. Raises `ValueError`, `LookupError`."""
    return moment.astimezone(ZoneInfo(zone))


@lru_cache(256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 -- re2 has no types
    try:
        return re2.compile(pattern, _RE2)
    except re2.error:
        raise ValueError(f"{pattern!r} is not a regex in RE2's syntax") from None


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "pairs": pairs,
    "without": without,
    "fits": fits,
    "resub": resub,
    "in_zone": in_zone,
}

"""The silences that people set, as two runs of a policy hear of them: each at its moment, as it stands then. Pure.

Those of the policy itself (`maintenance:`) are not among them: each run sets its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from alertrouter.silence import Silence


class Quiet:
    """What is known of silences, and what of that the runs have not heard of yet."""

    def __init__(self, since: datetime) -> None:
        """Those that are over by `since` mean nothing."""
        self._since = since
        self._known: dict[str, Silence] = {}
        self._waiting: dict[str, tuple[datetime, Silence]] = {}
        self._heard: set[str] = set()

    @property
    def known(self) -> tuple[Silence, ...]:
        """All that mattered since the beginning, also those that are long over."""
        return tuple(self._known.values())

    def take(self, silences: Iterable[Silence]) -> bool:
        """Take them as they are by now; tells whether that is news."""
        news = False
        for silence in silences:
            before = self._known.get(silence.id)
            if silence.maintenance or silence.ends_at <= self._since or (before and _same(before, silence)):
                continue
            news = True
            self._known[silence.id] = silence
            at = silence.updated_at if silence.id in self._heard else silence.starts_at
            self._waiting[silence.id] = max(at, self._since), silence
        return news

    def until(self, moment: datetime) -> Iterator[tuple[datetime, Silence]]:
        """Give what happens to silences up to a moment, in order; each is given once."""
        due = sorted((at, name) for name, (at, _) in self._waiting.items() if at <= moment)
        for at, name in due:
            _, silence = self._waiting.pop(name)
            if silence.ends_at > at or name in self._heard:
                self._heard.add(name)
                yield at, silence


def _same(one: Silence, other: Silence) -> bool:
    """Tell whether they hold back the same: how far their timers have come makes no difference."""
    return (one.matchers, one.starts_at, one.ends_at) == (other.matchers, other.starts_at, other.ends_at)

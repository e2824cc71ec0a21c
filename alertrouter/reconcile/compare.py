"""What a source lists beside what is known here → what to heal. No I/O, no clock.

Alertmanager's answer alone is no proof: one that has just started lists nothing, one of a cluster may be cut off, and
a webhook may be on its way. Hence nothing counts that several looks in a row did not agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alertrouter.alert import Alert, Fingerprint, Labels

WARY: Final = 3
"""So many times as many looks it takes before an answer is believed that leaves nothing, or little, of what fired."""

A_FEW: Final = 10
"""So many alerts may be over at once without that being strange."""


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One alert as a source lists it. `fires`: nothing holds it back there. `ours`: its route there leads here.

    `held` says what holds it back there, in words.
    """

    labels: Labels
    annotations: Mapping[str, str]
    starts_at: datetime
    generator_url: str
    fires: bool
    ours: bool
    held: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What all replicas of a source listed together. `at` is the moment before the first was asked.

    `doubt` says why an absence proves nothing this time; "" when it counts. `tells_within` says how long the source
    may take by its own configuration until it tells us of an alert with these labels; None: just now it doesn't.
    """

    at: datetime
    listed: Mapping[Fingerprint, Listed]
    tells_within: Callable[[Labels, datetime], timedelta | None]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How sure one must be: so many looks in a row, and not more than `gap` between two of them.

    What is listed is told of, too, when nothing was heard of it for `rest`.
    """

    looks: int
    gap: timedelta
    rest: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """So many looks in a row saw the same, the first one at `since`."""

    since: datetime
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Course:
    """What the looks at a source agree on so far: alerts that it lists and we don't know, and the other way round."""

    last: datetime | None = None
    missed: Mapping[Fingerprint, Run] = field(default_factory=dict)
    gone: Mapping[Fingerprint, Run] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to heal, each with its run, and what is known of the source now.

    `seen` are the alerts that fire here and that it has listed as ours: only of those does its silence mean something.
    `held` says of those that it holds back why, `unheard` are those that it lists and of which it has told nothing for
    a while. `wary` says that so much is missing there that it takes more looks.
    """

    course: Course
    missed: Mapping[Fingerprint, Run]
    gone: Mapping[Fingerprint, Run]
    seen: frozenset[Fingerprint]
    held: Mapping[Fingerprint, str] = field(default_factory=dict)
    unheard: tuple[Fingerprint, ...] = ()
    wary: bool = False


def compare(
    course: Course,
    look: Look,
    known: Mapping[Fingerprint, Alert],
    seen: AbstractSet[Fingerprint],
    rules: Rules,
    elsewhere: AbstractSet[Fingerprint] = frozenset(),
) -> Verdict:
    """Weigh one more look. `known` has what is known here of all that is listed or was seen.

    `elsewhere` are alerts that another source lists, or may list: this one alone can't call them over.
    """
    if course.last is None or look.at - course.last > rules.gap:
        course = Course()
    firing = {mark: alert for mark, alert in known.items() if alert.firing(look.at)}
    seen = frozenset(firing.keys() & (seen | {mark for mark, one in look.listed.items() if one.ours}))
    unknown = dict(_untold(look, firing))
    missed = _runs(course.missed, unknown, known, look.at)
    open_ended = [mark for mark in seen if firing[mark].ends_at is None]
    absent = [] if look.doubt else [mark for mark in open_ended if mark not in look.listed and mark not in elsewhere]
    gone = _runs(course.gone, absent, known, look.at)
    wary = bool(absent) and (not look.listed or len(absent) > max(A_FEW, len(open_ended) // 2))
    needed = rules.looks * (WARY if wary else 1)
    begin = {
        mark: run for mark, run in missed.items() if run.looks >= rules.looks and look.at - run.since >= unknown[mark]
    }
    end = {mark: run for mark, run in gone.items() if run.looks >= needed}
    # What is healed counts anew: should the router know better, it is looked at as long once more.
    rest = Course(last=look.at, missed=_without(missed, begin), gone=_without(gone, end))
    held = {mark: look.listed[mark].held for mark in seen & look.listed.keys() if look.listed[mark].held}
    long_ago = look.at - rules.rest
    unheard = tuple(mark for mark in open_ended if mark in look.listed and firing[mark].updated_at <= long_ago)
    return Verdict(course=rest, missed=begin, gone=end, seen=seen, held=held, unheard=unheard, wary=wary)


def _untold(look: Look, firing: Mapping[Fingerprint, Alert]) -> Iterable[tuple[Fingerprint, timedelta]]:
    """Give what a source ought to tell us of and that is not known, each with how long it may take."""
    for mark, one in look.listed.items():
        if one.fires and one.ours and mark not in firing:
            wait = look.tells_within(one.labels, look.at)
            if wait is not None:
                yield mark, wait


def _runs(
    before: Mapping[Fingerprint, Run], now: Iterable[Fingerprint], known: Mapping[Fingerprint, Alert], at: datetime
) -> dict[Fingerprint, Run]:
    """Lengthen the runs of what is so once more. A report of the alert meanwhile begins its run anew."""
    runs = {}
    for mark in now:
        run, alert = before.get(mark), known.get(mark)
        if run is None or (alert is not None and alert.updated_at > run.since):
            runs[mark] = Run(at)
        else:
            runs[mark] = Run(run.since, run.looks + 1)
    return runs


def _without(runs: Mapping[Fingerprint, Run], healed: Mapping[Fingerprint, Run]) -> dict[Fingerprint, Run]:
    return {mark: run for mark, run in runs.items() if mark not in healed}

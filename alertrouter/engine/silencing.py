"""Which silence holds back which alert. Silences that an alert can't meet cost it nothing, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from alertrouter.alert import Fingerprint, Labels
from alertrouter.engine.patterns import Patterns
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.silence import Silence, SilenceMatcher, SilenceState

KEPT_FOR: Final = timedelta(hours=120)
"""How long a silence that is over can still be looked at and set anew; Alertmanager's default."""

NOTICE: Final = timedelta(minutes=10)
"""So long before its end people are told of a silence that hides something."""

LONG: Final = 2 * NOTICE
"""Whoever asks for less knows when it ends."""

LABEL_SETS_REMEMBERED: Final = 200_000
"""For how many label sets it is remembered which silences without a literal label they meet."""

_LITERALS: Final = re.compile(r"[\w :/@%,=-]+(?:\|[\w :/@%,=-]+)*", re.ASCII)
"""A regex that is nothing but a choice of texts, as people write it for a few hosts."""

_OPERATORS: Final = {(False, True): Op.EQUAL, (False, False): Op.NOT_EQUAL, (True, True): Op.REGEX}

Pair = tuple[str, str]


def matcher_of(one: SilenceMatcher) -> Matcher:
    """Make a matcher that can be asked. Raises `RegexError`."""
    return Matcher(one.name, _OPERATORS.get((one.is_regex, one.is_equal), Op.NOT_REGEX), one.value)


class Silencer:
    """Knows the silences that are in force or will be, and tells which hold an alert back.

    Each stands in the index under one label that an alert must have to meet it: under that of its labels which the
    fewest others stand under. Those that ask for no literal label are asked once for each label set: those with a regex
    all at once, those that only say what an alert must not have one by one.
    """

    def __init__(self, silences: Iterable[Silence] = ()) -> None:
        self._silences: dict[str, Silence] = {}
        self._matchers: dict[str, tuple[Matcher, ...]] = {}
        self._places: dict[str, tuple[Pair, ...]] = {}
        self._by_label: dict[Pair, list[str]] = {}
        self._patterns: dict[str, Patterns] = {}
        self._pattern_of: dict[str, str] = {}
        self._always: list[str] = []
        self._met: dict[Fingerprint, tuple[str, ...]] = {}
        self.going_with_alerts = 0
        """How many silences end with their alerts."""
        self.taken_in = 0
        """How many silences there ever were."""
        for silence in silences:
            self.put(silence)

    def __bool__(self) -> bool:
        """Tell whether there is any silence at all."""
        return bool(self._silences)

    def put(self, silence: Silence) -> None:
        """Take a silence in, or its changed times. Its matchers never change."""
        known = self._silences.get(silence.id)
        self._silences[silence.id] = silence
        self.going_with_alerts += silence.with_alerts - (known.with_alerts if known else False)
        if known is not None:
            return
        self.taken_in += 1
        self._matchers[silence.id] = tuple(map(matcher_of, silence.matchers))
        places = self._places[silence.id] = self._place(silence)
        for pair in places:
            self._by_label.setdefault(pair, []).append(silence.id)
        if not places:
            self._met.clear()
            regex = next((one for one in silence.matchers if _asks_by_regex(one)), None)
            if regex is None:
                self._always.append(silence.id)
            else:
                self._pattern_of[silence.id] = regex.name
                self._patterns.setdefault(regex.name, Patterns()).put(silence.id, regex.value)

    def drop(self, name: str) -> None:
        """Forget a silence; one that isn't known is no fault."""
        silence = self._silences.pop(name, None)
        if silence is None:
            return
        self.going_with_alerts -= silence.with_alerts
        del self._matchers[name]
        for pair in self._places.pop(name):
            self._by_label[pair].remove(name)
            if not self._by_label[pair]:
                del self._by_label[pair]
        if name in self._pattern_of:
            self._patterns[self._pattern_of[name]].drop(name)
            if not self._patterns[self._pattern_of[name]]:
                del self._patterns[self._pattern_of[name]]
            del self._pattern_of[name]
            self._met.clear()
        if name in self._always:
            self._always.remove(name)
            self._met.clear()

    def holding(self, fingerprint: Fingerprint | None, labels: Labels, now: datetime) -> tuple[Silence, ...]:
        """The silences that hold an alert back at `now`, the one that does so longest first.

        Without a fingerprint the label set is looked at afresh and not remembered.
        """
        if not self._silences:
            return ()
        found = self._meeting(fingerprint, labels)
        holding = [silence for name in found if (silence := self._silences[name]).in_force(now)]
        return tuple(sorted(holding, key=lambda one: (-one.ends_at.timestamp(), one.id)))

    def meets(self, fingerprint: Fingerprint, labels: Labels) -> bool:
        """Tell whether any silence holds an alert back, or will."""
        return bool(self._meeting(fingerprint, labels))

    def _meeting(self, fingerprint: Fingerprint | None, labels: Labels) -> set[str]:
        found = {name for pair in labels.items() for name in self._by_label.get(pair, ()) if self._meets(name, labels)}
        if self._always or self._patterns:
            found.update(self._without_literals(fingerprint, labels))
        return found

    def matchers(self, name: str) -> tuple[Matcher, ...]:
        """What an alert must meet to be held back by a silence that is known here."""
        return self._matchers[name]

    def _meets(self, name: str, labels: Labels) -> bool:
        return all(matcher.matches(labels) for matcher in self._matchers[name])

    def _without_literals(self, fingerprint: Fingerprint | None, labels: Labels) -> tuple[str, ...]:
        met = self._met.get(fingerprint) if fingerprint is not None else None
        if met is None:
            asked = [*self._always]
            for label, patterns in self._patterns.items():
                asked += patterns.candidates(labels.get(label, ""))
            met = tuple(name for name in asked if self._meets(name, labels))
            if fingerprint is not None:
                if len(self._met) >= LABEL_SETS_REMEMBERED:
                    self._met.clear()
                self._met[fingerprint] = met
        return met

    def _place(self, silence: Silence) -> tuple[Pair, ...]:
        """Under which labels to look for it: an alert that meets it has one of them."""
        choices = [pairs for one in silence.matchers if (pairs := literal(one))]
        return min(choices, key=lambda pairs: sum(len(self._by_label.get(pair, ())) for pair in pairs), default=())


def literal(one: SilenceMatcher) -> tuple[Pair, ...]:
    """The labels of which an alert must have one to meet a condition; none when that can't be told."""
    if not one.is_equal or not one.value:
        return ()
    if not one.is_regex:
        return ((one.name, one.value),)
    return tuple((one.name, text) for text in one.value.split("|")) if _LITERALS.fullmatch(one.value) else ()


def next_moment(silence: Silence, reopen_within: timedelta) -> datetime:
    """When a silence must be looked at next."""
    if silence.state is SilenceState.EXPIRED:
        return silence.ends_at + KEPT_FOR
    if silence.state is SilenceState.PENDING:
        return silence.starts_at
    moments = [silence.ends_at]
    if not silence.noticed:
        moments.append(silence.ends_at - NOTICE)
    if silence.idle_since is not None:
        moments.append(silence.idle_since + reopen_within)
    return min(moments)


def _asks_by_regex(one: SilenceMatcher) -> bool:
    """Tell whether an alert must have a label that a regex describes."""
    return one.is_regex and one.is_equal and not _meets_empty(one)


def can_match_nothing(matchers: Iterable[SilenceMatcher]) -> bool:
    """Tell whether an alert without any label would meet them all; as in Alertmanager, `!=` never counts as such."""
    return all(_meets_empty(one) for one in matchers)


def _meets_empty(one: SilenceMatcher) -> bool:
    return one.is_equal and matcher_of(one).matches(_NO_LABELS)


_NO_LABELS: Final[Mapping[str, str]] = {}

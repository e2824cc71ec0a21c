"""Which alert holds back which: the inhibition rules, applied to the alerts that fire now."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from alertrouter.alert import Alert, Fingerprint, Labels
from alertrouter.policy.inhibition import InhibitRule
from alertrouter.policy.matcher_index import MatcherIndex

LABEL_SETS_REMEMBERED = 200_000
"""For how many label sets the sides they are on are remembered; then all is forgotten, and found out anew."""


Place: TypeAlias = tuple[int, tuple[str, ...]]
"""A rule, and values of its `equal` labels: what holds back and what is held back there meet."""


class Inhibition(NamedTuple):
    """One rule that holds an alert back now, with the first of its sources."""

    rule: str
    source: Fingerprint


@dataclass(frozen=True, slots=True)
class _Side:
    """A label set stands on one side of a rule, with these values of its `equal` labels; or on both."""

    place: Place
    both: bool


@dataclass(frozen=True, slots=True)
class _Sides:
    """All the sides that a label set stands on. Most label sets stand on none."""

    source: tuple[_Side, ...] = ()
    target: tuple[_Side, ...] = ()


_NONE = _Sides()


@dataclass(slots=True)
class _Sources:
    """The firing sources of one rule with the same values, sorted: those on the source side alone, those on both."""

    alone: list[Fingerprint] = field(default_factory=list)
    both: list[Fingerprint] = field(default_factory=list)


class Inhibitor:
    """Knows the firing sources of every rule, and tells by which of them an alert is held back.

    A look-up costs the same however many sources fire; rules that a label set can't meet cost nothing once its
    fingerprint is known. Inhibited alerts still hold others back. An alert on both sides of a rule is held back
    only by sources that are not on its target side, hence never by itself. It knows, too, which incidents wait for the
    end of which sources, so that these need not be asked again and again.
    """

    def __init__(self, rules: Iterable[InhibitRule]) -> None:
        self._rules = tuple(rules)
        self._lists = MatcherIndex(
            [side for rule in self._rules for side in (rule.source_matchers, rule.target_matchers)]
        )
        self._sources: dict[Place, _Sources] = {}
        self._sides: dict[Fingerprint, _Sides] = {}
        self._waiting: dict[Place, set[str]] = {}
        self._changes = self._forgot_at = 0
        self._changed_at: dict[Place, int] = {}
        self._waits_for: dict[str, set[Place]] = {}

    @property
    def has_rules(self) -> bool:
        """Tell whether anything can be held back at all; if not, nobody need be asked for labels."""
        return bool(self._rules)

    def is_source(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels can hold others back. It is looked at afresh and not remembered."""
        return bool(self._look(labels).source)

    def add(self, fingerprint: Fingerprint, labels: Labels) -> None:
        """Take note that an alert fires. Saying so again changes nothing."""
        for side in self._sides_of(fingerprint, labels).source:
            sources = self._sources.setdefault(side.place, _Sources())
            fingerprints = sources.both if side.both else sources.alone
            place = bisect_left(fingerprints, fingerprint)
            if fingerprints[place : place + 1] != [fingerprint]:
                fingerprints.insert(place, fingerprint)
                self._note_change(side.place)

    def remove(self, fingerprint: Fingerprint, labels: Labels) -> None:
        """Take note that an alert fires no longer. Saying so again changes nothing."""
        for side in self._sides_of(fingerprint, labels).source:
            sources = self._sources.get(side.place)
            if sources is None:
                continue
            fingerprints = sources.both if side.both else sources.alone
            place = bisect_left(fingerprints, fingerprint)
            if fingerprints[place : place + 1] == [fingerprint]:
                del fingerprints[place]
                self._note_change(side.place)
            if not sources.alone and not sources.both:
                del self._sources[side.place]

    def places_of(self, alerts: Iterable[Alert]) -> frozenset[Place]:
        """Where alerts could be held back."""
        return frozenset(side.place for alert in alerts for side in self._known(alert).target)

    def changed_at(self, places: frozenset[Place]) -> int:
        """When sources last changed at one of these places: a number that grows with each change."""
        return max([self._changed_at.get(place, self._forgot_at) for place in places], default=0)

    def _note_change(self, place: Place) -> None:
        self._changes += 1
        if len(self._changed_at) >= LABEL_SETS_REMEMBERED:
            self._changed_at.clear()
            self._forgot_at = self._changes
        self._changed_at[place] = self._changes

    def sources(self, fingerprint: Fingerprint | None, labels: Labels) -> tuple[Inhibition, ...]:
        """By what an alert is held back now: of each rule that does so, in order, the source first by fingerprint.

        Without a fingerprint the label set is looked at afresh and not remembered.
        """
        return self._held_by(self._sides_of(fingerprint, labels))

    def sources_of(self, alert: Alert) -> tuple[Inhibition, ...]:
        """The same for an alert, whose labels are unpacked only when it isn't known which sides it stands on."""
        return self._held_by(self._known(alert))

    def _known(self, alert: Alert) -> _Sides:
        sides = self._sides.get(alert.fingerprint)
        return self._sides_of(alert.fingerprint, alert.labels) if sides is None else sides

    def _held_by(self, sides: _Sides) -> tuple[Inhibition, ...]:
        if not sides.target:
            return ()
        found = []
        for side in sides.target:
            sources = self._sources.get(side.place)
            if sources is None:
                continue
            first = sources.alone[:1] if side.both else sources.alone[:1] + sources.both[:1]
            if first:
                found.append(Inhibition(self._rules[side.place[0]].name, min(first)))
        return tuple(found)

    def wait(self, incident: str, held: Mapping[Fingerprint, Labels]) -> None:
        """Remember for which sources' end an incident waits: those of its alerts that are held back, none of them now.

        Saying so again takes the place of what was said before.
        """
        if not held and incident not in self._waits_for:
            return
        sides = {side.place for mark, labels in held.items() for side in self._sides_of(mark, labels).target}
        before = self._waits_for.pop(incident, set())
        for gone in before - sides:
            self._waiting[gone].discard(incident)
            if not self._waiting[gone]:
                del self._waiting[gone]
        for new in sides - before:
            self._waiting.setdefault(new, set()).add(incident)
        if sides:
            self._waits_for[incident] = sides

    def freed_by(self, over: Mapping[Fingerprint, Labels]) -> list[str]:
        """Whom the end of these alerts, all at once, may free: incidents in order; they must be looked at to know."""
        found: set[str] = set()
        for mark, labels in over.items():
            for side in self._sides_of(mark, labels).source:
                waiting, sources = self._waiting.get(side.place), self._sources.get(side.place)
                # Another source that holds back whatever this one did makes a look needless.
                if waiting and not (sources and any(one not in over for one in sources.alone)):
                    found |= waiting
        return sorted(found)

    def _sides_of(self, fingerprint: Fingerprint | None, labels: Labels) -> _Sides:
        if fingerprint is None:
            return self._look(labels)
        sides = self._sides.get(fingerprint)
        if sides is None:
            if len(self._sides) >= LABEL_SETS_REMEMBERED:
                self._sides.clear()
            sides = self._sides[fingerprint] = self._look(labels)
        return sides

    def _look(self, labels: Labels) -> _Sides:
        source, target = [], []
        for number in sorted({place // 2 for place in self._lists.of(labels)}):
            rule = self._rules[number]
            is_source, is_target = rule.is_source(labels), rule.is_target(labels)
            if not is_source and not is_target:
                continue
            side = _Side((number, rule.key(labels)), is_source and is_target)
            source += [side] if is_source else []
            target += [side] if is_target else []
        return _Sides(tuple(source), tuple(target)) if source or target else _NONE

"""Timelines as people write them in tests: what happens to an alert (`7m ack @omar`), and what is expected of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from alertrouter.policy.duration import format_duration, parse_duration
from alertrouter.policy.reading.faults import unknown

LONGEST: Final = timedelta(days=31)
"""How far a timeline reaches at most: looked at minute by minute, a month takes seconds."""

YEARS: Final = range(1970, 3000)
"""Far enough from the first and the last moment that there are, for any policy's timers."""

LONGEST_TEXT: Final = 200

SOMEBODY: Final = "you"
"""Who acts when the line names nobody."""


class Verb(StrEnum):
    """What can happen to an alert and to its incidents."""

    FIRE = "fire"
    """It fires again."""
    RESOLVE = "resolve"
    """Its source says that it is over."""
    SEVERITY = "severity"
    """Its source reports it with another severity."""
    OTHERS = "others"
    """The alerts of `also_firing` fire, or are over."""
    FAIL = "fail"
    """From now on a receiver refuses for good what is sent to it."""
    STALL = "stall"
    """From now on nothing arrives at a receiver, although it is tried."""
    RECOVER = "recover"
    """A receiver can be reached again: what waits for it arrives."""
    ACK = "ack"
    UNACK = "unack"
    EXTEND = "extend"
    SNOOZE = "snooze"
    ESCALATE = "escalate"
    CLOSE = "close"
    """A person calls it over although its source fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of `events:`.

    `value` is the new severity, what becomes of the others (`fire`, `resolve`), or the receiver that fails.
    `offset` counts from the first message; `lasts` is how long a snooze or an extension holds.
    """

    offset: timedelta
    verb: Verb
    actor: str = SOMEBODY
    value: str = ""
    lasts: timedelta = timedelta()

    def __str__(self) -> str:
        """Write it as people do."""
        who = "" if self.actor == SOMEBODY else self.actor
        what = format_duration(self.lasts) if self.verb in _LASTING else self.value
        return " ".join(filter(None, (offset_text(self.offset), self.verb.value, what, who)))


class Kind(StrEnum):
    """What a line of `expect:` says."""

    TOLD = "told"
    """A receiver gets a message; one that is only redrawn doesn't count."""
    END = "resolved"
    """A receiver is told of the end."""
    SEVERITY = "severity"
    """The incident counts as more, or less, severe."""
    LAPSE = "ack-expired"
    """An acknowledgement has expired."""
    FLAP = "flapping"
    """It fired again so often that no more is told of that."""
    CALM = "calm"
    """It flaps no longer."""


@dataclass(frozen=True, slots=True, order=True)
class Expectation:
    """One line of `expect:`. `name` is the receiver or the severity."""

    offset: timedelta
    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        """Write it as people do."""
        what = {
            Kind.TOLD: self.name,
            Kind.END: f"{Kind.END.value} {self.name}",
            Kind.SEVERITY: f"{Kind.SEVERITY.value}={self.name}",
        }.get(self.kind, self.kind.value)
        return f"{offset_text(self.offset)} {what}"


def offset_text(offset: timedelta) -> str:
    """Write an offset as people do: `0m`, not `0s`."""
    return format_duration(offset) if offset else "0m"


def read_happening(text: str, severities: Iterable[str], receivers: Iterable[str] = ()) -> Happening:
    """Read a line of `events:`; raises `ValueError` with what was found and expected."""
    offset, words = _split(text, "7m ack @omar")
    verb, rest = _verb(words[0]), words[1:]
    actor = SOMEBODY
    if verb in _BY_PEOPLE and rest and rest[-1].startswith("@"):
        actor = rest.pop()
    value, lasts = "", timedelta()
    if verb is Verb.SEVERITY:
        value = _named("severity", _only(rest, "a severity, such as `30m severity critical`"), severities)
    elif verb is Verb.OTHERS:
        value = _named("event of the others", _only(rest, "`others fire` or `others resolve`"), ("fire", "resolve"))
    elif verb in OF_RECEIVERS:
        whose = _only([" ".join(rest)] if rest else [], f"a receiver, such as `0m {verb.value} pager`")
        value = _named("receiver", whose, receivers)
    elif verb in _LASTING:
        lasts = _long(_only(rest, f"a duration, such as `12m {verb.value} 30m`"))
    elif rest:
        who = " or who does it, such as `@omar`" if verb in _BY_PEOPLE else ""
        raise ValueError(f"found `{' '.join(rest)}` behind `{verb.value}`, expected nothing more{who}")
    return Happening(offset=offset, verb=verb, actor=actor, value=value, lasts=lasts)


def read_expectation(text: str, severities: Iterable[str], receivers: Iterable[str]) -> Expectation:
    """Read a line of `expect:`; raises `ValueError` with what was found and expected."""
    offset, words = _split(text, "20m ai-channel")
    what = " ".join(words)
    if what.startswith("severity="):
        return Expectation(offset, Kind.SEVERITY, _named("severity", what.removeprefix("severity="), severities))
    known = list(receivers)
    # A receiver may be called `resolved`, or have a space in its name: what is one, is one.
    if what in known:
        return Expectation(offset, Kind.TOLD, what)
    if words[0] == Kind.END:
        told = _only([" ".join(words[1:])] if words[1:] else [], "who is told of the end, as `40m resolved ai-channel`")
        return Expectation(offset, Kind.END, _named("receiver", told, known))
    if what in _BARE:
        return Expectation(offset, Kind(what))
    return Expectation(offset, Kind.TOLD, _named("receiver", what, known))


def _split(text: str, example: str) -> tuple[timedelta, list[str]]:
    expected = f"expected a duration, then what happens, such as `{example}`"
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"found {len(text)} characters, {expected}")
    first, *words = text.split() or [""]
    try:
        offset = parse_duration(first)
    except ValueError:
        raise ValueError(f"found `{text}`, {expected}") from None
    if not words:
        raise ValueError(f"found `{text}`, {expected}")
    return within(offset), words


def within(offset: timedelta) -> timedelta:
    """The same offset, unless it lies beyond what a timeline can reach; then `ValueError`."""
    if offset > LONGEST:
        raise ValueError(f"found {format_duration(offset)}, expected {format_duration(LONGEST)} at most")
    return offset


def _verb(word: str) -> Verb:
    return Verb(_named("event", word, tuple(verb.value for verb in Verb)))


def _named(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name not in names:
        raise ValueError(unknown(kind, name, names))
    return name


def _only(words: list[str], expected: str) -> str:
    if len(words) != 1:
        raise ValueError(f"found {'`' + ' '.join(words) + '`' if words else 'nothing more'}, expected {expected}")
    return words[0]


def _long(text: str) -> timedelta:
    if not (duration := parse_duration(text)):
        raise ValueError(f"found `{text}`, expected a duration greater than 0")
    return within(duration)


_BY_PEOPLE: Final = frozenset({Verb.ACK, Verb.UNACK, Verb.EXTEND, Verb.SNOOZE, Verb.ESCALATE, Verb.CLOSE})
_BARE: Final = frozenset({Kind.LAPSE, Kind.FLAP, Kind.CALM})
OF_RECEIVERS: Final = frozenset({Verb.FAIL, Verb.STALL, Verb.RECOVER})
"""What can happen to a receiver, rather than to the alert."""

_LASTING: Final = frozenset({Verb.EXTEND, Verb.SNOOZE})

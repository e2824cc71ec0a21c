"""`teams:` and `escalation_policies:` → who the roles are, and who is told when."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Final

from alertrouter.policy.duration import format_duration, parse_duration
from alertrouter.policy.escalation import AlertCount, Comparison, EscalationPolicy, Level, Raise, Repeat, Team
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Value, Wrong, one_of, one_or_more, unique

_COUNT: Final = re.compile(r"(>=|>|<=|<)\s*([0-9]{1,6})(?:\s+in\s+(\S{1,60}))?")


def teams(names: Names, value: Value) -> dict[str, Team]:
    """Read all teams."""
    receiver = one_of("receiver", names.addressees)

    def role(_: str, value: Value) -> str:
        # A role with a wrong receiver is still a role: what notifies it is not at fault.
        return value.read(receiver, "")

    return value.table(lambda name, value: Team(name=name, roles=value.table(role)))


def escalation_policies(names: Names, value: Value) -> dict[str, EscalationPolicy]:
    """Read all escalation policies."""
    return value.table(_Reader(names).policy)


class _Reader:
    """Reads escalation policies against the names that they may use."""

    def __init__(self, names: Names) -> None:
        self._severity = one_of("severity", names.severities)
        self._interval = one_of("time interval", names.intervals)
        self._notify = unique(one_or_more(one_of("role or receiver", (*names.roles, *names.addressees))))

    def policy(self, name: str, value: Value) -> EscalationPolicy:
        with value.fields() as fields:
            levels = fields.need("levels", self._levels, ())
            return EscalationPolicy(
                name=name,
                levels=levels,
                # 0 says: never lapses.
                ack_timeout=fields.take("ack_timeout", Value.duration, None) or None,
                raises=fields.take("raise", self._raise, None),
                repeat=fields.take("repeat", partial(_repeat, len(levels)), None),
                deliver_within=fields.take("deliver_within", Value.long_duration, None),
                fallback=fields.take("fallback", self._notify, ()),
            )

    def _levels(self, value: Value) -> tuple[Level, ...]:
        levels: list[Level] = []
        for number, item in enumerate(value.items(), 1):
            before = levels[-1].after if levels else timedelta()
            level = item.read(partial(self._level, number, before), None)
            levels.append(level or Level(notify=(), after=before))
        if not levels:
            raise Wrong("found no level, expected at least one")
        return tuple(levels)

    def _level(self, number: int, before: timedelta, value: Value) -> Level:
        with value.fields() as fields:
            level = Level(
                notify=fields.need("notify", self._notify, ()),
                after=fields.take("after", Value.duration, timedelta()),
                during=fields.take("during", self._interval, None),
                skip_outside=fields.take("else", one_of("way out", ("hold", "skip")), "hold") == "skip",
                alerts=fields.take("if", _condition, None),
                digest=fields.take("digest", Value.long_duration, None),
            )
            if "else" in fields and "during" not in fields:
                fields.wrong("found `else` without `during`, expected the time interval that it speaks of", "else")
            if level.after < before:
                found, least = format_duration(level.after), format_duration(before)
                fields.wrong(
                    f"level {number} comes after {found}, expected {least} or more, as the level above it has: "
                    "`after` counts from the start of the policy",
                    "after",
                )
            return level

    def _raise(self, value: Value) -> Raise:
        with value.fields() as fields:
            return Raise(
                to=fields.need("to", self._severity, ""),
                after=fields.need("after", Value.long_duration, timedelta()),
                during=fields.take("during", self._interval, None),
            )


def _condition(value: Value) -> AlertCount | None:
    with value.fields() as fields:
        return fields.need("alerts", _alert_count, None)


def _alert_count(value: Value) -> AlertCount:
    text = value.text()
    found = _COUNT.fullmatch(text.strip())
    if found is None:
        raise value.expected("a comparison in quotes, such as `>=5` or `>=5 in 10m`")
    try:
        within = parse_duration(found[3]) if found[3] else None
    except ValueError as error:
        raise Wrong(str(error)) from error
    if within is not None and not within:
        raise Wrong(f"found `{text}`, expected a duration greater than 0 behind `in`")
    return AlertCount(comparison=Comparison(found[1]), number=int(found[2]), within=within)


def _repeat(levels: int, value: Value) -> Repeat:
    with value.fields() as fields:
        repeat = Repeat(
            every=fields.need("every", Value.long_duration, timedelta()),
            from_level=fields.take("from", Value.count, 1),
            times=fields.take("times", Value.count, None),
        )
        if levels and not 1 <= repeat.from_level <= levels:
            fields.wrong(f"found level {repeat.from_level}, expected one from 1 to {levels}", "from")
        if repeat.times == 0:
            fields.wrong("found `0` times, expected 1 or more; without `times` it goes on until somebody acts", "times")
        return repeat

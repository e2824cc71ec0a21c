"""Wrong versions of each rule, one fault apiece: a story that tells them all from the right one can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from rulebook.source import Alert, Level, Record

_TURNED: Final = {">": "<", "<": ">", "==": "!=", "<=": ">", "and": "unless", "unless": "and"}
_OPERATOR: Final = re.compile(r"(?<= )(>|<|==|<=|and|unless)(?= )")
_TURNED_MATCHER: Final = {"=~": "!~", "!~": "=~", "!=": "=", "=": "!="}
# Turned, `source=` matches several series where one may be, which Prometheus itself refuses.
_MATCHER: Final = re.compile(r'(?<=[a-z_])(?<!source)(=~|!~|!=|=)(?=")')
_CLAUSE: Final = re.compile(r" and (on \([a-z_, ]+\) )?.+$", re.DOTALL)
_SCALED: Final = (4.0, 1.2, 0.8, 0.25)
_DURATION: Final = re.compile(r"(\d+)([smhd])")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one fault, and what the fault is."""

    fault: str
    rule: Alert | Record


def mutants_of_alert(alert: Alert) -> Iterator[Mutant]:
    """Thresholds too high and too low, waits left out and too long, comparisons and matchers turned, guards removed."""
    for severity, level in alert.by_severity().items():
        yield from (replace(one, fault=f"{severity}: {one.fault}") for one in _of_level(alert, severity, level))
    if alert.minimum is not None:
        for factor in (4.0, 0.25):
            yield Mutant(f"minimum x{factor:g}", msgspec.structs.replace(alert, minimum=alert.minimum * factor))
    if alert.keep_firing_for:
        yield Mutant("not kept firing", msgspec.structs.replace(alert, keep_firing_for=None))
    for fault, expr in _of_expression(alert.expr):
        yield Mutant(fault, msgspec.structs.replace(alert, expr=expr))


def mutants_of_record(record: Record) -> Iterator[Mutant]:
    """Comparisons and matchers turned, half as much, and another quantile."""
    for fault, expr in _of_expression(record.expr):
        yield Mutant(fault, msgspec.structs.replace(record, expr=expr))
    yield Mutant("half", msgspec.structs.replace(record, expr=f"({record.expr.strip()}) / 2"))
    if "0.95" in record.expr:
        yield Mutant("p50", msgspec.structs.replace(record, expr=record.expr.replace("0.95", "0.5")))


def _of_level(alert: Alert, severity: str, level: Level) -> Iterator[Mutant]:
    if level.threshold is not None:
        for value in _wrong(level.threshold):
            yield Mutant(f"threshold {value:g}", _with(alert, severity, Level(value, level.for_)))
    if level.for_:
        yield Mutant("no wait", _with(alert, severity, Level(level.threshold, None)))
        longer = _DURATION.sub(lambda part: f"{int(part[1]) * 4}{part[2]}", level.for_)
        yield Mutant(f"for {longer}", _with(alert, severity, Level(level.threshold, longer)))


def _wrong(threshold: float) -> list[float]:
    """Thresholds near and far; of a small whole number, which counts something, the next ones."""
    if threshold == 0:
        return [1e9, -1e9]
    if threshold == int(threshold) and threshold <= 3:
        return [threshold + 1, threshold - 1]
    return [threshold * factor for factor in _SCALED]


def _with(alert: Alert, severity: str, level: Level) -> Alert:
    if alert.severity:
        return msgspec.structs.replace(alert, threshold=level.threshold, for_=level.for_)
    return msgspec.structs.replace(alert, levels={**alert.levels, severity: level})


def _of_expression(expr: str) -> Iterator[tuple[str, str]]:
    text = expr.strip()
    for found in _OPERATOR.finditer(text):
        turned = _TURNED[found[0]]
        yield f"{found[0]} at {found.start()} is {turned}", text[: found.start()] + turned + text[found.end() :]
    for found in _MATCHER.finditer(text):
        turned = _TURNED_MATCHER[found[0]]
        yield f"{found[0]} at {found.start()} is {turned}", text[: found.start()] + turned + text[found.end() :]
    if guard := _CLAUSE.search(text):
        yield "without its guard", text[: guard.start()]

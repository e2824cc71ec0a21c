"""The functions of Go's templates that Alertmanager has, as Jinja expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from alertrouter.policy.alertmanager.expression import ELEMENTS, Expr, Kind, printed
from alertrouter.policy.alertmanager.golayout import time_expression
from alertrouter.policy.alertmanager.goprintf import printf
from alertrouter.policy.alertmanager.gotree import GoTemplateError

_ANY: Final = 99
"""As many values as one likes."""


def function(name: str, arguments: list[Expr]) -> Expr:
    """Call the function by its name. Raises `GoTemplateError`."""
    known = _FUNCTIONS.get(name)
    if known is None:
        raise GoTemplateError(f"there is no function `{name}`")
    least, most, make = known
    if not least <= len(arguments) <= most:
        raise GoTemplateError(f"`{name}` takes {_number(least, most)}, found {len(arguments)}")
    return make(arguments)


def _number(least: int, most: int) -> str:
    if most == _ANY:
        return f"{least} or more values"
    return f"{least} value{'' if least == 1 else 's'}" if least == most else f"{least} to {most} values"


def _filtered(filter_: str) -> Callable[[list[Expr]], Expr]:
    return lambda values: Expr(f"({values[0].code}|{filter_})")


def _compared(sign: str) -> Callable[[list[Expr]], Expr]:
    return lambda values: Expr(f"({values[0].code} {sign} {values[1].code})", Kind.TRUTH)


def _joined(word: str) -> Callable[[list[Expr]], Expr]:
    return lambda values: Expr(f"({f' {word} '.join(value.code for value in values)})", values[-1].kind)


def _equal(values: list[Expr]) -> Expr:
    first, *others = values
    if len(others) == 1:
        return Expr(f"({first.code} == {others[0].code})", Kind.TRUTH)
    return Expr(f"({first.code} in [{', '.join(one.code for one in others)}])", Kind.TRUTH)


def _index(values: list[Expr]) -> Expr:
    value, *keys = values
    for key in keys:
        if value.kind is Kind.KV:
            value = Expr(f'{value.code}.get({key.code}, "")')
        elif value.kind in ELEMENTS:
            value = Expr(f"({value.code}|list)[{key.code}]", ELEMENTS[value.kind])
        else:
            raise GoTemplateError("`index` is asked of something that isn't a list or a mapping")
    return value


def date(layout: Expr, moment: Expr) -> Expr:
    """A time in a layout of Go's. Raises `GoTemplateError`."""
    if not isinstance(layout.literal, str) or moment.kind is not Kind.TIME:
        raise GoTemplateError("a time is written in a layout that isn't a plain text")
    return Expr(time_expression(moment.code, layout.literal))


def _since(values: list[Expr]) -> Expr:
    return Expr(f"(notice.at - {values[0].code})", Kind.SPAN)


def _duration(values: list[Expr]) -> Expr:
    if values[0].kind is not Kind.SPAN:
        raise GoTemplateError("`humanizeDuration` is asked of something that isn't `since …`")
    return Expr(f"({values[0].code}|duration)")


def _in_zone(values: list[Expr]) -> Expr:
    return Expr(f"({values[1].code}|in_zone({values[0].code}))", Kind.TIME)


def _listed(values: list[Expr]) -> Expr:
    return Expr(f"[{', '.join(value.code for value in values)}]", Kind.TEXTS)


def _same(values: list[Expr]) -> Expr:
    return values[0]


_FUNCTIONS: Final[Mapping[str, tuple[int, int, Callable[[list[Expr]], Expr]]]] = {
    "toUpper": (1, 1, _filtered("upper")),
    "toLower": (1, 1, _filtered("lower")),
    "title": (1, 1, _filtered("title")),
    "trimSpace": (1, 1, _filtered("trim")),
    "len": (1, 1, _filtered("length")),
    "toJson": (1, 1, _filtered("tojson")),
    "urlquery": (1, 1, _filtered("urlencode")),
    "safeHtml": (1, 1, _same),
    "safeUrl": (1, 1, _same),
    "html": (1, 1, _same),
    "join": (2, 2, lambda values: Expr(f"({values[1].code}|join({values[0].code}))")),
    "match": (2, 2, lambda values: Expr(f"({values[1].code}|fits({values[0].code}))", Kind.TRUTH)),
    "reReplaceAll": (3, 3, lambda values: Expr(f"({values[2].code}|resub({values[0].code}, {values[1].code}))")),
    "stringSlice": (0, _ANY, _listed),
    "list": (0, _ANY, _listed),
    "index": (2, 9, _index),
    "eq": (2, _ANY, _equal),
    "ne": (2, 2, _compared("!=")),
    "lt": (2, 2, _compared("<")),
    "le": (2, 2, _compared("<=")),
    "gt": (2, 2, _compared(">")),
    "ge": (2, 2, _compared(">=")),
    "and": (1, _ANY, _joined("and")),
    "or": (1, _ANY, _joined("or")),
    "not": (1, 1, lambda values: Expr(f"(not {values[0].code})", Kind.TRUTH)),
    "date": (2, 2, lambda values: date(values[0], values[1])),
    "tz": (2, 2, _in_zone),
    "since": (1, 1, _since),
    "now": (0, 0, lambda values: Expr("notice.at", Kind.TIME)),
    "humanizeDuration": (1, 1, _duration),
    "printf": (1, _ANY, printf),
    "print": (1, _ANY, lambda values: Expr(f"({' ~ '.join(map(printed, values))})")),
}

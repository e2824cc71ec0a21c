"""Jinja expressions that know what they are: a notice, an alert, a time …; what their fields give, how they print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from alertrouter.policy.alertmanager.gotree import GoTemplateError


class Kind(Enum):
    """What an expression is, as far as its fields and functions go by it."""

    DATA = auto()
    ALERTS = auto()
    ALERT = auto()
    KV = auto()
    PAIRS = auto()
    PAIR = auto()
    TEXTS = auto()
    TIME = auto()
    SPAN = auto()
    TRUTH = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True)
class Expr:
    """A Jinja expression. Texts and numbers are plain values; `literal` is what it says when it is one."""

    code: str
    kind: Kind = Kind.VALUE
    literal: str | int | float | bool | None = None


DATA: Final = Expr("notice", Kind.DATA)

_DATA: Final[Mapping[str, Expr]] = {
    "Receiver": Expr("notice.receiver"),
    "Status": Expr("notice.status"),
    "Alerts": Expr("notice.alerts", Kind.ALERTS),
    "GroupLabels": Expr("notice.group_labels", Kind.KV),
    "CommonLabels": Expr("notice.common_labels", Kind.KV),
    "CommonAnnotations": Expr("notice.common_annotations", Kind.KV),
    "ExternalURL": Expr("notice.external_url"),
    "NotificationReason": Expr("notice.reason"),
}
_ALERT: Final[Mapping[str, tuple[str, Kind]]] = {
    "Status": ("{}.status", Kind.VALUE),
    "Labels": ("{}.labels", Kind.KV),
    "Annotations": ("{}.annotations", Kind.KV),
    "StartsAt": ("{}.starts_at", Kind.TIME),
    "EndsAt": ("({0}.ends_at or notice.at)", Kind.TIME),
    "GeneratorURL": ("{}.generator_url", Kind.VALUE),
    "Fingerprint": ("{}.fingerprint", Kind.VALUE),
}
ELEMENTS: Final = {
    Kind.ALERTS: Kind.ALERT,
    Kind.PAIRS: Kind.PAIR,
    Kind.TEXTS: Kind.VALUE,
    Kind.KV: Kind.VALUE,
}
"""What `range` gives one by one."""


def fields_of(value: Expr, names: Iterable[str]) -> Expr:
    """What a chain of fields gives. Raises `GoTemplateError`."""
    for name in names:
        value = _field(value, name)
    return value


def _field(value: Expr, name: str) -> Expr:
    match value.kind:
        case Kind.DATA if name in _DATA:
            return _DATA[name]
        case Kind.ALERTS if name in ("Firing", "Resolved") and value.code == "notice.alerts":
            return Expr(f"notice.{name.lower()}", Kind.ALERTS)
        case Kind.ALERT if name in _ALERT:
            form, kind = _ALERT[name]
            return Expr(form.format(value.code), kind)
        case Kind.KV | Kind.PAIRS if name in ("Names", "Values"):
            pairs = value.code if value.kind is Kind.PAIRS else f"{value.code}|pairs"
            return Expr(f'({pairs}|map(attribute="{name.lower()[:-1]}")|list)', Kind.TEXTS)
        case Kind.KV if name == "SortedPairs":
            return Expr(f"({value.code}|pairs)", Kind.PAIRS)
        case Kind.KV:
            return Expr(f'{value.code}.get({json.dumps(name)}, "")')
        case Kind.PAIR if name in ("Name", "Value"):
            return Expr(f"{value.code}.{name.lower()}")
        case Kind.TIME if name in ("UTC", "Local"):
            return value
        case Kind.TIME if name == "Unix":
            return Expr(f"({value.code}.timestamp()|int)")
    raise GoTemplateError(f"the field `.{name}` has no equivalent here")


def literal(value: str | float | bool | None) -> Expr:
    """A text, a number, true or false as it stands."""
    if isinstance(value, str):
        return Expr(json.dumps(value, ensure_ascii=False), literal=value)
    words = {True: "true", False: "false", None: "none"}
    if isinstance(value, bool):
        return Expr(words[value], Kind.TRUTH, literal=value)
    return Expr(words[value] if value is None else str(value), literal=value)


def printed(value: Expr) -> str:
    """The expression as a reader sees it. Raises `GoTemplateError` for what nobody prints."""
    match value.kind:
        case Kind.TIME:
            return f"{value.code}|date"
        case Kind.SPAN:
            return f"{value.code}|duration"
        case Kind.TRUTH:
            return f"{value.code}|tojson"
        case Kind.KV:
            return f"{value.code}|labels"
        case Kind.TEXTS:
            return f'{value.code}|join(" ")'
        case Kind.VALUE:
            return value.code
    raise GoTemplateError("a whole notice, alert or list is written out")

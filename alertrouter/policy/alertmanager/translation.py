"""Go's templates → Jinja: the forms in which people write Alertmanager's messages, each value with its kind.

What a field or a function gives depends on what it is asked of, so every expression carries its kind. Whatever isn't
known raises `GoTemplateError`: the caller keeps the text and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from alertrouter.policy.alertmanager.golayout import strftime_format
from alertrouter.policy.alertmanager.gosyntax import (
    Assign,
    Block,
    Call,
    Chain,
    GoTemplateError,
    Literal,
    Node,
    Operand,
    Output,
    Pipeline,
    Text,
    Word,
    parse,
)

_DEEPEST: Final = 20
_LARGEST: Final = 200_000


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
_ELEMENTS: Final = {
    Kind.ALERTS: Kind.ALERT,
    Kind.PAIRS: Kind.PAIR,
    Kind.TEXTS: Kind.VALUE,
    Kind.KV: Kind.VALUE,
}

_SUBJECT: Final = (
    '[{{ notice.status|upper }}{% if notice.status == "firing" %}:{{ notice.firing|length }}{% endif %}]'
    ' {{ notice.group_labels|pairs|map(attribute="value")|join(" ") }}'
    "{% if notice.common_labels|length > notice.group_labels|length %}"
    ' ({{ notice.common_labels|without(notice.group_labels)|pairs|map(attribute="value")|join(" ") }})'
    "{% endif %}"
)
_LIST: Final = (
    "{%+ for one in LIST +%}Labels:\n"
    "{%+ for pair in one.labels|pairs +%} - {{ pair.name }} = {{ pair.value }}\n{%+ endfor +%}"
    "Annotations:\n"
    "{%+ for pair in one.annotations|pairs +%} - {{ pair.name }} = {{ pair.value }}\n{%+ endfor +%}"
    "Source: {{ one.generator_url }}\n{%+ endfor +%}"
)
_DEFAULTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("__subject", "slack.default.title", "pagerduty.default.description", "email.default.subject"),
            *("opsgenie.default.message", "pushover.default.title", "msteams.default.title", "discord.default.title"),
        ),
        _SUBJECT,
    ),
    **dict.fromkeys(("__alertmanager", "slack.default.username", "pagerduty.default.client"), "alertrouter"),
    **dict.fromkeys(
        ("__alertmanagerURL", "slack.default.titlelink", "pagerduty.default.clientURL"), "{{ notice.external_url }}/"
    ),
    **dict.fromkeys(("__text_alert_list", "pagerduty.default.instances"), _LIST),
    **dict.fromkeys(
        (
            *("__description", "slack.default.text", "slack.default.pretext", "slack.default.footer"),
            *("slack.default.iconemoji", "slack.default.iconurl", "slack.default.callbackid"),
        ),
        "",
    ),
    "slack.default.fallback": _SUBJECT + " | {{ notice.external_url }}/",
    "email.default.html": '{%+ include "builtin/email/body.html.j2" +%}',
    "email.default.text": '{%+ include "builtin/email/body.txt.j2" +%}',
}
"""What Alertmanager's own templates say, in Jinja; its mail is replaced by ours."""


def translate(source: str, definitions: Mapping[str, tuple[Node, ...]]) -> str:
    """The Jinja for a text of a message; `definitions` are those of the template files. Raises `GoTemplateError`."""
    parsed = parse(source)
    emitter = _Emitter({**definitions, **parsed.defines})
    return emitter.nodes(parsed.nodes, _Scope(DATA, {"$": DATA}))


def definitions_of(source: str) -> Mapping[str, tuple[Node, ...]]:
    """The templates that a file defines. Raises `GoTemplateError`."""
    return parse(source).defines


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the dot and the variables are at one place; `loops` how many `range` there are around it."""

    dot: Expr
    variables: Mapping[str, Expr]
    loops: int = 0
    homes: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0

    def knowing(self, name: str, expr: Expr) -> _Scope:
        return replace(self, variables={**self.variables, name: expr}, homes={**self.homes, name: self.loops})


class _Emitter:
    """Writes Jinja for nodes. Names of loops are counted, so that none hides another."""

    def __init__(self, definitions: Mapping[str, tuple[Node, ...]]) -> None:
        self._definitions = definitions
        self._names = 0
        self._written = 0

    def nodes(self, nodes: tuple[Node, ...], scope: _Scope) -> str:
        parts: list[str] = []
        for node in nodes:
            part, scope = self._node(node, scope)
            parts.append(part)
            self._written += len(part)
            if self._written > _LARGEST:
                raise GoTemplateError("becomes too long")
        return "".join(parts)

    def _node(self, node: Node, scope: _Scope) -> tuple[str, _Scope]:
        match node:
            case Text(text=text):
                return _escaped(text), scope
            case Output(pipeline=pipeline):
                return f"{{{{ {_printed(self._pipeline(pipeline, scope))} }}}}", scope
            case Assign():
                return self._assign(node, scope)
            case Call():
                return self._call(node, scope), scope
            case Block(kind="range"):
                return self._range(node, scope), scope
            case Block():
                return self._if(node, scope), scope

    def _fresh(self, stem: str) -> str:
        self._names += 1
        return f"{stem}{self._names}"

    def _assign(self, node: Assign, scope: _Scope) -> tuple[str, _Scope]:
        if len(node.names) != 1:
            raise GoTemplateError("several variables are set at once, which only `range` does")
        (name,) = node.names
        value = self._pipeline(node.pipeline, scope)
        if node.declares:
            own = self._fresh(f"v_{name[1:]}_")
            return f"{{%+ set {own} = {value.code} +%}}", scope.knowing(name, Expr(own, value.kind))
        known = scope.variables.get(name)
        if known is None:
            raise GoTemplateError(f"`{name}` is set before it is there")
        if scope.homes.get(name, 0) != scope.loops:
            raise GoTemplateError(f"`{name}` is changed inside a loop, which Jinja forgets at its end")
        return f"{{%+ set {known.code} = {value.code} +%}}", scope

    def _call(self, node: Call, scope: _Scope) -> str:
        dot = self._pipeline(node.pipeline, scope) if node.pipeline else Expr('""')
        if node.name in self._definitions:
            if scope.calls >= _DEEPEST:
                raise GoTemplateError(f"the template `{node.name}` uses itself")
            inner = _Scope(dot, {"$": dot}, loops=scope.loops, calls=scope.calls + 1)
            return self.nodes(self._definitions[node.name], inner)
        if node.name not in _DEFAULTS:
            raise GoTemplateError(f"the template `{node.name}` is not defined")
        return _DEFAULTS[node.name].replace("LIST", dot.code)

    def _if(self, node: Block, scope: _Scope) -> str:
        value = self._pipeline(node.pipeline, scope)
        inside = scope
        for name in node.names:
            inside = inside.knowing(name, value)
        if node.kind == "with":
            inside = replace(inside, dot=value)
        body, otherwise = self.nodes(node.body, inside), self.nodes(node.otherwise, scope)
        rest = f"{{%+ else +%}}{otherwise}" if otherwise else ""
        return f"{{%+ if {value.code} +%}}{body}{rest}{{%+ endif +%}}"

    def _range(self, node: Block, scope: _Scope) -> str:
        value = self._pipeline(node.pipeline, scope)
        if value.kind not in _ELEMENTS:
            raise GoTemplateError("`range` goes over something that isn't a list")
        name = self._fresh("each")
        kind = _ELEMENTS[value.kind]
        element, index = Expr(name, kind), Expr("loop.index0")
        source = value.code
        if value.kind is Kind.KV:
            source, element, index = f"{value.code}|dictsort(true)", Expr(f"{name}[1]"), Expr(f"{name}[0]")
        inside = replace(scope, dot=element, loops=scope.loops + 1)
        set_index = ""
        if len(node.names) == 2:
            number = self._fresh("v_index_")
            set_index = f"{{%+ set {number} = {index.code} +%}}"
            inside = inside.knowing(node.names[0], Expr(number))
        if node.names:
            inside = inside.knowing(node.names[-1], element)
        body, otherwise = self.nodes(node.body, inside), self.nodes(node.otherwise, scope)
        rest = f"{{%+ else +%}}{otherwise}" if otherwise else ""
        return f"{{%+ for {name} in {source} +%}}{set_index}{body}{rest}{{%+ endfor +%}}"

    # Expressions

    def _pipeline(self, pipeline: Pipeline, scope: _Scope) -> Expr:
        value: Expr | None = None
        for command in pipeline.commands:
            value = self._command(command, value, scope)
        assert value is not None  # noqa: S101 -- a pipeline has a command
        return value

    def _command(self, command: tuple[Operand, ...], piped: Expr | None, scope: _Scope) -> Expr:
        first, *rest = command
        arguments = [self._operand(one, scope) for one in rest] + ([piped] if piped else [])
        if isinstance(first, Word):
            return _function(first.name, arguments)
        if arguments:
            return self._method(first, arguments, scope)
        return self._operand(first, scope)

    def _operand(self, operand: Operand, scope: _Scope) -> Expr:
        match operand:
            case Literal(value=value):
                return _literal(value)
            case Pipeline():
                return self._pipeline(operand, scope)
            case Word(name=name):
                return _function(name, [])
            case Chain():
                return _fields(self._base(operand, scope), operand.fields)

    def _base(self, chain: Chain, scope: _Scope) -> Expr:
        if chain.base is None:
            return scope.dot
        if isinstance(chain.base, Pipeline):
            return self._pipeline(chain.base, scope)
        if chain.base not in scope.variables:
            raise GoTemplateError(f"there is no variable `{chain.base}`")
        return scope.variables[chain.base]

    def _method(self, operand: Operand, arguments: list[Expr], scope: _Scope) -> Expr:
        """`.StartsAt.Format "…"`, `.CommonLabels.Remove …`: the last field is called."""
        if not isinstance(operand, Chain) or not operand.fields:
            raise GoTemplateError("found a value where a function was expected")
        *fields, name = operand.fields
        value = _fields(self._base(operand, scope), fields)
        if value.kind is Kind.TIME and name == "Format":
            return _date(arguments[0], value)
        if value.kind is Kind.KV and name == "Remove":
            return Expr(f"({value.code}|without({arguments[0].code}))", Kind.KV)
        raise GoTemplateError(f"the method `.{name}` has no equivalent")


def _fields(value: Expr, names: Iterable[str]) -> Expr:
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


def _literal(value: str | float | bool | None) -> Expr:
    if isinstance(value, str):
        return Expr(json.dumps(value, ensure_ascii=False), literal=value)
    words = {True: "true", False: "false", None: "none"}
    return Expr(words[value] if value is None or isinstance(value, bool) else str(value), literal=value)


def _function(name: str, arguments: list[Expr]) -> Expr:
    known = _FUNCTIONS.get(name)
    if known is None:
        raise GoTemplateError(f"there is no function `{name}`")
    least, most, make = known
    if not least <= len(arguments) <= most:
        raise GoTemplateError(f"`{name}` takes {least} or more values, found {len(arguments)}")
    return make(arguments)


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
        elif value.kind in _ELEMENTS:
            value = Expr(f"({value.code}|list)[{key.code}]", _ELEMENTS[value.kind])
        else:
            raise GoTemplateError("`index` is asked of something that isn't a list or a mapping")
    return value


def _date(layout: Expr, moment: Expr) -> Expr:
    if not isinstance(layout.literal, str) or moment.kind is not Kind.TIME:
        raise GoTemplateError("a time is written in a layout that isn't a plain text")
    return Expr(f"{moment.code}.strftime({json.dumps(strftime_format(layout.literal))})")


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


def _printf(values: list[Expr]) -> Expr:
    form, *rest = values
    if not isinstance(form.literal, str):
        raise GoTemplateError("`printf` with a form that isn't a plain text")
    parts: list[str] = []
    for piece in re.split(r"(%[svdq%])", form.literal):
        if piece == "%%":
            parts.append('"%"')
        elif re.fullmatch("%[svdq]", piece):
            if not rest:
                raise GoTemplateError("`printf` has too few values")
            value, rest = rest[0], rest[1:]
            parts.append(f"({value.code}|tojson)" if piece == "%q" else value.code)
        elif "%" in piece:
            raise GoTemplateError(f"`printf` with `{piece[piece.index('%') :][:6]}`")
        elif piece:
            parts.append(json.dumps(piece, ensure_ascii=False))
    return Expr(f"({' ~ '.join(parts) or json.dumps('')})")


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
    "stringSlice": (0, 99, _listed),
    "list": (0, 99, _listed),
    "index": (2, 9, _index),
    "eq": (2, 99, _equal),
    "ne": (2, 2, _compared("!=")),
    "lt": (2, 2, _compared("<")),
    "le": (2, 2, _compared("<=")),
    "gt": (2, 2, _compared(">")),
    "ge": (2, 2, _compared(">=")),
    "and": (1, 99, _joined("and")),
    "or": (1, 99, _joined("or")),
    "not": (1, 1, lambda values: Expr(f"(not {values[0].code})", Kind.TRUTH)),
    "date": (2, 2, lambda values: _date(values[0], values[1])),
    "tz": (2, 2, _in_zone),
    "since": (1, 1, _since),
    "now": (0, 0, lambda values: Expr("notice.at", Kind.TIME)),
    "humanizeDuration": (1, 1, _duration),
    "printf": (1, 99, _printf),
    "print": (1, 99, lambda values: Expr(f"({' ~ '.join(value.code for value in values)})")),
}


def _printed(value: Expr) -> str:
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


def _escaped(text: str) -> str:
    """Text that Jinja would take for something of its own is put in quotes."""
    return re.sub(r"\{(?=[{%#])", '{{ "{" }}', text)

"""Go's templates → Jinja: the forms in which people write Alertmanager's messages, each value with its kind.

What a field or a function gives depends on what it is asked of, so every expression carries its kind. Whatever isn't
known raises `GoTemplateError`: the caller keeps the text and says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from alertrouter.policy.alertmanager.expression import DATA, ELEMENTS, Expr, Kind, fields_of, literal, printed
from alertrouter.policy.alertmanager.gofunctions import date, function
from alertrouter.policy.alertmanager.gosyntax import parse
from alertrouter.policy.alertmanager.gotemplates import DEFAULTS
from alertrouter.policy.alertmanager.gotree import (
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
)

_DEEPEST: Final = 20
_LARGEST: Final = 200_000


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
                return f"{{{{ {printed(self._pipeline(pipeline, scope))} }}}}", scope
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
        if not known.code.isidentifier():
            raise GoTemplateError(f"`{name}` is changed, and stands for what `if`, `with` or `range` is asked of")
        if known.kind is not value.kind:
            raise GoTemplateError(f"`{name}` is set to another kind of value than it had")
        return f"{{%+ set {known.code} = {value.code} +%}}", scope

    def _call(self, node: Call, scope: _Scope) -> str:
        dot = self._pipeline(node.pipeline, scope) if node.pipeline else Expr('""')
        if node.name in self._definitions:
            if scope.calls >= _DEEPEST:
                raise GoTemplateError(f"the template `{node.name}` uses itself")
            inner = _Scope(dot, {"$": dot}, loops=scope.loops, calls=scope.calls + 1)
            return self.nodes(self._definitions[node.name], inner)
        if node.name not in DEFAULTS:
            raise GoTemplateError(f"the template `{node.name}` is not defined")
        return DEFAULTS[node.name].replace("LIST", dot.code)

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
        if value.kind not in ELEMENTS:
            raise GoTemplateError("`range` goes over something that isn't a list")
        name = self._fresh("each")
        kind = ELEMENTS[value.kind]
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
            return function(first.name, arguments)
        if arguments:
            return self._method(first, arguments, scope)
        return self._operand(first, scope)

    def _operand(self, operand: Operand, scope: _Scope) -> Expr:
        match operand:
            case Literal(value=value):
                return literal(value)
            case Pipeline():
                return self._pipeline(operand, scope)
            case Word(name=name):
                return function(name, [])
            case Chain():
                return fields_of(self._base(operand, scope), operand.fields)

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
        value = fields_of(self._base(operand, scope), fields)
        if value.kind is Kind.TIME and name == "Format":
            return date(arguments[0], value)
        if value.kind is Kind.KV and name == "Remove":
            return Expr(f"({value.code}|without({arguments[0].code}))", Kind.KV)
        raise GoTemplateError(f"the method `.{name}` has no equivalent")


def _escaped(text: str) -> str:
    """Text that Jinja would take for something of its own is put in quotes; a brace at its end may meet an action."""
    return re.sub(r"\{(?=[{%#]|\Z)", '{{ "{" }}', text)

"""Go's template language → a tree of nodes: text, output, `if`, `with`, `range`, `define`, `template`, variables.

Source: https://pkg.go.dev/text/template. Nothing is evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from alertrouter.policy.quoting import unquote

_ACTION: Final = re.compile(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"\{\{(- )?/\*.*?\*/( -)?\}\}", re.DOTALL)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\\n])*")|(?P<raw>`[^`]*`)|(?P<char>'(?:\\.|[^'\\\n])+')
    |(?P<number>[-+]?[0-9][0-9_]*(?:\.[0-9]+)?)|(?P<variable>\$[A-Za-z0-9_]*)|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    |(?P<dot>\.)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>:=|=|\||,|\(|\)))""",
    re.VERBOSE,
)
_DEEPEST: Final = 50
_LONGEST: Final = 200_000


class GoTemplateError(ValueError):
    """A text isn't a template of Go's, or holds what can't be translated."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands, trimmed where markers say so."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, or true and false."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Chain:
    """`.A.B`, `$x.A`, `(…).A`: fields of something. `base` None is the dot, "$x" a variable."""

    base: str | Pipeline | None
    fields: tuple[str, ...]
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """The name of a function."""

    name: str


Operand: TypeAlias = "Literal | Chain | Word | Pipeline"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`: each gets what the one before it gave as its last argument."""

    commands: tuple[tuple[Operand, ...], ...]


@dataclass(frozen=True, slots=True)
class Output:
    """`{{ … }}`."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Assign:
    """`{{ $x := … }}`, or `=` for a variable that is there already."""

    names: tuple[str, ...]
    pipeline: Pipeline
    declares: bool


@dataclass(frozen=True, slots=True)
class Block:
    """`if`, `with` or `range`, with what stands in its branches."""

    kind: str
    names: tuple[str, ...]
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`{{ template "name" … }}`; `pipeline` None passes nothing on."""

    name: str
    pipeline: Pipeline | None


Node: TypeAlias = "Text | Output | Assign | Block | Call"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text, and what it defines."""

    nodes: tuple[Node, ...]
    defines: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)


def parse(source: str) -> Parsed:
    """Read a template. Raises `GoTemplateError`."""
    if len(source) > _LONGEST:
        raise GoTemplateError(f"longer than {_LONGEST} characters")
    parser = _Parser(source)
    nodes, end = parser.body(0)
    if end:
        raise GoTemplateError(f"found `{end}`, which ends nothing")
    return Parsed(nodes, parser.defines)


class _Parser:
    """Reads pieces one after another: texts and actions take turns."""

    def __init__(self, source: str) -> None:
        self.defines: dict[str, tuple[Node, ...]] = {}
        self._pieces = list(_pieces(source))
        self._place = 0

    def body(self, depth: int) -> tuple[tuple[Node, ...], str]:
        """Nodes up to an `end` or `else`, which is given too; "" at the end of the text."""
        if depth > _DEEPEST:
            raise GoTemplateError(f"nested more than {_DEEPEST} deep")
        nodes: list[Node] = []
        while self._place < len(self._pieces):
            is_action, content = self._pieces[self._place]
            self._place += 1
            if not is_action:
                nodes += [Text(content)] if content else []
                continue
            head = content.split()[0] if content.split() else ""
            if head in ("end", "else"):
                return tuple(nodes), content
            nodes += self._action(head, content[len(head) :].strip() if head else "", content, depth)
        return tuple(nodes), ""

    def _action(self, head: str, rest: str, content: str, depth: int) -> list[Node]:
        match head:
            case "":
                raise GoTemplateError("found an empty action")
            case "if" | "with" | "range":
                return [self._block(head, rest, depth)]
            case "define" | "block":
                return self._define(head, rest, depth)
            case "template":
                name, pipeline = _named(rest)
                return [Call(name, pipeline)]
            case "break" | "continue":
                raise GoTemplateError(f"`{head}` has no equivalent")
        names, pipeline, operator = _pipeline(_tokens(content))
        return [Assign(names, pipeline, operator == ":=")] if names else [Output(pipeline)]

    def _block(self, kind: str, rest: str, depth: int) -> Block:
        names, pipeline, _ = _pipeline(_tokens(rest))
        body, end = self.body(depth + 1)
        otherwise: tuple[Node, ...] = ()
        if end.split()[:1] == ["else"]:
            more = end.split(None, 1)[1] if len(end.split()) > 1 else ""
            if more:
                head = more.split()[0]
                if head not in ("if", "with"):
                    raise GoTemplateError(f"found `{end}`, expected `else` or `else if …`")
                return Block(kind, names, pipeline, body, (self._block(head, more[len(head) :], depth + 1),))
            otherwise, end = self.body(depth + 1)
        if end != "end":
            raise GoTemplateError(f"`{kind}` has no `end`")
        return Block(kind, names, pipeline, body, otherwise)

    def _define(self, kind: str, rest: str, depth: int) -> list[Node]:
        name, pipeline = _named(rest)
        body, end = self.body(depth + 1)
        if end != "end":
            raise GoTemplateError(f"`{kind} {name}` has no `end`")
        self.defines[name] = body
        return [Call(name, pipeline)] if kind == "block" else []


def _pieces(source: str) -> list[tuple[bool, str]]:
    """Texts and actions in turn; the markers `{{-` and `-}}` have cut white space from the texts."""
    source = _COMMENT.sub(lambda found: f"{{{{{'- ' if found[1] else ''}/**/{' -' if found[2] else ''}}}}}", source)
    pieces: list[tuple[bool, str]] = []
    place, cut = 0, False
    for found in _ACTION.finditer(source):
        text = source[place : found.start()]
        text = text.lstrip() if cut else text
        pieces.append((False, text.rstrip() if found[1] else text))
        if found[2].strip() != "/**/":
            pieces.append((True, found[2].strip()))
        place, cut = found.end(), bool(found[3])
    rest = source[place:]
    if "{{" in rest:
        raise GoTemplateError("found `{{` without `}}`")
    return [*pieces, (False, rest.lstrip() if cut else rest)]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    spaced: bool


def _tokens(content: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    content = content.rstrip()
    while place < len(content):
        found = _TOKEN.match(content, place)
        if found is None or found.end() == place:
            raise GoTemplateError(f"can't read `{content[place : place + 20].strip()}`")
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], found.start(kind) > place))
        place = found.end()
    return tokens


def _named(rest: str) -> tuple[str, Pipeline | None]:
    tokens = _tokens(rest)
    if not tokens or tokens[0].kind not in ("text", "raw"):
        raise GoTemplateError("found no name in quotes after `template`, `define` or `block`")
    name = _string(tokens[0])
    return name, _pipeline(tokens[1:])[1] if tokens[1:] else None


def _pipeline(tokens: list[_Token]) -> tuple[tuple[str, ...], Pipeline, str]:
    """The variables that are set, if any, the commands, and `:=` or `=`."""
    names: tuple[str, ...] = ()
    operator = ""
    signs = [token.text for token in tokens[:4]]
    for length in (1, 3):
        if len(signs) > length and signs[length] in (":=", "=") and tokens[length].kind == "sign":
            named = tokens[:length:2]
            if all(token.kind == "variable" for token in named):
                names, operator = tuple(token.text for token in named), signs[length]
                tokens = tokens[length + 1 :]
                break
    reader = _Operands(tokens)
    pipeline = reader.pipeline()
    if reader.rest:
        raise GoTemplateError(f"can't read `{reader.rest[0].text}` here")
    return names, pipeline, operator


class _Operands:
    """Reads commands and their operands from tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.rest = tokens

    def pipeline(self) -> Pipeline:
        commands: list[tuple[Operand, ...]] = []
        operands: list[Operand] = []
        while self.rest and self.rest[0].text != ")":
            token = self.rest[0]
            if token.kind == "sign" and token.text == "|":
                self.rest = self.rest[1:]
                commands.append(self._command(operands))
                operands = []
            else:
                operands.append(self._operand())
        commands.append(self._command(operands))
        return Pipeline(tuple(commands))

    def _command(self, operands: list[Operand]) -> tuple[Operand, ...]:
        if not operands:
            raise GoTemplateError("found nothing where a value was expected")
        return tuple(operands)

    def _operand(self) -> Operand:
        token, self.rest = self.rest[0], self.rest[1:]
        match token.kind:
            case "text" | "raw":
                return Literal(_string(token))
            case "number":
                plain = token.text.replace("_", "")
                return Literal(float(plain) if "." in plain else int(plain))
            case "dot":
                return Chain(None, ())
            case "field":
                return Chain(None, (token.text[1:], *self._fields()))
            case "variable":
                return Chain(token.text, self._fields())
            case "word" if token.text in ("true", "false", "nil"):
                return Literal({"true": True, "false": False, "nil": None}[token.text])
            case "word":
                return Word(token.text)
            case "sign" if token.text == "(":
                inner = self.pipeline()
                if not self.rest:
                    raise GoTemplateError("found `(` without `)`")
                self.rest = self.rest[1:]
                fields = self._fields()
                return Chain(inner, fields) if fields else inner
        raise GoTemplateError(f"can't read `{token.text}` here")

    def _fields(self) -> tuple[str, ...]:
        """The fields that follow without a space between."""
        fields: list[str] = []
        while self.rest and self.rest[0].kind == "field" and not self.rest[0].spaced:
            fields.append(self.rest[0].text[1:])
            self.rest = self.rest[1:]
        return tuple(fields)


def _string(token: _Token) -> str:
    if token.kind == "raw":
        return token.text[1:-1]
    try:
        return unquote(token.text[1:-1])
    except ValueError as error:
        raise GoTemplateError(f"can't read {token.text}: {error}") from error

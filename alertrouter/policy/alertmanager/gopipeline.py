"""What stands inside the braces of a template of Go's: `$x := .A.B | f "text"` → variables and a pipeline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from alertrouter.policy.alertmanager.gotree import Chain, GoTemplateError, Literal, Operand, Pipeline, Word
from alertrouter.policy.quoting import unquote

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\\n])*")|(?P<raw>`[^`]*`)|(?P<char>'(?:\\.|[^'\\\n])+')
    |(?P<number>[-+]?[0-9][0-9_]*(?:\.[0-9]+)?)|(?P<variable>\$[A-Za-z0-9_]*)|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    |(?P<dot>\.)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>:=|=|\||,|\(|\)))""",
    re.VERBOSE,
)


def assigned(content: str) -> tuple[tuple[str, ...], Pipeline, str]:
    """The variables that are set, if any, the commands, and `:=` or `=`. Raises `GoTemplateError`."""
    return _assigned(_tokens(content))


def named(rest: str) -> tuple[str, Pipeline | None]:
    """The name after `template`, `define` or `block`, and what is passed on. Raises `GoTemplateError`."""
    tokens = _tokens(rest)
    if not tokens or tokens[0].kind not in ("text", "raw"):
        raise GoTemplateError("found no name in quotes after `template`, `define` or `block`")
    name = _string(tokens[0])
    return name, _assigned(tokens[1:])[1] if tokens[1:] else None


def _assigned(tokens: list[_Token]) -> tuple[tuple[str, ...], Pipeline, str]:
    names: tuple[str, ...] = ()
    operator = ""
    signs = [token.text for token in tokens[:4]]
    for length in (1, 3):
        if len(signs) > length and signs[length] in (":=", "=") and tokens[length].kind == "sign":
            variables = tokens[:length:2]
            if all(token.kind == "variable" for token in variables):
                names, operator = tuple(token.text for token in variables), signs[length]
                tokens = tokens[length + 1 :]
                break
    reader = _Operands(tokens)
    pipeline = reader.pipeline()
    if reader.rest:
        raise GoTemplateError(f"can't read `{reader.rest[0].text}` here")
    return names, pipeline, operator


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

"""Go's template language → a tree of nodes: text, output, `if`, `with`, `range`, `define`, `template`, variables.

Source: https://pkg.go.dev/text/template. Nothing is evaluated here.
"""

from __future__ import annotations

import re
from typing import Final

from alertrouter.policy.alertmanager.gopipeline import assigned, named
from alertrouter.policy.alertmanager.gotree import Assign, Block, Call, GoTemplateError, Node, Output, Parsed, Text

_ACTION: Final = re.compile(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"\{\{(- )?/\*.*?\*/( -)?\}\}", re.DOTALL)
_DEEPEST: Final = 50
_LONGEST: Final = 200_000


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
                name, pipeline = named(rest)
                return [Call(name, pipeline)]
            case "break" | "continue":
                raise GoTemplateError(f"`{head}` has no equivalent")
        names, pipeline, operator = assigned(content)
        return [Assign(names, pipeline, operator == ":=")] if names else [Output(pipeline)]

    def _block(self, kind: str, rest: str, depth: int) -> Block:
        names, pipeline, _ = assigned(rest)
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
        name, pipeline = named(rest)
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

"""Alloy's configuration, taken apart as far as a test needs it: blocks, attributes, strings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'(?P<space>[ \t\r]+|//[^\n]*)|(?P<newline>\n)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<raw>`[^`]*`)'
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.]*|\d[\w.]*)|(?P<sign>[{}\[\]()=,:])"
)


@dataclass
class Block:
    """`name "label" { … }`. A value of `attributes` is its text as it stands, without spaces."""

    name: str
    label: str
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def walk(self) -> Iterator[Block]:
        """The block itself and all within it."""
        yield self
        for block in self.blocks:
            yield from block.walk()

    def text(self, name: str) -> str:
        """An attribute that is a string."""
        value = json.loads(self.attributes[name])
        assert isinstance(value, str)
        return value

    def map(self, name: str) -> dict[str, str]:
        """An attribute that is a map of strings."""
        inner = self.attributes[name].strip("{}")
        return dict(re.findall(r'(\w+)="([^"]*)"', inner))


def parse(text: str) -> Block:
    """Read a whole file; raises `ValueError` naming the line at which it is none."""
    tokens = list(_tokens(text))
    root = Block("", "")
    end = _body(tokens, 0, root)
    if end != len(tokens):
        raise ValueError(f"line {tokens[end][2]}: one }} too many")
    return root


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"line {line}: {text[at : at + 20]!r} can't be read")
        if found.lastgroup not in ("space", None):
            yield str(found.lastgroup), found[0], line
        line += found[0].count("\n")
        at = found.end()


def _body(tokens: list[tuple[str, str, int]], at: int, into: Block) -> int:
    while at < len(tokens) and tokens[at][1] != "}":
        kind, word, line = tokens[at]
        if kind == "newline":
            at += 1
            continue
        if kind != "word":
            raise ValueError(f"line {line}: expected a name, found {word!r}")
        if tokens[at + 1][1] == "=":
            at = _attribute(tokens, at + 2, into, word)
            continue
        labelled = tokens[at + 1][0] == "string"
        block = Block(word, json.loads(tokens[at + 1][1]) if labelled else "")
        at += 2 if labelled else 1
        if tokens[at][1] != "{":
            raise ValueError(f"line {line}: expected {{ after {word}")
        at = _body(tokens, at + 1, block)
        if at >= len(tokens):
            raise ValueError(f"line {line}: the block {word} has no end")
        into.blocks.append(block)
        at += 1
    return at


def _attribute(tokens: list[tuple[str, str, int]], at: int, into: Block, name: str) -> int:
    depth, parts = 0, []
    while at < len(tokens) and (depth or tokens[at][0] != "newline"):
        kind, word, line = tokens[at]
        depth += (word in "{[(" and kind == "sign") - (word in "}])" and kind == "sign")
        if depth < 0:
            raise ValueError(f"line {line}: {name} ends before its line does")
        if kind != "newline":
            parts.append(word)
        at += 1
    if name in into.attributes:
        raise ValueError(f"{name} stands twice in {into.name}")
    into.attributes[name] = "".join(parts)
    return at

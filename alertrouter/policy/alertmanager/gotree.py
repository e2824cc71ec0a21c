"""The tree that a template of Go's is: text, output, `if`, `with`, `range`, `template`, variables, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


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

"""Readers of Alertmanager's YAML, which is Go's: `yes` is a truth value there, null is the same as nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from alertrouter.policy.alertmanager.yamlwriter import listed, number, pairs
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields, Value, Wrong
from alertrouter.policy.reading.yamltext import Listing, Node, Scalar, Table

T = TypeVar("T")

_TRUE: Final = frozenset({"true", "yes", "on", "y"})
_FALSE: Final = frozenset({"false", "no", "off", "n"})


@contextmanager
def section(value: Value, keys: Iterable[str] = ()) -> Iterator[Fields]:
    """The fields of a mapping, null ones left out; `keys` are known beforehand, every other one must be asked for."""
    with value.fields() as fields:
        fields.blanks_absent = True
        for key in keys:
            _ = key in fields
        yield fields


def flag(value: Value) -> bool:
    """True or false as YAML 1.1 has them."""
    node = value.scalar("true or false")
    if node.plain and node.text.lower() in _TRUE | _FALSE:
        return node.text.lower() in _TRUE
    raise value.expected("true or false")


def text(value: Value) -> str:
    """A text, the empty one too."""
    return value.any_text()


def items(value: Value) -> tuple[Value, ...]:
    """The entries of a list; nothing at all is an empty one."""
    return () if value.null else value.items()


def texts(value: Value) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(read for item in items(value) if (read := item.read(text, None)) is not None)


def located(value: Value) -> tuple[Place, str]:
    """A text with its place."""
    return value.node.place, value.any_text()


def given(fields: Fields, key: str) -> tuple[Place, str] | None:
    """The text behind a key with its place; None when it isn't there or is empty."""
    found = fields.take(key, located, None)
    return found if found and found[1] else None


def place_of(fields: Fields, key: str) -> Place:
    """Where a key stands, or else the mapping."""
    node = fields.value.node
    return node.entries[key].place if isinstance(node, Table) and key in node.entries else node.place


def at_most_one(fields: Fields, *keys: str) -> None:
    """Note a fault when several of these keys are given."""
    both = [key for key in keys if key in fields]
    if len(both) > 1:
        fields.wrong(f"found {' and '.join(f'`{key}`' for key in both)}, expected at most one of them", both[-1])


def spoken(read: Callable[[Value], T]) -> Callable[[Value], T]:
    """Make a reader that refuses null where Alertmanager does."""

    def reader(value: Value) -> T:
        if value.null:
            raise Wrong("found nothing, expected a mapping")
        return read(value)

    return reader


def shown(node: Node) -> str:
    """A value as Alertmanager's configuration has it, in one line of YAML, with every text in quotes."""
    match node:
        case Table(entries=entries):
            return pairs((key, shown(entry.value)) for key, entry in entries.items())
        case Listing(items=nodes):
            return listed(shown(item) for item in nodes)
        case Scalar(null=True):
            return "null"
        case Scalar(text=content, plain=True):
            return content if content.lower() in _TRUE | _FALSE else number(content)
        case Scalar(text=content):
            return number(content) if not content.isdigit() else f'"{content}"'

"""Typed readers of YAML values: what was found, what was expected, and go on to find the next fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final, TypeAlias, TypeVar

from alertrouter.policy.duration import parse_duration
from alertrouter.policy.reading.faults import Faults, Place, unknown
from alertrouter.policy.reading.yamltext import Listing, Node, Scalar, Table

T = TypeVar("T")
D = TypeVar("D")

_LONGEST_SHOWN: Final = 60
_A_DURATION: Final = "a duration such as `5m` or `1h30m`"


class Wrong(Exception):
    """A reader met something that it can't take; `shift` moves the caret right, into the value."""

    def __init__(self, message: str, *, shift: int = 0) -> None:
        self.message = message
        self.shift = shift
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Value:
    """A node with the path of keys that leads to it.

    The readers (`text`, `flag`, `duration` …) raise `Wrong`; `read`, `each` and `table` note that and go on.
    """

    node: Node
    path: str
    faults: Faults

    def read(self, reader: Reader[T], otherwise: D) -> T | D:
        """The value as the reader takes it; `otherwise`, with the fault noted, when it can't."""
        try:
            return reader(self)
        except Wrong as wrong:
            place = self.node.place
            self.faults.add(Place(place.file, place.line, place.column + wrong.shift), self.path, wrong.message)
            return otherwise

    def expected(self, what: str) -> Wrong:
        """The error that says what stands here and what should."""
        hint = " (a value that starts with # needs quotes)" if self.null else ""
        return Wrong(f"found {self._shown()}, expected {what}{hint}")

    def _shown(self) -> str:
        match self.node:
            case Table():
                return "a mapping"
            case Listing():
                return "a list"
            case Scalar(null=True):
                return "nothing"
            case Scalar(text=text):
                return f"`{text[:_LONGEST_SHOWN]}{'…' if len(text) > _LONGEST_SHOWN else ''}`"

    def scalar(self, what: str) -> Scalar:
        """A single value that is not null."""
        if not isinstance(self.node, Scalar) or self.node.null:
            raise self.expected(what)
        return self.node

    def text(self) -> str:
        """A text that is not empty. Numbers count as the text that was written."""
        node = self.scalar("a text")
        if not node.text.strip():
            raise Wrong("found an empty text, expected one that says something")
        return node.text

    def any_text(self) -> str:
        """A text, the empty one too."""
        return self.scalar("a text").text

    def flag(self) -> bool:
        """True or false, as YAML 1.2 writes them."""
        node = self.scalar("true or false")
        if not node.plain or node.text not in ("true", "false"):
            raise self.expected("true or false")
        return node.text == "true"

    def count(self) -> int:
        """A whole number, 0 or more."""
        node = self.scalar("a whole number")
        if not node.plain or not (node.text.isascii() and node.text.isdigit()) or len(node.text) > 9:
            raise self.expected("a whole number, 0 or more")
        return int(node.text)

    def duration(self) -> timedelta:
        """A duration as Prometheus writes it."""
        text = self.scalar(_A_DURATION).text
        if len(text) > _LONGEST_SHOWN:
            raise self.expected(_A_DURATION)
        try:
            return parse_duration(text)
        except ValueError as error:
            raise Wrong(str(error)) from error

    def long_duration(self) -> timedelta:
        """A duration that is not zero."""
        if not (duration := self.duration()):
            raise self.expected("a duration greater than 0")
        return duration

    def items(self) -> tuple[Value, ...]:
        """The entries of a list."""
        if not isinstance(self.node, Listing):
            raise self.expected("a list")
        return tuple(Value(item, f"{self.path}[{number}]", self.faults) for number, item in enumerate(self.node.items))

    def each(self, reader: Reader[T]) -> tuple[T, ...]:
        """The entries of a list, those left out that the reader can't take."""
        read = (item.read(reader, _NOTHING) for item in self.items())
        return tuple(value for value in read if not isinstance(value, _Nothing))

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return self.each(Value.text)

    def entries(self) -> dict[str, tuple[Place, Value]]:
        """The keys of a mapping, each with its place and value. Nothing at all counts as an empty mapping."""
        if self.null:
            return {}
        if not isinstance(self.node, Table):
            raise self.expected("a mapping")
        prefix = f"{self.path}." if self.path else ""
        return {
            key: (entry.place, Value(entry.value, f"{prefix}{key}", self.faults))
            for key, entry in self.node.entries.items()
        }

    def table(self, reader: Callable[[str, Value], T]) -> dict[str, T]:
        """A mapping with keys of the author's choice, those left out whose value the reader can't take."""
        found: dict[str, T] = {}
        for key, (place, value) in self.entries().items():
            if not key.strip():
                self.faults.add(place, self.path, "found an empty name, expected one that says something")
            read = value.read(partial(reader, key), _NOTHING)
            if not isinstance(read, _Nothing):
                found[key] = read
        return found

    def keyed(self, kind: str, known: Iterable[str], reader: Reader[T]) -> dict[str, T]:
        """A mapping whose keys are names of one kind, such as severities."""
        names = tuple(known)
        for key, (place, value) in self.entries().items():
            if key not in names:
                self.faults.add(place, value.path, unknown(kind, key, names))
        return self.table(lambda key, value: reader(value))

    def fields(self, hints: Mapping[str, str] | None = None) -> Fields:
        """A mapping with keys of our choice: use it in a `with`, which ends in naming the unknown ones."""
        return Fields(self, self.entries(), hints or {})

    @property
    def null(self) -> bool:
        """Tell whether nothing stands here."""
        return isinstance(self.node, Scalar) and self.node.null


Reader: TypeAlias = Callable[[Value], T]


class _Nothing:
    """What stands for a value that could not be read."""


_NOTHING: Final = _Nothing()


class Fields(AbstractContextManager["Fields"]):
    """A mapping whose keys are given: asked for one by one, and every other one is a fault.

    `hints` says something better than "unknown" of keys that people are known to try. With `blanks_absent` a key
    without a value, as when all below it is commented out, counts as not there.
    """

    blanks_absent = False

    def __init__(self, value: Value, entries: dict[str, tuple[Place, Value]], hints: Mapping[str, str]) -> None:
        self.value = value
        self._entries = entries
        self._hints = hints
        self._asked: list[str] = []

    @property
    def present(self) -> frozenset[str]:
        """The keys that are there."""
        return frozenset(self._entries)

    def __contains__(self, key: str) -> bool:
        """Tell whether the key is there; asking makes it a known one."""
        self._asked.append(key)
        return key in self._entries and not (self.blanks_absent and self._entries[key][1].null)

    def names(self, *path: str) -> tuple[str, ...]:
        """The keys of the mapping behind a path of keys, whatever their values; none when there is no mapping."""
        node = self.value.node
        for key in path:
            if not isinstance(node, Table) or key not in node.entries:
                return ()
            node = node.entries[key].value
        return tuple(node.entries) if isinstance(node, Table) else ()

    def take(self, key: str, reader: Reader[T], otherwise: D) -> T | D:
        """The value of a key; `otherwise` when it isn't there, or is wrong."""
        if key not in self:
            return otherwise
        return self._entries[key][1].read(reader, otherwise)

    def need(self, key: str, reader: Reader[T], otherwise: D) -> T | D:
        """The value of a key that must be there; `otherwise` only so that the reading can go on."""
        if key not in self:
            self.wrong(f"found no `{key}`, expected one")
        return self.take(key, reader, otherwise)

    def wrong(self, message: str, key: str | None = None) -> None:
        """Note a fault at a key, or at the mapping itself."""
        if key in self._entries:
            self.value.faults.add(self._entries[key][0], f"{self.value.path}.{key}".lstrip("."), message)
        else:
            self.value.faults.add(self.value.node.place, self.value.path, message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Name the keys that nobody asked for."""
        for key in self._entries if error is None else ():
            if key not in self._asked:
                self.wrong(self._hints.get(key) or unknown("key", key, dict.fromkeys(self._asked)), key)


def one_of(kind: str, known: Iterable[str]) -> Reader[str]:
    """Make a reader of names of one kind: receivers, teams, severities."""
    names = tuple(known)

    def read(value: Value) -> str:
        text = value.text()
        if text not in names:
            raise Wrong(unknown(kind, text, names))
        return text

    return read


def each_of(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """Make a reader of a list."""
    return lambda value: value.each(reader)


def one_or_more(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """Make a reader that takes a single value as a list of one."""

    def read(value: Value) -> tuple[T, ...]:
        return value.each(reader) if isinstance(value.node, Listing) else (reader(value),)

    return read


def unique(reader: Reader[tuple[T, ...]]) -> Reader[tuple[T, ...]]:
    """Make a reader of a list in which nothing stands twice."""

    def read(value: Value) -> tuple[T, ...]:
        found = reader(value)
        twice = [str(each) for number, each in enumerate(found) if each in found[:number]]
        if twice:
            raise Wrong(f"found `{twice[0]}` twice, expected it once")
        return found

    return read

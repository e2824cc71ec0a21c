"""YAML text → nodes that know their place. YAML 1.2's plain values; duplicate keys refused; size and depth bounded.

The nodes are built from the parser's events, not from PyYAML's own loader: that one reads `17:00` as 1020 and `on`
as true, takes the last of two equal keys, and follows nesting without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

from alertrouter.policy.reading.faults import Faults, Place

MOST_CHARACTERS: Final = 4 * 1024 * 1024
MOST_NODES: Final = 200_000
DEEPEST: Final = 64

_NULL: Final = re.compile(r"null|Null|NULL|~|")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TAGS: Final = {
    "scalar": (None, "!", "tag:yaml.org,2002:str"),
    "list": (None, "!", "tag:yaml.org,2002:seq"),
    "mapping": (None, "!", "tag:yaml.org,2002:map"),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it was written; a `plain` one, without quotes, may mean null, a number or a truth value."""

    place: Place
    text: str
    plain: bool
    quoted: bool = False
    size: int = 1
    height: int = 0

    @property
    def null(self) -> bool:
        """Tell whether it is YAML's null: nothing, `~` or `null`."""
        return self.plain and _NULL.fullmatch(self.text) is not None

    @property
    def number(self) -> bool:
        """Tell whether it is a number by YAML 1.2's core schema."""
        return self.plain and _NUMBER.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list. `size` counts the nodes in it, those behind aliases once for each use; `height` is how deep it nests."""

    place: Place
    items: tuple[Node, ...]
    size: int
    height: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A key at its place, with its value."""

    place: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order it was written; merged-in keys (`<<`) keep the place they come from."""

    place: Place
    entries: dict[str, Entry]
    size: int
    height: int


Node: TypeAlias = Scalar | Listing | Table


class _Unreadable(Exception):
    """The rest of the file can't be understood."""

    def __init__(self, place: Place, message: str) -> None:
        self.place = place
        self.message = message
        super().__init__(message)


def parse(file: str, text: str, faults: Faults) -> Node | None:
    """The root node of a text; None, with the fault noted, when it isn't YAML. An empty text is a null."""
    start = Place(file, 1, 1)
    if len(text) > MOST_CHARACTERS:
        faults.add(start, "", f"found {len(text)} characters, expected at most {MOST_CHARACTERS}")
        return None
    text = text.removeprefix("\ufeff")
    try:
        return _Builder(file, text, faults).document()
    except _Unreadable as error:
        faults.add(error.place, "", error.message)
    except UnicodeEncodeError as error:
        faults.add(_place_of(file, text, error.start), "", "found half a surrogate pair, expected Unicode text")
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        faults.add(_place_of(file, text, len(before)), "", f"not readable as YAML: {error.reason}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else start
        context = f" ({error.context})" if error.context else ""
        hint = "; mind that an unquoted # starts a comment" if "flow" in context else ""
        faults.add(place, "", f"not readable as YAML: {error.problem}{context}{hint}")
    return None


def _place_of(file: str, text: str, offset: int) -> Place:
    before = re.split("\r\n|[\n\r\x85\u2028\u2029]", text[:offset])
    return Place(file, len(before), len(before[-1]) + 1)


class _Builder:
    """Builds the nodes of one text from the parser's events, with a bound on depth and on what aliases unfold to."""

    def __init__(self, file: str, text: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node:
        next(self._events)
        if isinstance(event := next(self._events), yaml.StreamEndEvent):
            return Scalar(Place(self._file, 1, 1), "", plain=True)
        root = self._node(next(self._events), depth=0)
        next(self._events)
        if not isinstance(event := next(self._events), yaml.StreamEndEvent):
            raise _Unreadable(self._place(event), "found a second document (`---`), expected one in a file")
        return root

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1, 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, place, depth)
        if depth > DEEPEST:
            raise _Unreadable(place, f"nested more than {DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            self._check_tag(event.tag, "scalar", place)
            plain = event.implicit[0] and event.tag is None
            node: Node = Scalar(place, event.value, plain, quoted=event.style in ("'", '"'))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event.tag, "list", place)
            node = self._listing(place, depth)
        else:
            assert isinstance(event, yaml.MappingStartEvent)  # noqa: S101 -- the parser emits nothing else here
            self._check_tag(event.tag, "mapping", place)
            node = self._table(place, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _aliased(self, event: yaml.AliasEvent, place: Place, depth: int) -> Node:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            raise _Unreadable(place, f"found alias `*{event.anchor}`, expected an anchor `&{event.anchor}` above it")
        if depth + node.height > DEEPEST:
            raise _Unreadable(place, f"nested more than {DEEPEST} deep, aliases unfolded")
        return node

    def _check_tag(self, tag: str | None, kind: str, place: Place) -> None:
        if tag not in _TAGS[kind]:
            self._faults.add(place, "", f"found tag `{tag}`, expected none: tags have no meaning in a policy")

    def _listing(self, place: Place, depth: int) -> Listing:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            size += items[-1].size
            self._check_size(size, place)
        return Listing(place, tuple(items), size, 1 + max((item.height for item in items), default=0))

    def _table(self, place: Place, depth: int) -> Table:
        entries: dict[str, Entry] = {}
        merged: list[Table] = []
        size, height = 1, 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            size += key.size + value.size
            height = max(height, 1 + value.height)
            self._check_size(size, place)
            if not isinstance(key, Scalar):
                self._faults.add(key.place, "", "found a list or mapping as a key, expected a name")
            elif key.plain and key.text == "<<":
                merged += self._merged(value)
            elif key.text in entries:
                first = entries[key.text].place.line
                self._faults.add(
                    key.place, key.text, f"found this key again, expected it once: it stands in line {first}"
                )
            else:
                entries[key.text] = Entry(key.place, value)
        for table in merged:
            for name, entry in table.entries.items():
                entries.setdefault(name, entry)
        return Table(place, entries, size, height)

    def _check_size(self, size: int, place: Place) -> None:
        if size > MOST_NODES:
            raise _Unreadable(place, f"found more than {MOST_NODES} values, aliases unfolded: too large for a policy")

    def _merged(self, value: Node) -> list[Table]:
        tables = list(value.items) if isinstance(value, Listing) else [value]
        for table in tables:
            if not isinstance(table, Table):
                self._faults.add(table.place, "<<", "expected a mapping to merge in, or a list of mappings")
        return [table for table in tables if isinstance(table, Table)]

"""`route:` and `inhibit_rules:` → the lines of a policy: the same tree, the same rules, in today's matchers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from alertrouter.policy.alertmanager.fields import flag, items, section, text, texts
from alertrouter.policy.alertmanager.notes import Report
from alertrouter.policy.alertmanager.yamlwriter import comment, listed, matcher, pairs, scalar
from alertrouter.policy.duration import format_duration
from alertrouter.policy.matcher import Matcher, MatcherError, Op, parse_matchers
from alertrouter.policy.reading.faults import unknown
from alertrouter.policy.reading.value import Fields, Value, Wrong
from alertrouter.policy.reading.yamltext import Listing, Scalar, Table

EVERYTHING: Final = 'alertname=~"(?s).*"'
"""A matcher that all alerts meet, those without the label too."""

_CLASSIC_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LONGEST_NAME: Final = 90
_TIMINGS: Final = ("group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree. Matchers stand as they are written into the policy; `options` are written already."""

    line: int
    matchers: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    routes: tuple[Node, ...] = ()
    comments: tuple[str, ...] = ()

    def written(self, indent: int) -> Iterator[str]:
        """The lines of this node and those below it, the first one without its dash."""
        margin = " " * indent
        for said in self.comments:
            yield from comment(said, indent)
        if self.matchers:
            yield f"{margin}matchers: {listed(self.matchers)}"
        for key, value in self.options:
            yield f"{margin}{key}: {value}"
        if self.routes:
            yield f"{margin}routes:"
            for child in self.routes:
                yield from child.as_item(indent + 2)

    def as_item(self, indent: int) -> Iterator[str]:
        """The lines of this node as an entry of a list."""
        lines = list(self.written(indent + 2))
        said = lines[: self._told()]
        for line in said:
            yield line[2:]
        rest = lines[len(said) :]
        if not rest:
            yield f"{' ' * indent}- {{}} # line {self.line}"
            return
        yield (
            f"{' ' * indent}- {rest[0].lstrip()} # line {self.line}"
            if not rest[0].endswith(":")
            else (f"{' ' * indent}- {rest[0].lstrip()}")
        )
        yield from rest[1:]

    def _told(self) -> int:
        return sum(1 for said in self.comments for _ in comment(said, 0))


@dataclass(slots=True)
class Routes:
    """Reads the tree against the receivers and intervals there are; gathers what is used."""

    report: Report
    receivers: tuple[str, ...]
    intervals: tuple[str, ...]
    missing: dict[str, int] = field(default_factory=dict)
    """Receivers that routes name and nobody defines, with the first line that does."""
    seen: list[Matcher] = field(default_factory=list)

    def root(self, value: Value) -> Node:
        """Read the tree from its root."""
        with section(value) as fields:
            for key in ("matchers", "match", "match_re", "mute_time_intervals", "active_time_intervals"):
                if key in fields and not _empty(fields, key):
                    fields.wrong(f"found `{key}` on the root route, which must not have any: it takes every alert", key)
            if fields.take("continue", flag, False):
                fields.wrong("found `continue` on the root route, which has no siblings", "continue")
            extra: tuple[tuple[str, str], ...] = ()
            if not fields.take("receiver", text, ""):
                fields.wrong("the root route found no `receiver`, expected one")
                # Lenience wants somebody to be told.
                first = next(iter(self.receivers), "default")
                extra = (("receiver", scalar(first)),)
                if not self.receivers:
                    self.missing["default"] = value.node.place.line
            for key in ("match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals"):
                _ = key in fields
            return self._node(fields, (), extra)

    def _child(self, value: Value) -> Node:
        with section(value) as fields:
            own = self.matchers(fields, "match", "match_re", "matchers")
            extra = [("continue", "true")] if fields.take("continue", flag, False) else []
            for key in ("mute_time_intervals", "active_time_intervals"):
                names = fields.take(key, self._intervals, ())
                extra += [(key, listed(map(scalar, names)))] if names else []
            return self._node(fields, own, tuple(extra))

    def _node(self, fields: Fields, own: tuple[str, ...], extra: tuple[tuple[str, str], ...]) -> Node:
        options: list[tuple[str, str]] = []
        if receiver := fields.take("receiver", self._receiver, ""):
            options.append(("receiver", scalar(receiver)))
        # An empty one is one group for the route, as in Alertmanager since 0.31; before, it inherited.
        if (group_by := fields.take("group_by", _group_by, None)) is not None:
            options.append(("group_by", listed(map(scalar, group_by))))
        for key in _TIMINGS:
            read = Value.duration if key == "group_wait" else _long
            if (duration := fields.take(key, read, None)) is not None:
                options.append((key, format_duration(duration)))
        if labels := fields.take("labels", _labels, None):
            options.append(("labels", pairs(labels)))
        line = fields.value.node.place.line
        routes = fields.take("routes", self._children, ())
        return Node(line, own, (*options, *extra), routes)

    def _children(self, value: Value) -> tuple[Node, ...]:
        read = (item.read(self._child, None) for item in items(value))
        return tuple(node for node in read if node is not None)

    def _receiver(self, value: Value) -> str:
        name = text(value)
        if name and name not in self.receivers:
            self.missing.setdefault(name, value.node.place.line)
            value.read(
                partial(_fault, "undefined receiver in a route: " + unknown("receiver", name, self.receivers)), 0
            )
        return name

    def _intervals(self, value: Value) -> tuple[str, ...]:
        names: list[str] = []
        for item in items(value):
            name = item.read(text, "")
            if name in self.intervals:
                names += [] if name in names else [name]
            else:
                item.read(
                    partial(_fault, "undefined time interval: " + unknown("time interval", name, self.intervals)), 0
                )
        return tuple(names)

    def matchers(self, fields: Fields, equal: str, regex: str, new: str) -> tuple[str, ...]:
        """The matchers of all three forms, as texts for a policy: the old ones keep what they show in route keys."""
        old = fields.take(equal, partial(self._old, Op.EQUAL), ())
        old += fields.take(regex, partial(self._old, Op.REGEX), ())
        return (*(matcher(str(one)) for one in old), *fields.take(new, self._new, ()))

    def _old(self, op: Op, value: Value) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        for name, (place, inner) in value.entries().items():
            if not _CLASSIC_NAME.fullmatch(name):
                value.faults.add(place, inner.path, f"found the label name `{name}`, expected letters, digits and `_`")
            read = inner.read(partial(_old_matcher, name, op), None)
            found += [read] if read else []
        self.seen += found
        return tuple(found)

    def _new(self, value: Value) -> tuple[str, ...]:
        if isinstance(value.node, Scalar):
            raise value.expected("a list of matchers")
        found: list[str] = []
        for item in items(value):
            read = item.read(_written_matchers, None)
            if read is not None:
                self.seen += read[1]
                found += [matcher(read[0])]
        return tuple(found)

    # Inhibition

    def inhibit_rules(self, value: Value) -> Iterator[str]:
        """The lines of `inhibit_rules`."""
        taken: dict[str, int] = {}
        for number, item in enumerate(items(value), 1):
            if item.null:
                continue
            yield from item.read(partial(self._rule, number, taken), ()) or ()

    def _rule(self, number: int, taken: dict[str, int], value: Value) -> list[str]:
        with section(value) as fields:
            name = fields.take("name", text, "")
            source = self.matchers(fields, "source_match", "source_match_re", "source_matchers")
            target = self.matchers(fields, "target_match", "target_match_re", "target_matchers")
            equal = tuple(dict.fromkeys(fields.take("equal", texts, ())))
        place = value.node.place
        if not source and not target:
            said = self.report.note(
                place,
                f"inhibit_rules[{number - 1}]",
                "the rule is left out",
                why="without matchers on both sides it holds nothing back",
                todo="nothing, or write down what it was meant to do",
            )
            return list(comment(said, 2))
        lines: list[str] = []
        for side in ("source", "target"):
            if not (source if side == "source" else target):
                said = self.report.note(
                    place,
                    f"inhibit_rules[{number - 1}].{side}_matchers",
                    f"the {side} is every alert",
                    why=f"the rule has no {side} matchers, which means all alerts",
                    todo="say which alerts are meant",
                )
                lines += comment(said, 2)
        every = (matcher(EVERYTHING),)
        name = _own_name(name or _told(source, target) or f"rule {number}", taken)
        lines += [
            f"  - name: {scalar(name)} # line {place.line}",
            f"    source_matchers: {listed(source or every)}",
            f"    target_matchers: {listed(target or every)}",
        ]
        return [*lines, f"    equal: {listed(map(scalar, equal))}"] if equal else lines


def _own_name(name: str, taken: dict[str, int]) -> str:
    """A name that no other rule has."""
    taken[name] = taken.get(name, 0) + 1
    return f"{name} ({taken[name]})" if taken[name] > 1 else name


def _told(source: tuple[str, ...], target: tuple[str, ...]) -> str:
    """A rule in words, when they are few and plain."""
    name = f"{' '.join(source) or 'anything'} hides {' '.join(target) or 'everything'}".replace("'", "")
    return name if len(name) <= _LONGEST_NAME and name.isprintable() and '\\"' not in name else ""


def _old_matcher(name: str, op: Op, value: Value) -> Matcher:
    if value.null and op is Op.REGEX:
        raise Wrong("found nothing, expected a regex")
    content = "" if value.null else text(value)
    try:
        # Alertmanager shows the regexes of `match_re` wrapped in its route keys.
        return Matcher(name, op, f"^(?:{content})$" if op is Op.REGEX else content)
    except MatcherError as error:
        raise Wrong(str(error)) from error


def _written_matchers(value: Value) -> tuple[str, tuple[Matcher, ...]]:
    if not isinstance(value.node, Scalar):
        raise value.expected("a matcher in quotes")
    content = text(value)
    try:
        found = parse_matchers(content)
    except MatcherError as error:
        raise Wrong(f"bad matcher: {error}") from error
    # What reads differently with the edges cut off, or over several lines, is written anew.
    plain = content.isprintable() and content == content.strip() and content
    return (content if plain else ",".join(map(str, found)) or "{}"), found


def _group_by(value: Value) -> tuple[str, ...]:
    names = texts(value)
    if "..." in names and len(names) > 1:
        raise Wrong("cannot have wildcard group_by (`...`) and other labels at the same time")
    if len(set(names)) < len(names):
        raise Wrong("found a label twice in group_by, expected each once")
    if "" in names:
        raise Wrong("found an empty label name in group_by")
    return names


def _long(value: Value) -> timedelta:
    duration = value.duration()
    if not duration:
        raise Wrong("cannot be zero, expected a duration greater than 0")
    return duration


def _labels(value: Value) -> tuple[tuple[str, str], ...]:
    return tuple((key, scalar(inner.read(text, ""))) for key, (_, inner) in value.entries().items())


def _empty(fields: Fields, key: str) -> bool:
    node = fields.take(key, lambda value: value.node, None)
    return (isinstance(node, Listing) and not node.items) or (isinstance(node, Table) and not node.entries)


def _fault(message: str, _: Value) -> None:
    raise Wrong(message)

"""Two runs of the same records side by side: messages and pages in numbers, and what went otherwise. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from alertrouter.policy.policy import Policy
from alertrouter.record import Record
from alertrouter.shadow import ToldThen
from alertrouter.simulate.replay import Lived, Message
from alertrouter.simulate.replayed import Changed, Replayed

_Name = TypeVar("_Name", str, int)


def compare(records: Sequence[Record], before: Lived, after: Lived, policy: Policy) -> Replayed:
    """Put two runs of the same records side by side; hours are those of the policy's time zone."""
    return Replayed(
        events=after.events,
        since=records[0].at if records else None,
        until=records[-1].at if records else None,
        pages=(_pages(before), _pages(after)),
        messages=(len(before.messages), len(after.messages)),
        by_receiver=_side_by_side(_by_receiver(before), _by_receiver(after)),
        by_team=_side_by_side(_by_team(before), _by_team(after)),
        by_hour=_side_by_side(_by_hour(before, policy), _by_hour(after, policy)),
        changed=tuple(_changed(before, after)),
    )


def _pages(lived: Lived) -> int:
    return sum(1 for _ in _woken(lived))


def _woken(lived: Lived) -> Iterator[Message]:
    return (one for one in lived.messages if one.page and not one.over)


def _by_receiver(lived: Lived) -> Counter[str]:
    return Counter(one.receiver for one in lived.messages if not one.over)


def _by_team(lived: Lived) -> Counter[str]:
    return Counter(one.team for one in _woken(lived))


def _by_hour(lived: Lived, policy: Policy) -> Counter[int]:
    return Counter(one.at.astimezone(policy.timezone).hour for one in _woken(lived))


def _side_by_side(old: Counter[_Name], new: Counter[_Name]) -> dict[_Name, tuple[int, int]]:
    return {name: (old[name], new[name]) for name in sorted(old | new)}


def _changed(before: Lived, after: Lived) -> Iterator[Changed]:
    """Incidents of both runs that share alerts, together, when what was told differs."""
    groups = _groups(before, after)
    told: dict[int, tuple[list[Message], list[Message]]] = {}
    for side, lived in enumerate((before, after)):
        for message in lived.messages:
            told.setdefault(groups[side].get(message.incident, -1), ([], []))[side].append(message)
    titles = {group: before.titles.get(name, "") for name, group in groups[0].items()}
    titles.update({group: after.titles.get(name, "") for name, group in groups[1].items() if group not in titles})
    for group, (old, new) in told.items():
        if sorted(map(_order, old)) != sorted(map(_order, new)):
            yield Changed(titles.get(group, ""), min(one.at for one in (*old, *new)), _told(old), _told(new))


def _order(message: Message) -> tuple[datetime, str, bool]:
    return message.at, message.receiver, message.over


def _told(messages: Iterable[Message]) -> tuple[ToldThen, ...]:
    return tuple(ToldThen(one.at, one.receiver, one.page, one.over) for one in sorted(messages, key=_order))


def _groups(before: Lived, after: Lived) -> tuple[dict[str, int], dict[str, int]]:
    """Number the incidents of both runs so that those which share alerts have one number."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(node: tuple[int, str]) -> tuple[int, str]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    owner: dict[str, tuple[int, str]] = {}
    for side, lived in enumerate((before, after)):
        for incident, alerts in lived.alerts.items():
            for alert in alerts:
                first = owner.setdefault(alert, (side, incident))
                parent[root((side, incident))] = root(first)
    numbers: dict[tuple[int, str], int] = {}
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for side, lived in enumerate((before, after)):
        for incident in lived.alerts:
            found[side][incident] = numbers.setdefault(root((side, incident)), len(numbers))
    return found

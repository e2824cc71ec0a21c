"""`heartbeats:` → the signs of life that are expected, and a way to whom the missing of each is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from alertrouter.alert import Labels
from alertrouter.policy.heartbeat import MISSING, HeartbeatRule
from alertrouter.policy.matcher import Matcher, Op
from alertrouter.policy.reading.matchers import label_set, matchers
from alertrouter.policy.reading.names import Names
from alertrouter.policy.reading.value import Fields, Value, Wrong, one_of
from alertrouter.policy.route import Route

GRACE: Final = timedelta(minutes=1)

Shortcut: TypeAlias = Callable[[tuple[Matcher, ...], Fields], Route]
"""Makes the route that a mapping's own `team`, `receiver` and `escalate` ask for, for what meets the matchers."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWN: Final = ("alertname", "heartbeat", "severity")
_HINTS: Final = {
    "path": "found `path`: every heartbeat has an address of its own, /api/v1/heartbeat/ and its name",
    "name": "found `name`: a heartbeat's name is its key, as in `nightly-backup: {every: 1d}`",
    "interval": "unknown key `interval`, did you mean `every`?",
}


class Reader:
    """Reads heartbeats; `routes` are those that go ahead of the tree, for heartbeats that name whom to tell."""

    def __init__(self, names: Names, usual_severity: str, shortcut: Shortcut | None) -> None:
        """Without a `shortcut` there is no tree, which is a fault of its own."""
        self._severity = one_of("severity", names.severities)
        self._usual_severity = usual_severity
        self._shortcut = shortcut
        self.routes: list[Route] = []

    def read(self, value: Value) -> dict[str, HeartbeatRule]:
        """Read all heartbeats."""
        return value.table(self._rule)

    def _rule(self, name: str, value: Value) -> HeartbeatRule:
        if not _NAME.fullmatch(name):
            raise Wrong(
                f"found the name `{name[:64]}`, expected up to 64 letters, digits, `.`, `_`, `-`: it is part of a URL"
            )
        with value.fields(_HINTS) as fields:
            rule = HeartbeatRule(
                name=name,
                matchers=fields.take("matchers", _sign, ()),
                every=fields.need("every", Value.long_duration, timedelta()),
                grace=fields.take("grace", Value.duration, GRACE),
                severity=fields.take("severity", self._severity, self._usual_severity),
                labels=fields.take("labels", _labels, {}),
                summary=fields.take("summary", Value.text, f"Heartbeat {name} is missing"),
            )
            if {"team", "receiver", "escalate"} & fields.present and self._shortcut is not None:
                own = (Matcher("alertname", Op.EQUAL, MISSING), Matcher("heartbeat", Op.EQUAL, name))
                self.routes.append(self._shortcut(own, fields))
            return rule


def ahead_of(root: Route, routes: list[Route]) -> Route:
    """The tree with routes of heartbeats in front."""
    return replace(root, routes=(*routes, *root.routes)) if routes else root


def _sign(value: Value) -> tuple[Matcher, ...]:
    found = matchers(value)
    names = [matcher.value for matcher in found if (matcher.name, matcher.op) == ("alertname", Op.EQUAL)]
    if not names:
        raise Wrong('found no `alertname="…"`, expected one: an alert that is a beat is told to nobody')
    if MISSING in names:
        raise Wrong(f"found `{MISSING}`, expected another alert: that one says that a heartbeat is missing")
    return found


def _labels(value: Value) -> Labels:
    found = label_set(value)
    taken = [name for name in found if name in _OWN]
    if taken:
        raise Wrong(f"found the label `{taken[0]}`, expected others: alertrouter sets that one itself")
    return found

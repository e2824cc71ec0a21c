"""The draft that a step writes before any of it counts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertrouter.alert import Alert, Fingerprint
from alertrouter.engine.changes import Changes
from alertrouter.policy.policy import Policy

GroupId = tuple[str, str]
"""(route id, group key): names the open incident of a group."""


class Draft(msgspec.Struct):
    """What one step is about to change. Nothing counts before `Memory.swap`."""

    at: datetime
    changes: Changes = msgspec.field(default_factory=Changes)
    touched: dict[Fingerprint, Alert] = {}
    policy: Policy | None = None
    groups: dict[GroupId, str] = {}
    heard: list[str] = []
    last_number: int = 0
    start: datetime | None = None
    end: datetime | None = None
    incidents: tuple[str, ...] = ()
    """Of the last alert: when the next one has the same, as is often so in one report, they share the object."""

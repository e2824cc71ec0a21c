"""An incident: the open group of alerts under one route and its group labels, and who was told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from alertrouter.alert import Fingerprint


class State(StrEnum):
    """Where an incident stands."""

    PENDING = "pending"
    """It waits for `group_wait` to pass; nobody was told."""
    TRIGGERED = "triggered"
    """It is open and nobody has taken it."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has taken it."""
    RESOLVED = "resolved"
    """All its alerts are over; kept for `reopen_within`."""


class Transition(StrEnum):
    """The names of what can happen to an incident; each stands in the timeline, the log and `explain`."""

    NEW = "NEW"
    BLIP = "BLIP"
    OPEN = "OPEN"
    JOIN = "JOIN"
    RESOLVE = "RESOLVE"
    REOPEN = "REOPEN"


TRANSITIONS: Final[Mapping[tuple[State | None, Transition], State | None]] = {
    (None, Transition.NEW): State.PENDING,
    (State.PENDING, Transition.JOIN): State.PENDING,
    (State.PENDING, Transition.BLIP): None,
    (State.PENDING, Transition.OPEN): State.TRIGGERED,
    (State.TRIGGERED, Transition.JOIN): State.TRIGGERED,
    (State.TRIGGERED, Transition.RESOLVE): State.RESOLVED,
    (State.ACKNOWLEDGED, Transition.JOIN): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Transition.RESOLVE): State.RESOLVED,
    (State.RESOLVED, Transition.REOPEN): State.TRIGGERED,
}
"""(state, transition) → state; None is "no incident". A pair that isn't here can't happen."""


class Reason(StrEnum):
    """Why a decision was taken. Doing nothing has a reason too."""

    OPENED = "opened"
    """First message to this destination."""
    JOINED = "joined"
    """Another alert fires in an incident that the destination knows."""
    CHANGED = "changed"
    """Some of its alerts are over, others fire on."""
    RESOLVED = "resolved"
    """All of it is over."""
    REOPENED = "reopened"
    """It fires again soon after it was over."""
    REPEATED = "repeated"
    """It still fires after `repeat_interval`."""
    DEDUPLICATED = "deduplicated"
    """The destination already shows this."""
    INHIBITED = "inhibited"
    """Another alert explains it."""
    OUTSIDE_HOURS = "outside hours"
    """A time interval of the route holds it."""
    IN_FLIGHT = "in flight"
    """An earlier message to this destination is still on its way; the newest state goes next."""
    NOBODY = "nobody to tell"
    """Its route and severity name no receiver."""
    SENT = "sent"
    FAILED = "failed"
    """The far side refused it for good; the next group interval tries again."""
    GAVE_UP = "gave up"
    """The end could not be told within a day."""
    PARKED = "parked"
    """The engine could not decide it; tried again later."""
    BLIP = "blip"
    """Over before `group_wait` had passed: nobody was told."""


class InFlight(msgspec.Struct, frozen=True, kw_only=True):
    """The one delivery to a destination that is on its way, and what it tells."""

    delivery: str
    firing: tuple[Fingerprint, ...]
    resolved: tuple[Fingerprint, ...]


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """What one destination of an incident was last told.

    `id` is `receiver/channel`, with `/1`, `/2` … for the further integrations of one kind. `told` are the alerts that
    it knows to be firing. `stale` means: something changed while a delivery was in flight, send again when it settles.
    `reference` is where the message stands at the far side (Slack: `channel:ts`), None before the first one arrived.
    """

    id: str
    told: tuple[Fingerprint, ...] = ()
    sequence: int = 0
    in_flight: InFlight | None = None
    stale: bool = False
    last_sent_at: datetime | None = None
    reference: str | None = None
    error: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One problem: alerts that share a route and its group labels, from the first report to the end.

    `due` is the next moment at which the engine looks at it: the end of `group_wait`, the next group interval, or,
    when resolved, the moment it is forgotten. `suppressed` says for each alert that is held back why.
    Its alerts are not listed here: each `Alert` names its incidents, so that a joining alert writes one record.
    `round` counts how often it opened, `issued` the deliveries it gave birth to, `held` says which time interval holds
    its messages, `cause` is the correlation id of the report that opened it.
    """

    id: str
    number: int
    route: str
    group_key: str
    group_labels: dict[str, str]
    revision: str
    state: State
    severity: str
    peak: str
    opened_at: datetime
    due: datetime | None
    version: int = 1
    round: int = 1
    issued: int = 0
    resolved_at: datetime | None = None
    destinations: tuple[Destination, ...] = ()
    suppressed: dict[Fingerprint, str] = {}
    held: str = ""
    cause: str = ""


class TimelineLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's story."""

    incident: str
    at: datetime
    transition: Transition | None
    reason: Reason | None
    text: str

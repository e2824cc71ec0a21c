"""What can happen to an incident: the named transitions, where each leads, and the lines that tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from alertrouter.incident import Reason, State


class Transition(StrEnum):
    """The names of what can happen to an incident; each stands in the timeline, the log and `explain`."""

    NEW = "NEW"
    BLIP = "BLIP"
    OPEN = "OPEN"
    JOIN = "JOIN"
    RESOLVE = "RESOLVE"
    REOPEN = "REOPEN"
    STEP = "STEP"
    """A level of the escalation policy was told."""
    LOOP = "LOOP"
    """The last level was told; it goes on from an earlier one."""
    DONE = "DONE"
    """The last level was told and nothing repeats: exhausted."""
    RAISE = "RAISE"
    """Nobody took it for so long that it counts as more severe."""
    WORSE = "WORSE"
    """Its source reports a higher severity; an acknowledgement is void."""
    BETTER = "BETTER"
    """Its source reports a lower severity; policy and clock stay."""
    ACK = "ACK"
    ACK_TOO = "ACK+"
    """Another person acknowledges what is acknowledged already."""
    EXTEND = "EXTEND"
    UNACK = "UNACK"
    LAPSE = "LAPSE"
    """The acknowledgement's time is over: the level at which it was given is told again."""
    SNOOZE = "SNOOZE"
    WAKE = "WAKE"
    MUTE = "MUTE"
    """Suppression begins: its timers stop with the time they had left."""
    UNMUTE = "UNMUTE"
    CLOSE = "CLOSE"
    """A person calls it over although its source fires."""
    FLAP = "FLAP"
    """It fired again so often that its ends are told no more until it is steady."""
    CALM = "CALM"
    """It has been steady for a while: it flaps no longer."""
    STALE = "STALE"
    """Its source has not reported it for long; nobody said that it is over."""
    LATE = "LATE"
    """Somebody acted on what was over already, or on an old message: nothing changes."""


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
    (State.PENDING, Transition.ACK): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.ACK): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Transition.ACK_TOO): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Transition.EXTEND): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Transition.UNACK): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.LAPSE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.WORSE): State.TRIGGERED,
    (State.TRIGGERED, Transition.WORSE): State.TRIGGERED,
    (State.TRIGGERED, Transition.BETTER): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.BETTER): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.STEP): State.TRIGGERED,
    (State.TRIGGERED, Transition.LOOP): State.TRIGGERED,
    (State.TRIGGERED, Transition.DONE): State.TRIGGERED,
    (State.TRIGGERED, Transition.RAISE): State.TRIGGERED,
    (State.PENDING, Transition.SNOOZE): State.PENDING,
    (State.TRIGGERED, Transition.SNOOZE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.SNOOZE): State.ACKNOWLEDGED,
    (State.PENDING, Transition.WAKE): State.PENDING,
    (State.TRIGGERED, Transition.WAKE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.WAKE): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.MUTE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.MUTE): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.UNMUTE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.UNMUTE): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.CLOSE): State.RESOLVED,
    (State.ACKNOWLEDGED, Transition.CLOSE): State.RESOLVED,
    (State.TRIGGERED, Transition.FLAP): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.FLAP): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.CALM): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.CALM): State.ACKNOWLEDGED,
    (State.TRIGGERED, Transition.STALE): State.TRIGGERED,
    (State.ACKNOWLEDGED, Transition.STALE): State.ACKNOWLEDGED,
    (State.RESOLVED, Transition.LATE): State.RESOLVED,
}
"""(state, transition) → state; None is "no incident". A pair that isn't here can't happen."""


LATEST: Final[Mapping[Transition, Reason]] = {
    Transition.OPEN: Reason.OPENED,
    Transition.STEP: Reason.ESCALATED,
    Transition.RAISE: Reason.RAISED,
    Transition.WORSE: Reason.RAISED,
    Transition.ACK: Reason.ACKNOWLEDGED,
    Transition.ACK_TOO: Reason.ACKNOWLEDGED,
    Transition.EXTEND: Reason.ACKNOWLEDGED,
    Transition.UNACK: Reason.UNACKNOWLEDGED,
    Transition.LAPSE: Reason.LAPSED,
    Transition.SNOOZE: Reason.SNOOZED,
    Transition.RESOLVE: Reason.RESOLVED,
    Transition.CLOSE: Reason.RESOLVED,
    Transition.REOPEN: Reason.REOPENED,
    Transition.FLAP: Reason.FLAPPING,
}
"""What people are told a transition was; those that aren't here are only redrawn."""


UNSEEN: Final = frozenset({Transition.LOOP, Transition.DONE, Transition.LATE})
"""What no message shows: it needs no new version and nothing is redrawn for it."""

OUTWEIGH_A_STEP: Final = frozenset({Reason.LAPSED, Reason.RAISED, Reason.FLAPPING})
"""Why a level is told at once: people hear that, not that it escalated."""


class TimelineLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's story."""

    incident: str
    at: datetime
    transition: Transition | None
    reason: Reason | None
    text: str

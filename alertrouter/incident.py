"""An incident: the open group of alerts under one route and its group labels, and who was told of it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

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


class Timer(StrEnum):
    """What an incident waits for. At one moment they come in this order."""

    WAKE = "wake"
    LOOK = "look"
    """The end of `group_wait`, then every group interval; when resolved, the moment it is forgotten."""
    LAPSE = "lapse"
    WARN = "warn"
    """80 % of the acknowledgement's time are over."""
    RAISE = "raise"
    OVERDUE = "overdue"
    """A page should have been delivered by now."""
    STEP = "step"
    """The next level of the escalation policy."""


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
    WAITING = "waiting for its level"
    """It fires again; whom a later level told the last time waits for that level this time too."""
    COLLECTED = "collected"
    """It is told together with others, in a storm or as a digest."""
    DEDUPLICATED = "deduplicated"
    """The destination already shows this."""
    INHIBITED = "inhibited"
    """Another alert explains it."""
    SILENCED = "silenced"
    """Somebody asked for silence about these alerts."""
    UNSILENCING = "silence about to end"
    """What a silence hides will be told in a few minutes, if it still fires."""
    UNSILENCED = "silence over"
    """The silence of whose end this destination was told is over, and it fires still."""
    OUTSIDE_HOURS = "outside hours"
    """A time interval of the route holds it."""
    UNMET = "condition not met"
    """A level asks for more, or fewer, alerts than there are."""
    NOBODY = "nobody to tell"
    """Its route and severity name no receiver."""
    SENT = "sent"
    UNDELIVERED = "not delivered"
    """A page did not arrive, or not in time: others are told instead."""
    FAILED = "failed"
    """The far side refused it for good; the next group interval tries again."""
    GAVE_UP = "gave up"
    """The end could not be told within a day."""
    ESCALATED = "escalated"
    """Nobody has taken it: the next level of the escalation policy."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it; the message says who."""
    SNOOZED = "snoozed"
    """Somebody asked for quiet until later."""
    FLAPPING = "flapping"
    """It ended and fired again so often that no more is told of that."""
    RAISED = "raised"
    """It counts as more severe now."""
    UNACKNOWLEDGED = "given back"
    """Who had it has it no longer."""
    LAPSING = "acknowledgement about to lapse"
    LAPSED = "acknowledgement lapsed"
    REDRAWN = "redrawn"
    """Something about it changed that the message shows."""
    CANCELLED = "cancelled"
    """Not sent: somebody took it before the message left."""
    REFUSED = "refused"
    """A person asked for what can't be done now."""
    PARKED = "parked"
    """The engine could not decide it; tried again later."""
    RECONCILED = "reconciled"
    """What a source lists, and no webhook of it told."""
    BLIP = "blip"
    """Over before `group_wait` had passed: nobody was told."""


class InFlight(msgspec.Struct, frozen=True, kw_only=True):
    """The one delivery to a destination that is on its way, and what it tells.

    `version` is the incident's that it shows; a `page` wants somebody to act, and can be recalled
    unless it is `shared`: a summary tells of other incidents too. `since` is when it
    was born (None: by an earlier version); one that is `overdue` was not delivered in time, or is another try of one
    that was refused: others were told already.
    """

    delivery: str
    firing: tuple[Fingerprint, ...]
    resolved: tuple[Fingerprint, ...]
    version: int = 0
    page: bool = False
    shared: bool = False
    since: datetime | None = None
    overdue: bool = False


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """What one destination of an incident was last told.

    `id` is `receiver/channel`, with `/1`, `/2` … for the further integrations of one kind. `told` are the alerts that
    it knows to be firing. `stale` means: something changed while a delivery was in flight, send again when it settles.
    `reference` is where the message stands at the far side (Slack: `channel:ts`), None before the first one arrived.
    `shown` is the incident's version that it shows. `paged` says that a level wants it told again, whatever it knows.
    `round` is the incident's round in which it was last chosen to be told: in a later one it waits for its level.
    A digest is sent `every` so often; what is `collected` waits for the next summary, and `bundled` says that the last
    message was one.
    `forewarned` says that the last message was that a silence is about to end, which tells nobody of what it hides.
    """

    id: str
    told: tuple[Fingerprint, ...] = ()
    sequence: int = 0
    in_flight: InFlight | None = None
    stale: bool = False
    last_sent_at: datetime | None = None
    reference: str | None = None
    error: str = ""
    shown: int = 0
    paged: bool = False
    round: int = 1
    every: timedelta | None = None
    collected: bool = False
    bundled: bool = False
    forewarned: bool = False


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """How far an incident has climbed in the escalation policy of `severity`.

    `level` counts the levels that were told or skipped in this run, `loops` how often it went on from an earlier one,
    `stepped` is the incident's version after the last step: a button drawn before it is old. `held` says that the next
    level's time has come and only its hours have not. `told` is the last level of this run that was told and not
    skipped, counted from 1 (0: none; None, as earlier versions had it: take `level`). `again` says that the next level
    was told before and is told again, whatever its `if` asks for.
    """

    policy: str
    severity: str
    level: int = 0
    loops: int = 0
    stepped: int = 0
    held: bool = False
    told: int | None = None
    again: bool = False

    @property
    def last_told(self) -> int:
        """The last level that was told, counted from 1; 0: none."""
        return self.level if self.told is None else self.told


class Flapping(msgspec.Struct, frozen=True, kw_only=True):
    """Since when an incident flaps, when that was last seen, and since when nothing of it fires (None: it fires)."""

    since: datetime
    changed_at: datetime
    quiet_since: datetime | None = None


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Who has taken an incident, since when and until when (None: for good).

    `level` is told again when it lapses. `severity` is the incident's when it was taken: a higher one beats it.
    """

    by: str
    at: datetime
    until: datetime | None
    level: int
    severity: str = ""
    others: tuple[str, ...] = ()


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for quiet, and until when."""

    by: str
    until: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One problem: alerts that share a route and its group labels, from the first report to the end.

    `timers` are what it waits for; while it is snoozed or muted, `paused` has the time that those of the ladder had
    left.
    `suppressed` says for each alert that is held back why, `held` which time interval holds its messages, `muted` why
    its ladder stands still, `silenced` which silence hides all that fires. Its alerts are not listed here: each `Alert`
    names its incidents, so that a joining alert writes one record. `round` counts how often it opened, `issued` the
    deliveries it gave birth to, `version` what people can see of it. `raised` is the severity that time gave it,
    `closed` who called it over while it fired. `latest` is why it last changed in people's eyes, `acted` the keys of
    the last things that people did to it. `given_back` counts the acknowledgements that ended while it
    went on, `flips` are the last times that it fired again, `unheard_since` is when its source last spoke of it, while
    that is long ago. `upstream` says for each alert that its source holds back why; here that holds back nothing.
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
    timers: dict[Timer, datetime] = {}
    paused: dict[Timer, timedelta] = {}
    version: int = 1
    round: int = 1
    issued: int = 0
    resolved_at: datetime | None = None
    destinations: tuple[Destination, ...] = ()
    suppressed: dict[Fingerprint, str] = {}
    held: str = ""
    muted: str = ""
    silenced: str = ""
    cause: str = ""
    ladder: Ladder | None = None
    ack: Ack | None = None
    snooze: Snooze | None = None
    raised: str = ""
    exhausted: bool = False
    closed: str = ""
    latest: Reason = Reason.OPENED
    acted: tuple[str, ...] = ()
    given_back: int = 0
    flips: tuple[datetime, ...] = ()
    flapping: Flapping | None = None
    unheard_since: datetime | None = None
    upstream: dict[Fingerprint, str] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else people must know who look at it."""
        if self.flapping is None and self.unheard_since is None and not self.upstream:
            return ()
        remarks = []
        if self.flapping is not None:
            remarks.append(f"flapping since {self.flapping.since:%Y-%m-%d %H:%M} UTC")
        if self.unheard_since is not None:
            remarks.append(f"its source has not spoken of it since {self.unheard_since:%Y-%m-%d %H:%M} UTC")
        for why, count in sorted(Counter(self.upstream.values()).items()):
            remarks.append(f"{count} alert{'' if count == 1 else 's'} {why}: that silences nobody here")
        return tuple(remarks)

    @property
    def due(self) -> datetime | None:
        """When the engine looks at it next; None: never by itself."""
        return min(self.timers.values(), default=None)

    @property
    def withstands(self) -> str | None:
        """The severity up to which nothing is news: that which was taken, or that which it climbs for."""
        if self.ack is not None and self.state is State.ACKNOWLEDGED:
            return self.ack.severity
        return self.ladder.severity if self.ladder else None

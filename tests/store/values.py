"""Values for the store's tests: an alert, an incident, a delivery, each with whatever matters to the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from alertrouter.alert import NOTHING, Alert, Fingerprint, fingerprint_of, pack
from alertrouter.delivery import Delivery, LedgerState
from alertrouter.engine.changes import Changes
from alertrouter.incident import Incident, Reason, State, Timer
from alertrouter.silence import Silence, SilenceMatcher
from alertrouter.store.ledger import CLAIM_MS, Ledger
from alertrouter.store.ledger_row import Claimed, Ending
from alertrouter.store.statestore import Commit, Gauges, Quarantined
from alertrouter.transition import TimelineLine
from tests.times import START, at

Owe = Callable[..., None]
"""The fixture that commits deliveries."""
AFTER_LEASE = CLAIM_MS / 1000 + 1
"""So many seconds after a claim it is lost."""


def alert(name: str) -> Alert:
    """A firing alert of this name."""
    packed = pack({"alertname": name})
    return Alert(
        fingerprint=fingerprint_of(packed),
        packed_labels=packed,
        packed_annotations=NOTHING,
        starts_at=START,
        ends_at=None,
        updated_at=START,
        incidents=("INC-1",),
    )


def incident(number: int = 1, state: State = State.TRIGGERED) -> Incident:
    """An open incident."""
    return Incident(
        id=f"INC-{number}",
        number=number,
        route="{}",
        group_key="{}:{}",
        group_labels={"component": "ai"},
        revision="r1",
        state=state,
        severity="warning",
        peak="warning",
        opened_at=START,
        timers={Timer.LOOK: at(minutes=5)},
    )


def silence(name: str) -> Silence:
    """A silence of an hour."""
    return Silence(
        id=name,
        matchers=(SilenceMatcher("alertname", "Down"), SilenceMatcher("host", "web-.+", is_regex=True)),
        starts_at=START,
        ends_at=at(minutes=60),
        created_by="sam",
        comment="new disk",
        updated_at=START,
    )


def delivery(
    name: str = "INC-1.1",
    *,
    channel: str = "slack",
    rank: int = 1,
    destination: str = "ai/slack",
    revision: str = "r1",
    firing: tuple[Fingerprint, ...] = (),
    born_at: datetime = START,
) -> Delivery:
    """A delivery that is owed."""
    return Delivery(
        id=name,
        incident=name.rpartition(".")[0],
        destination=destination,
        receiver=destination.partition("/")[0],
        channel=channel,
        revision=revision,
        reason=Reason.OPENED,
        state=State.TRIGGERED,
        severity="warning",
        rank=rank,
        group_key="{}:{}",
        group_labels={"component": "ai"},
        firing=firing,
        resolved=(),
        sequence=1,
        opened_at=START,
        born_at=born_at,
        received_at=START,
        cause="k1",
    )


def claim(ledger: Ledger, now: datetime, channel: str = "slack") -> Claimed | None:
    """Claim the most urgent delivery of a channel; None when nothing is due."""
    claims = ledger.claim(now, {channel: 1})
    return claims[0] if claims else None


def settle(
    ledger: Ledger,
    claimed: Claimed,
    state: LedgerState,
    moment: datetime,
    *,
    channel: str = "slack",
    error: str = "",
    note: str = "",
    reference: str | None = None,
    hold_lane: str = "",
) -> bool:
    """Settle a claim; for a state that is not final `moment` is when it is due again."""
    ending = Ending(
        claimed=claimed,
        state=state,
        moment=moment,
        channel=channel,
        error=error,
        note=note,
        reference=reference,
        hold_lane=hold_lane,
    )
    return ledger.settle([ending]) == [True]


def settle_all(ledger: Ledger, claims: list[Claimed]) -> list[bool]:
    """Settle claims as sent, two seconds after the report."""
    endings = [Ending(claimed=one, state=LedgerState.SENT, moment=at(seconds=2), channel="slack") for one in claims]
    return ledger.settle(endings)


def line(text: str, name: str = "INC-1") -> TimelineLine:
    """A line of an incident's story."""
    return TimelineLine(incident=name, at=START, transition=None, reason=None, text=text)


def commit_of(
    changes: Changes,
    *,
    checkpoint: str = "0-0",
    now: datetime = START,
    quarantined: tuple[Quarantined, ...] = (),
    kicks: int = 0,
) -> Commit:
    """A commit of these changes."""
    return Commit(
        changes=changes,
        checkpoint=checkpoint,
        now=now,
        last_number=1,
        gauges=Gauges(incidents={State.TRIGGERED: 1}, next_due=at(minutes=5)),
        quarantined=quarantined,
        kicks=kicks,
    )

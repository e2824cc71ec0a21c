"""Whether a receiver is told anew, and why, is decided as in Alertmanager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from alertrouter.alert import Fingerprint
from alertrouter.engine.dispatch import Owed, Picture, owed
from alertrouter.incident import Destination, Incident, State
from alertrouter.notifiers.webhook import NOTIFICATION_REASONS
from alertrouter.policy.load import load
from alertrouter.policy.route import Route

NOW: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Last(msgspec.Struct):
    """The last notification: what fired in it, what was resolved, and how long ago it was."""

    firing: list[int]
    resolved: list[int]
    age_s: int


class Case(msgspec.Struct):
    """What was said, what is the case now, and whether to say something; alerts are numbers."""

    id: str
    last_notification: Last | None
    firing: list[int]
    resolved: list[int]
    repeat_interval_s: int
    notify: bool
    reason: str


@pytest.mark.conformance("dedup.json", Case)
def test_a_receiver_is_told_when_there_is_something_to_tell(case: Case) -> None:
    """News, an end, or time to repeat; an alert that is silenced meanwhile is none of these."""
    last, firing = case.last_notification, _names(case.firing)
    to = Destination(id="hook/webhook", round=1)
    # What fired and neither fires nor is resolved is held back, when anything fires; else there is nothing left of it.
    vanished: tuple[Fingerprint, ...] = ()
    if last is not None:
        to = replace(to, told=_names(last.firing), last_sent_at=NOW - timedelta(seconds=last.age_s))
        vanished = tuple(name for name in to.told if name not in (*firing, *_names(case.resolved)))
    held = vanished if firing else ()
    seen = Picture(
        firing=(*firing, *held), telling=firing, over=frozenset((*_names(case.resolved), *vanished)) - {*held}, held=""
    )

    incident = _incident(State.TRIGGERED if firing else State.RESOLVED)

    what = owed(seen, to, incident, _route(case.repeat_interval_s), redraws=False, now=NOW)

    assert isinstance(what, Owed) is case.notify
    assert (NOTIFICATION_REASONS[what.reason] if isinstance(what, Owed) else "none") == case.reason


def _names(numbers: list[int]) -> tuple[Fingerprint, ...]:
    return tuple(Fingerprint(f"{number:016x}") for number in numbers)


def _route(repeat_interval: int) -> Route:
    root = f"{{receiver: hook, repeat_interval: {max(1, repeat_interval)}s}}"
    policy = load({"policy.yml": f"receivers: {{hook: {{inbox: {{}}}}}}\nroute: {root}\n"})
    (match,) = policy.routes({"alertname": "X"})
    return match.route


def _incident(state: State) -> Incident:
    return Incident(
        id="INC-1",
        number=1,
        route="0",
        group_key="{}",
        group_labels={},
        revision="r",
        state=state,
        severity="warning",
        peak="warning",
        opened_at=NOW - timedelta(hours=1),
    )

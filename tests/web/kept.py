"""Incidents, lines and messages as router and workers leave them in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from alertrouter.alert import Alert, fingerprint_of, pack, pack_annotations
from alertrouter.incident import Destination, Incident, Reason, State
from alertrouter.notice import InboxMessage
from alertrouter.silence import Silence, SilenceMatcher, SilenceState
from alertrouter.store.inbox import RedisInbox
from alertrouter.transition import TimelineLine, Transition
from tests.web.door import KEYS, Door

AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def keep_incident(door: Door, number: int, state: State = State.TRIGGERED, **labels: str) -> Incident:
    """Leave an incident in the store."""
    incident = Incident(
        id=f"INC-{number}",
        number=number,
        route="/ai",
        group_key="{}",
        group_labels=labels or {"alertname": "DiskFull"},
        revision="abc",
        state=state,
        severity="critical",
        peak="critical",
        opened_at=AT,
        destinations=(Destination(id="ai-channel/slack", sequence=2, last_sent_at=AT, error="late"),),
    )
    return keep(door, incident)


def keep(door: Door, incident: Incident) -> Incident:
    """Leave an incident in the store as it is."""
    door.redis.hset(KEYS.incidents, incident.id, msgspec.msgpack.encode(incident))
    return incident


def keep_alert(door: Door, incident: Incident, annotations: dict[str, str], *, held: str = "", **labels: str) -> Alert:
    """Leave an alert of an incident in the store; its first destination was told of it, if nothing held it."""
    packed = pack({**incident.group_labels, **labels})
    alert = Alert(
        fingerprint=fingerprint_of(packed),
        packed_labels=packed,
        packed_annotations=pack_annotations(annotations),
        starts_at=AT,
        ends_at=None,
        updated_at=AT,
        generator_url="http://prometheus.example.com/graph",
        incidents=(incident.id,),
    )
    door.redis.hset(KEYS.alerts, alert.fingerprint, msgspec.msgpack.encode(alert))
    found = door.redis.hget(KEYS.incidents, incident.id)
    known = msgspec.msgpack.decode(found, type=Incident) if isinstance(found, bytes) else incident
    first, *others = known.destinations
    told = (*first.told, *(() if held else (alert.fingerprint,)))
    suppressed = {**known.suppressed, **({alert.fingerprint: held} if held else {})}
    now = replace(known, destinations=(replace(first, told=told), *others), suppressed=suppressed)
    door.redis.hset(KEYS.incidents, incident.id, msgspec.msgpack.encode(now))
    return alert


def keep_silence(door: Door, number: int, *, hours: float = 1.0, comment: str = "new cable") -> Silence:
    """Leave a silence in the store that began an hour ago and ends in so many hours."""
    now = datetime.now(UTC)
    silence = Silence(
        id=f"{number:08d}-0000-4000-8000-000000000000",
        matchers=(SilenceMatcher("node", f"n{number}"),),
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=hours),
        created_by="sam",
        comment=comment,
        updated_at=now,
        state=SilenceState.ACTIVE,
    )
    door.redis.hset(KEYS.silences, silence.id, msgspec.msgpack.encode(silence))
    door.redis.set(KEYS.silences_version, f"v{number}")
    return silence


def keep_line(door: Door, incident: str, text: str, minute: int = 0) -> None:
    """Leave a line of an incident's story in the store."""
    line = TimelineLine(
        incident=incident,
        at=AT + timedelta(minutes=minute),
        transition=Transition.NEW,
        reason=Reason.OPENED,
        text=text,
    )
    door.redis.rpush(KEYS.timeline(incident), msgspec.msgpack.encode(line))


def keep_message(door: Door, number: int, html: str) -> None:
    """Leave a message in the inbox."""
    RedisInbox(door.redis, KEYS, 200).keep(
        InboxMessage(
            id=f"m{number}",
            incident=f"INC-{number}",
            receiver="ai-channel",
            severity="critical",
            severity_rank=2,
            severity_count=3,
            status="firing",
            title="DiskFull",
            html=html,
            at=AT + timedelta(minutes=number),
        )
    )

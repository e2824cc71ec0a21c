"""The engine's whole memory as plain values: what the store loads at start and keeps up to date by commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from alertrouter.alert import Alert, Fingerprint
from alertrouter.incident import Incident
from alertrouter.silence import Silence
from alertrouter.summary import Summary


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one expected heartbeat.

    Patience is counted from `since`: the last beat, or the moment from which one could be expected. `heard_at` is when
    one last came, None: never. `alert` names the alert that says that it is missing, None while it isn't.
    """

    since: datetime
    heard_at: datetime | None = None
    alert: Fingerprint | None = None


@dataclass(slots=True)
class EngineState:
    """All alerts and incidents that still matter, and the texts of the policies that they pin.

    `heartbeats` are those that the active policy expects, by name; `silences` those that are not long over, by id;
    `summaries` what destinations wait to be told of together.
    `active` is the revision that new incidents follow, "" before any policy was activated. `alive_at` is when a router
    last wrote (each commit carries it): what fired then and could not be reported since gets a grace.
    """

    alerts: dict[Fingerprint, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    heartbeats: dict[str, Pulse] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    active: str = ""
    last_number: int = 0
    alive_at: datetime | None = None

"""The engine's whole memory as plain values: what the store loads at start and keeps up to date by commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alertrouter.alert import Alert, Fingerprint
from alertrouter.incident import Incident


@dataclass(slots=True)
class EngineState:
    """All alerts and incidents that still matter, and the texts of the policies that they pin.

    `active` is the revision that new incidents follow, "" before any policy was activated. `alive_at` is when a router
    last wrote (each commit carries it): what fired then and could not be reported since gets a grace.
    """

    alerts: dict[Fingerprint, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    active: str = ""
    last_number: int = 0
    alive_at: datetime | None = None

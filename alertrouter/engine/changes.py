"""What one step of the engine changed: all that the commit has to write, and nothing else."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery
from alertrouter.engine.state import Pulse
from alertrouter.incident import Incident
from alertrouter.record import Silenced
from alertrouter.silence import Silence
from alertrouter.summary import Summary
from alertrouter.transition import TimelineLine, Transition


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of what a person asked for. `transition` is None when nothing happened; `text` says why, or what did.

    `version` is the incident's afterwards. `silence` is the id of the silence that was set or ended, "" when it was
    refused; `unknown` says that there is none of the id that was asked for.
    `version` is the incident's afterwards. `incident` is "" when it was about a policy; `problems` are then its faults.
    """

    incident: str
    transition: Transition | None
    text: str
    version: int = 0
    silence: str = ""
    unknown: bool = False
    problems: tuple[str, ...] = ()


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy came into force, when and by whom; `from_files`: it was found in the policy directory."""

    revision: str
    at: datetime
    actor: str
    from_files: bool


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that need not leave any more, and why."""

    incident: str
    destination: str
    why: str


class Changes(msgspec.Struct):
    """The effects of events and timers, ready to be written in one MULTI.

    `recalled` are deliveries by id that need not leave any more; the ledger tells the journal whether it was
    in time. `answers` go to the doors that wait for them, under the key of the event.

    In `alerts`, `incidents`, `policies`, `heartbeats`, `silences`, `summaries` None means: forget it. `begun` are
    the alerts that began to fire, for indexes kept elsewhere. `silenced` is what was decided about silences that people
    set, one after the other: set, changed or ended. `policies` holds a policy's texts by file name, under
    its revision. `counts` are increments of counters: `alerts_received:firing`,
    `alerts_received:resolved`, `alerts_deduplicated`, `alerts_suppressed:inhibited`, `alerts_suppressed:silenced`,
    `alerts_suppressed:outside_hours`, `transitions:<Transition>`, `deliveries_born:<channel>`,
    `deliveries_settled_late`, `incidents_parked`, `incidents_given_up`, `policies_activated`, `heartbeats_missed`,
    `silences_set`, `silences_expired`, `acknowledgement_seconds`.
    """

    alerts: dict[Fingerprint, Alert | None] = {}
    incidents: dict[str, Incident | None] = {}
    policies: dict[str, dict[str, str] | None] = {}
    heartbeats: dict[str, Pulse | None] = {}
    silences: dict[str, Silence | None] = {}
    summaries: dict[str, Summary | None] = {}
    begun: list[Fingerprint] = []
    silenced: list[Silenced] = []
    activation: Activation | None = None
    deliveries: list[Delivery] = []
    timeline: list[TimelineLine] = []
    counts: dict[str, int] = {}
    recalled: dict[str, Recall] = {}
    answers: dict[str, Answer] = {}

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counts[name] = self.counts.get(name, 0) + by

    def then(self, later: Changes) -> Changes:
        """These changes and what happened afterwards, which is no longer used by itself."""
        if not self:
            return later
        self.merge(later)
        return self

    def merge(self, later: Changes) -> None:
        """Take in what happened afterwards; the later value of a record wins."""
        self.alerts.update(later.alerts)
        self.incidents.update(later.incidents)
        self.policies.update(later.policies)
        self.heartbeats.update(later.heartbeats)
        self.silences.update(later.silences)
        self.summaries.update(later.summaries)
        self.begun += later.begun
        self.silenced += later.silenced
        self.activation = later.activation or self.activation
        self.deliveries += later.deliveries
        self.timeline += later.timeline
        self.recalled.update(later.recalled)
        self.answers.update(later.answers)
        for name, by in later.counts.items():
            self.count(name, by)

    @property
    def urgent(self) -> bool:
        """Tell whether there is more in it than counters: something that somebody waits for, or that must be kept."""
        records = self.alerts or self.incidents or self.policies or self.heartbeats or self.silences or self.activation
        return bool(records or self.summaries or self.deliveries or self.timeline or self.recalled or self.answers)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return self.urgent or bool(self.counts)

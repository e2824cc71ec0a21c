"""The name of every Redis key; what each holds is told in the package's docstring."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

RANKS: Final = 10
"""Due sets a channel has: one a severity, from the lowest; the tenth holds whatever ranks higher still."""


def due_set(channel: str, rank: int) -> str:
    """Name the due set of a channel and a severity's rank, without what all of them begin with."""
    return f"{channel}:{min(rank, RANKS - 1)}"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one namespace."""

    namespace: str

    @property
    def journal(self) -> str:
        """Stream of packed events."""
        return f"{self.namespace}:journal"

    @property
    def checkpoint(self) -> str:
        """Id of the last applied journal entry."""
        return f"{self.namespace}:checkpoint"

    @property
    def lease(self) -> str:
        """Name of the active router."""
        return f"{self.namespace}:lease"

    @property
    def epoch(self) -> str:
        """Count of takeovers."""
        return f"{self.namespace}:epoch"

    @property
    def format(self) -> str:
        """The state's format, and the version that brought it there."""
        return f"{self.namespace}:format"

    @property
    def alerts(self) -> str:
        """Alerts by fingerprint."""
        return f"{self.namespace}:alerts"

    @property
    def incidents(self) -> str:
        """Incidents by id."""
        return f"{self.namespace}:incidents"

    @property
    def policies(self) -> str:
        """Policy texts by revision."""
        return f"{self.namespace}:policies"

    @property
    def heartbeats(self) -> str:
        """What is known of each expected heartbeat, by name."""
        return f"{self.namespace}:heartbeats"

    @property
    def silences(self) -> str:
        """Silences by id."""
        return f"{self.namespace}:silences"

    @property
    def summaries(self) -> str:
        """What destinations wait to be told of together, by id."""
        return f"{self.namespace}:summaries"

    @property
    def silences_version(self) -> str:
        """Which commit changed a silence last."""
        return f"{self.namespace}:silences_version"

    @property
    def begun(self) -> str:
        """Stream of the alerts that began to fire."""
        return f"{self.namespace}:begun"

    @property
    def active(self) -> str:
        """Revision in force."""
        return f"{self.namespace}:active"

    @property
    def files_revision(self) -> str:
        """Revision last taken from the policy directory."""
        return f"{self.namespace}:files_revision"

    @property
    def revisions(self) -> str:
        """Stream of policies as they were published and came into force."""
        return f"{self.namespace}:revisions"

    @property
    def refused(self) -> str:
        """The faults for which the directory's policy was refused."""
        return f"{self.namespace}:refused"

    @property
    def shadow(self) -> str:
        """The policy that decides beside the one in force, and what that has come to."""
        return f"{self.namespace}:shadow"

    @property
    def shadow_follower(self) -> str:
        """Name of the process that decides for the shadow."""
        return f"{self.namespace}:shadow_follower"

    @property
    def last_number(self) -> str:
        """Number of the newest incident."""
        return f"{self.namespace}:last_number"

    @property
    def alive_at(self) -> str:
        """When a router last wrote."""
        return f"{self.namespace}:alive_at"

    @property
    def records(self) -> str:
        """Stream of what replay and reports need."""
        return f"{self.namespace}:records"

    @property
    def history(self) -> str:
        """Stream of timeline lines of all incidents."""
        return f"{self.namespace}:history"

    def timeline(self, incident: str) -> str:
        """Timeline of one incident."""
        return f"{self.namespace}:timeline:{incident}"

    def deliveries(self, incident: str) -> str:
        """Delivery ids of one incident."""
        return f"{self.namespace}:deliveries:{incident}"

    def delivery(self, delivery: str) -> str:
        """One row of the ledger; with "" the prefix of all."""
        return f"{self.namespace}:delivery:{delivery}"

    def due(self, channel: str, rank: int) -> str:
        """Due deliveries of a channel and a severity's rank."""
        return f"{self.due_prefix}{due_set(channel, rank)}"

    @property
    def due_prefix(self) -> str:
        """What all due sets begin with."""
        return f"{self.namespace}:due:"

    @property
    def lanes(self) -> str:
        """Lane by destination."""
        return f"{self.namespace}:lanes"

    @property
    def lane_prefix(self) -> str:
        """What the keys of all lanes begin with."""
        return f"{self.namespace}:lane:"

    @property
    def draining(self) -> str:
        """Workers that drain or linger, by how long they will, ms."""
        return f"{self.namespace}:draining"

    @property
    def nudges(self) -> str:
        """One entry for each worker that shall look again."""
        return f"{self.namespace}:nudges"

    @property
    def counters(self) -> str:
        """All counters."""
        return f"{self.namespace}:counters"

    @property
    def gauges(self) -> str:
        """What the router last said of its memory."""
        return f"{self.namespace}:gauges"

    @property
    def latency(self) -> str:
        """Histogram from receipt to sent."""
        return f"{self.namespace}:latency"

    @property
    def exemplars(self) -> str:
        """The newest traced delivery of each bucket of the latency."""
        return f"{self.namespace}:exemplars"

    def answer(self, key: str) -> str:
        """What came of what a person asked for, under the key of the event."""
        return f"{self.namespace}:answer:{key}"

    def used(self, mark: str) -> str:
        """That what counts once was seen: a link, a webhook. A mark may hold anything."""
        return f"{self.namespace}:used:{sha256(mark.encode()).hexdigest()[:32]}"

    @property
    def reconciled(self) -> str:
        """When a source was last read and its answer believed, by its name."""
        return f"{self.namespace}:reconciled"

    def listed(self, source: str) -> str:
        """The alerts that fire here and that a source has listed."""
        return f"{self.namespace}:listed:{source}"

    @property
    def backups(self) -> str:
        """When the last backup of each part of the stack succeeded, by the part's name."""
        return f"{self.namespace}:backups"

    @property
    def inbox(self) -> str:
        """Inbox messages by id."""
        return f"{self.namespace}:inbox"

    @property
    def inbox_order(self) -> str:
        """Inbox ids by time."""
        return f"{self.namespace}:inbox_order"

    @property
    def quarantine(self) -> str:
        """Events that could not be applied."""
        return f"{self.namespace}:quarantine"

    @property
    def set_aside(self) -> str:
        """Alerts that could not be read."""
        return f"{self.namespace}:set_aside"

    @property
    def queue(self) -> str:
        """Name of the one RQ queue."""
        return f"{self.namespace}-deliver"

    @property
    def queue_list(self) -> str:
        """Where RQ keeps the waiting jobs of that queue."""
        return f"rq:queue:{self.queue}"

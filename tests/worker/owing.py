"""Deliveries that are owed to stand-ins, couriers to carry them, and a look at their fate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import redis

from alertrouter.alert import Fingerprint
from alertrouter.engine.changes import Activation, Changes, Recall
from alertrouter.events import DeliverySettled, decode
from alertrouter.policy.load import load
from alertrouter.settings import Settings
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.lease import Lease
from alertrouter.store.ledger import Ledger
from alertrouter.store.ledger_row import LedgerRow
from alertrouter.store.queue import Kicks
from alertrouter.store.statestore import StateStore
from alertrouter.worker.courier import Courier
from tests.standins import HttpStandIn
from tests.store.values import alert, commit_of, delivery

SettingsFor = Callable[..., Settings]
HOOK, OTHER, INBOX = "ai/webhook", "db/webhook", "desk/inbox"


class Owing:
    """Deliveries to two webhooks and the inbox, a courier to carry them, and a look at their fate."""

    def __init__(self, settings_for: SettingsFor, far_side: HttpStandIn, environ: Mapping[str, str]) -> None:
        policy = (
            "receivers:\n"
            f"  ai: {{webhook: {{url: '{far_side.url}/ai'}}}}\n"
            f"  db: {{webhook: {{url: '{far_side.url}/db'}}}}\n"
            "  desk: {inbox: {}}\n"
            "  slack: {slack: {channel: '#ai', webhook_url: '${SLACK_AI_WEBHOOK_URL:-}'}}\n"
            "route: {receiver: ai}\n"
        )
        self.settings = settings_for(policy, environ)
        self.files = {"policy.yml": policy}
        self.revision = load(self.files).revision
        self.client = redis.Redis.from_url(self.settings.redis_url)
        self.keys = Keys(self.settings.namespace)
        self.ledger = Ledger(self.client, self.keys, "the test")
        self._store = StateStore(self.client, self.keys, Kicks(self.client, self.keys), history=timedelta(days=1))
        epoch = Lease(self.client, self.keys, "router").acquire()
        assert epoch is not None
        self._epoch = epoch
        self._couriers: list[Courier] = []
        down = alert("Down")
        self.firing: tuple[Fingerprint, ...] = (down.fingerprint,)
        active = Activation(revision=self.revision, at=now(), actor="test", from_files=True)
        self.commit(Changes(alerts={down.fingerprint: down}, policies={self.revision: self.files}, activation=active))

    def commit(self, changes: Changes, kicks: int = 0, nudges: int = 0) -> None:
        """Commit as the router would."""
        commit = commit_of(changes, now=now(), kicks=kicks)
        self._store.commit(self._epoch, msgspec.structs.replace(commit, nudges=nudges))

    def owe(
        self,
        name: str = "INC-1.1",
        to: str = HOOK,
        *,
        revision: str | None = None,
        rank: int = 1,
        kicks: int = 0,
        nudges: int = 0,
    ) -> None:
        """Owe a delivery from now on."""
        owed = delivery(
            name,
            channel=to.rpartition("/")[2],
            destination=to,
            revision=self.revision if revision is None else revision,
            firing=self.firing,
            rank=rank,
            born_at=now(),
        )
        self.commit(Changes(deliveries=[msgspec.structs.replace(owed, received_at=now())]), kicks, nudges)

    def recall(self, name: str = "INC-1.1", to: str = HOOK) -> None:
        """Take a delivery back, as the router does when somebody acknowledges."""
        recall = Recall(incident=name.rpartition(".")[0], destination=to, why="it was taken before it left")
        self.commit(Changes(recalled={name: recall}))

    def courier(self) -> Courier:
        """A new worker's courier."""
        self._couriers.append(Courier(self.settings))
        return self._couriers[-1]

    def close(self) -> None:
        """Close all couriers."""
        for courier in self._couriers:
            courier.close()
        self.client.close()

    def row(self, name: str = "INC-1.1") -> LedgerRow:
        """The fate of a delivery."""
        row = self.ledger.row(name)
        assert row is not None
        return row

    def make_due(self, name: str = "INC-1.1") -> None:
        """Make a delivery that waits for its next try due now."""
        owed = self.row(name).delivery
        self.client.zadd(self.keys.due(owed.channel, owed.rank), {name: 0})

    def told(self) -> list[DeliverySettled]:
        """What the journal was told."""
        entries = Journal(self.client, self.keys).read("0-0", count=999, wait_ms=0)
        return [event for entry in entries if isinstance(event := decode(entry.packed), DeliverySettled)]


def now() -> datetime:
    """The present: a worker is a door and reads the clock."""
    return datetime.now(UTC)

"""The address book: which notifier carries a delivery, made once for each destination and policy revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alertrouter import log
from alertrouter.delivery import Delivery
from alertrouter.errors import PermanentFailure, PolicyError
from alertrouter.notice import Inbox
from alertrouter.notifiers import Notifier, Together, notifier_for
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.receiver import Channel, Integration
from alertrouter.render import Renderer
from alertrouter.settings import Settings
from alertrouter.store.ledger import Ledger

MOST_POLICIES: Final = 8
MOST_WAYS: Final = 200

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """How a destination is reached, by messages that leave `together` if they can.

    Between two messages of one `lane` there must be `pace` ms.
    """

    notifier: Notifier
    together: Together | None
    lane: str
    pace: int
    severity_count: int


class AddressBook:
    """Finds the way of each delivery; for one thread. Secrets come in here, from the settings, and go no further."""

    def __init__(self, settings: Settings, ledger: Ledger, inbox: Inbox) -> None:
        self._settings = settings
        self._ledger = ledger
        self._inbox = inbox
        self._renderer = Renderer(settings.templates)
        self._policies: dict[str, Policy] = {}
        self._ways: dict[tuple[str, str], Way] = {}

    def way(self, delivery: Delivery) -> Way:
        """Find it; raises `PermanentFailure` when neither its own policy nor the active one has it."""
        known = self._ways.get((delivery.revision, delivery.destination))
        if known:
            return known
        policy, integration = self._integration(delivery)
        notifier = notifier_for(integration, self._settings, self._renderer, self._inbox)
        together = notifier if isinstance(notifier, Together) else None
        made = Way(notifier, together, notifier.lane(), self._pace(notifier), len(policy.severities))
        self._ways[delivery.revision, delivery.destination] = made
        return made

    def tidy(self) -> None:
        """Close the oldest when there are too many, as after many reloads; only while nothing is under way."""
        while len(self._ways) > MOST_WAYS:
            self._ways.pop(next(iter(self._ways))).notifier.close()

    def close(self) -> None:
        """Close all."""
        for way in self._ways.values():
            way.notifier.close()
        self._ways.clear()

    def _integration(self, delivery: Delivery) -> tuple[Policy, Integration]:
        """Look in the revision that the incident pins; were it or the receiver gone, the active one may still know."""
        for revision in (delivery.revision, self._ledger.active_revision()):
            policy = self._policy(revision)
            receiver = policy.receivers.get(delivery.receiver) if policy else None
            for integration in receiver.integrations if receiver else ():
                if policy and integration.id == delivery.destination:
                    return policy, integration
            _log.warning("destination unknown", destination=delivery.destination, revision=revision)
        raise PermanentFailure(f"no policy knows the destination {delivery.destination} any more")

    def _policy(self, revision: str) -> Policy | None:
        if revision not in self._policies:
            files = self._ledger.policy_files(revision)
            if files is None:
                return None
            if len(self._policies) >= MOST_POLICIES:
                self._policies.pop(next(iter(self._policies)))
            try:
                self._policies[revision] = load(files)
            except PolicyError as error:  # an upgrade refuses what an older version accepted: the active one may know
                _log.warning(
                    "stored policy can't be loaded", revision=revision, problems=list(map(str, error.problems))
                )
                return None
        return self._policies[revision]

    def _pace(self, notifier: Notifier) -> int:
        a_second = self._settings.slack_messages_per_second
        return round(1000 / a_second) if notifier.channel is Channel.SLACK and a_second else 0

"""What an Alertmanager's own configuration says of an alert: whether it tells us of it just now, and how soon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertrouter.alert import Labels
from alertrouter.errors import PolicyError
from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Upstream:
    """A source's configuration, as far as it concerns our receivers. `fault` says why that is nothing.

    `leeway` is what its replicas may wait for one another.
    """

    policy: Policy | None
    receivers: frozenset[str]
    leeway: timedelta = timedelta()
    fault: str = ""

    def tells_within(self, labels: Labels, now: datetime) -> timedelta | None:
        """How long it may take until an alert is told to us; None: a time interval mutes it, or it goes elsewhere.

        A new group waits `group_wait`; an alert that joins one waits for its next `group_interval`.
        """
        if self.policy is None:
            return None
        waits = [
            max(match.route.options.group_wait, match.route.options.group_interval) + self.leeway
            for match in self.policy.routes(labels)
            if match.route.options.receiver in self.receivers and not self.policy.held_by(match.route, now)
        ]
        return min(waits, default=None)


def upstream(config: str, receivers: Iterable[str], leeway: timedelta = timedelta()) -> Upstream:
    """Read a configuration as `/api/v2/status` shows it, secrets struck out."""
    wanted = frozenset(receivers)
    policy, fault = None, ""
    try:
        policy = load(convert("alertmanager.yml", config).files)
    except PolicyError as error:
        fault = f"its configuration can't be read: {str(error.problems[0]).splitlines()[0]}"
    if policy is not None and not wanted & policy.receivers.keys():
        fault = f"its configuration has no receiver named {' or '.join(sorted(wanted))}"
    return Upstream(policy, wanted, leeway, fault)

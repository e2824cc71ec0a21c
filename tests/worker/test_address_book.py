"""Where a policy that the worker can't load was pinned."""

from __future__ import annotations

from alertrouter.delivery import LedgerState
from alertrouter.engine.changes import Changes
from tests.worker.owing import Owing


def test_a_delivery_of_a_policy_that_cannot_be_loaded_any_more_goes_by_the_active_one(owing: Owing) -> None:
    """An upgrade refuses what an older version accepted: what is owed under it is sent by the policy in force."""
    owing.commit(Changes(policies={"0123456789ab": {"policy.yml": "route: {receiver: nobody}"}}))
    owing.owe("INC-1.1", revision="0123456789ab")

    owing.courier().drain()

    assert owing.row("INC-1.1").state is LedgerState.SENT

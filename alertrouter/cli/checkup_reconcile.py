"""What `doctor` looks at of Alertmanagers that are asked what fires: whether they answer, and know our receivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from alertrouter.cli.finding import Finding, fine, warning, wrong
from alertrouter.errors import SourceError
from alertrouter.reconcile.reading import read
from alertrouter.reconcile.upstream import upstream
from alertrouter.settings import Settings
from alertrouter.settings_reconcile import Reconcile, Replica

CHECK: Final = "reconcile"


def alertmanagers(settings: Settings) -> Iterator[Finding]:
    """Ask each of them once."""
    for replicas in settings.reconcile.sources:
        for replica in replicas:
            yield _asked(replica, settings.reconcile)


def _asked(replica: Replica, settings: Reconcile) -> Finding:
    try:
        reading = read(replica, settings, datetime.now(UTC))
    except SourceError as error:
        return wrong(CHECK, str(error), "until all replicas of a cluster answer, no end that a webhook missed is found")
    fault = upstream(reading.config, settings.receivers).fault
    if fault:
        mend = "set ALERTROUTER_RECONCILE_RECEIVERS to the receivers there that post to alertrouter"
        return wrong(CHECK, f"{replica.name}: {fault}", mend)
    ours = sum(one.ours for one in reading.listed.values())
    text = f"{replica.name}: lists {len(reading.listed)} alerts, {ours} of them for us"
    return warning(CHECK, f"{text}; {reading.doubt}", "ends count later") if reading.doubt else fine(CHECK, text)

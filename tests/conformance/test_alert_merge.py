"""Two reports of one alert become what Alertmanager makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest

from alertrouter.alert import AlertReport
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import AlertsReceived, PolicyActivated
from alertrouter.policy.load import load

NOW: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
POLICY: Final = {"policy.yml": "receivers: {chat: {inbox: {}}}\nroute: {receiver: chat}\n"}


class Report(msgspec.Struct, frozen=True):
    """One report, in seconds from now; `timeout`: the sender gave no end."""

    starts: int
    ends: int
    updated: int
    timeout: bool


class Case(msgspec.Struct):
    """What is known, what comes, and what is known then."""

    id: str
    a: Report
    b: Report
    merged: Report


@pytest.mark.conformance("alert_merge.json", Case, under="cases")
def test_two_reports_become_one_alert(case: Case) -> None:
    """The earliest start, the latest end that somebody gave, and the newer one's word when it says that it is over."""
    engine = Engine(EngineState(), now=_at(-1000))
    revision = load(POLICY).revision
    engine.apply(PolicyActivated(at=_at(-1000), actor="test", key=revision, revision=revision, files=POLICY))

    for number, report in enumerate((case.a, case.b)):
        given = AlertReport.of({"alertname": "X"}, starts_at=_at(report.starts), ends_at=_at(report.ends))
        given = msgspec.structs.replace(given, timeout=report.timeout)
        engine.apply(AlertsReceived(at=_at(report.updated), actor="test", key=f"report-{number}", alerts=(given,)))

    (alert,) = engine.state.alerts.values()
    assert alert.ends_at is not None
    starts, ends, updated = (_second(one) for one in (alert.starts_at, alert.ends_at, alert.updated_at))
    assert Report(starts, ends, updated, alert.timeout) == case.merged


def _at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


def _second(moment: datetime) -> int:
    return round((moment - NOW).total_seconds())

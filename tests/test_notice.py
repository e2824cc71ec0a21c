"""A notice: what a message may say, built from what is owed and the alerts as they are now."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from alertrouter.alert import Alert, fingerprint_of, pack
from alertrouter.notice import Notice
from tests.store.values import alert, delivery

NOW = datetime(2026, 3, 2, 11, tzinfo=UTC)


def with_labels(**labels: str) -> Alert:
    """An alert with these labels."""
    packed = pack({"alertname": "Down", **labels})
    return msgspec.structs.replace(alert("Down"), packed_labels=packed, fingerprint=fingerprint_of(packed))


def test_alerts_stand_in_alertmanagers_order_in_whatever_order_they_came() -> None:
    """By job, then instance, those without last; the ends by themselves. An update doesn't reshuffle a message."""
    wanted = [
        with_labels(job="a", instance="i1"),
        with_labels(job="a", instance="i2"),
        with_labels(job="b", instance="i0"),
        with_labels(instance="i1", disk="sda"),
        with_labels(instance="i1", disk="sdb"),
        with_labels(disk="sda"),
    ]
    alerts = {one.fingerprint: one for one in wanted}
    backwards = tuple(reversed(alerts))
    owed = msgspec.structs.replace(delivery(), firing=backwards[:4], resolved=backwards[4:])

    notice = Notice.of(owed, alerts, severity_count=3, now=NOW)

    assert [one.labels for one in notice.firing] == [one.labels for one in wanted[2:]]
    assert [one.labels for one in notice.resolved] == [one.labels for one in wanted[:2]]

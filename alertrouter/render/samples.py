"""Notices to try templates on: one alert, many, some over, all over, none left, and hostile text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from alertrouter.alert import Labels
from alertrouter.incident import Reason
from alertrouter.notice import Notice, NoticeAlert

_OPENED: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def sample_alert(number: int, *, over: bool = False, more: Labels | None = None) -> NoticeAlert:
    """One alert on the host `gpu-<number>`."""
    full = {
        "alertname": "ModelLatencyHigh",
        "component": "ai",
        "instance": f"gpu-{number}:9100",
        "severity": "critical",
        **(more or {}),
    }
    return NoticeAlert(
        status="resolved" if over else "firing",
        labels=full,
        annotations={
            "summary": "Answers of the summariser take longer than 8 s",
            "description": "p95 over five minutes is 11.4 s; the queue grows by 40 requests a minute.",
            "runbook_url": "https://runbooks.example.org/ai/model-latency",
            "dashboard_url": "https://grafana.example.org/d/ai-models",
        },
        starts_at=_OPENED - timedelta(minutes=2),
        ends_at=_OPENED + timedelta(minutes=50) if over else None,
        generator_url="https://prometheus.example.org/graph?g0.expr=latency",
    )


def sample_notice(
    *,
    firing: tuple[NoticeAlert, ...] = (sample_alert(1),),
    resolved: tuple[NoticeAlert, ...] = (),
    reason: Reason = Reason.OPENED,
    severity: str = "critical",
    sequence: int = 1,
    reference: str | None = None,
    receiver: str = "ai-channel",
    number: int = 1,
) -> Notice:
    """A notice of an AI incident, for trying templates and channels."""
    return Notice(
        delivery=f"INC-{number}.{sequence}",
        incident=f"INC-{number}",
        destination=f"{receiver}/slack",
        receiver=receiver,
        reason=reason,
        status="firing" if firing else "resolved",
        severity=severity,
        severity_rank={"info": 0, "warning": 1}.get(severity, 2),
        severity_count=3,
        group_key='{}/{component="ai"}:{alertname="ModelLatencyHigh", component="ai"}',
        group_labels={"alertname": "ModelLatencyHigh", "component": "ai"},
        firing=firing,
        resolved=resolved,
        sequence=sequence,
        opened_at=_OPENED,
        at=_OPENED + timedelta(minutes=sequence),
        reference=reference,
        external_url="http://127.0.0.1:9080",
    )


_HOSTILE: Final = {"instance": "<!channel> & <script>alert(1)</script> `x` *y*", "items": "a label named items"}

NOTICES: Final = (
    sample_notice(number=1),
    sample_notice(number=2, firing=tuple(sample_alert(number) for number in range(47)), severity="warning"),
    sample_notice(
        number=3, firing=(sample_alert(1),), resolved=(sample_alert(2, over=True),), reason=Reason.CHANGED, sequence=2
    ),
    sample_notice(number=4, firing=(), resolved=(sample_alert(1, over=True),), reason=Reason.RESOLVED, sequence=3),
    sample_notice(number=5, firing=(sample_alert(1, more=_HOSTILE),), severity="info"),
    sample_notice(number=6, firing=(), reason=Reason.RESOLVED),
)

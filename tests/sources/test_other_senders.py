"""Grafana's webhook, what Prometheus posts, and the simple JSON body."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertrouter.alert import AlertReport
from alertrouter.errors import PayloadError
from alertrouter.sources import generic, grafana, prometheus

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"


def posted(**alert: object) -> AlertReport:
    """Read one alert as Prometheus posts it."""
    (report,) = prometheus.parse(json.dumps([{"labels": {"alertname": "T"}} | alert]).encode(), NOW).reports
    return report


def test_grafanas_links_become_annotations_unless_the_rule_has_set_them() -> None:
    """The dashboard and the silence page are one click away; what a person wrote stays."""
    first, second = grafana.parse((PAYLOADS / "grafana_firing.json").read_bytes(), NOW).reports

    assert first.annotation_set() == {
        "summary": "Memory is at 91 %",
        "dashboard_url": "https://grafana.example.org/d/abc",
        "panel_url": "https://grafana.example.org/set-by-hand",
        "silence_url": "https://grafana.example.org/alerting/silence/new?alertmanager=grafana&matcher=zone%3Dus-1",
    }
    assert first.starts_at == datetime(2026, 10, 12, 7, 51, 3, 157076, tzinfo=UTC)
    assert first.ends_at is None
    assert second.annotation_set() == {}
    assert second.ends_at == datetime(2026, 10, 12, 7, 50, 3, 157076, tzinfo=UTC)


def test_what_prometheus_was_recorded_to_post_ends_at_its_end() -> None:
    """Prometheus says with each re-send how long the alert is good for."""
    at = datetime(2026, 11, 22, 13, 6, 17, tzinfo=UTC)

    (report,) = prometheus.parse((PAYLOADS / "prometheus_firing.json").read_bytes(), at).reports

    assert report.label_set() == {
        "alertname": "DiskFull",
        "cluster": "c1",
        "component": "database",
        "instance": "db1:9100",
        "severity": "critical",
    }
    assert report.starts_at == datetime(2026, 11, 22, 13, 6, 16, 730000, tzinfo=UTC)
    assert report.ends_at == datetime(2026, 11, 22, 13, 6, 24, 730000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("alert", "starts_at", "ends_at"),
    [
        ({}, NOW, NOW + timedelta(minutes=5)),
        ({"startsAt": "2026-11-22T13:00:00Z"}, NOW - timedelta(hours=1), NOW + timedelta(minutes=5)),
        ({"endsAt": "2026-11-22T13:00:00Z"}, NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        ({"endsAt": "2026-11-22T15:00:00Z"}, NOW, NOW + timedelta(hours=1)),
        ({"endsAt": "0001-01-01T00:00:00Z"}, NOW, NOW + timedelta(minutes=5)),
    ],
)
def test_times_that_prometheus_leaves_out_are_filled_in_as_alertmanager_does(
    alert: dict[str, object], starts_at: datetime, ends_at: datetime
) -> None:
    """No start is now, or the end when only that is given; no end is five minutes from now."""
    report = posted(**alert)

    assert (report.starts_at, report.ends_at) == (starts_at, ends_at)


def test_a_time_without_an_offset_is_in_utc_as_alertmanager_has_it() -> None:
    """Scripts write them with `datetime.utcnow().isoformat()`."""
    report = posted(startsAt="2026-11-22T13:00:00", endsAt="2026-11-22T15:00:00.5")

    assert report.starts_at == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert report.ends_at == datetime(2026, 11, 22, 15, 0, 0, 500_000, tzinfo=UTC)


def test_a_status_means_nothing_in_what_prometheus_posts() -> None:
    """Unknown members are ignored, also one that another form knows."""
    assert posted(status=7, bogus=[]).ends_at == NOW + timedelta(minutes=5)


def test_prometheus_may_post_an_empty_list() -> None:
    """Alertmanager takes it too."""
    assert prometheus.parse(b"[]", NOW).reports == ()


def test_an_alert_that_ends_before_it_starts_is_refused() -> None:
    """As Alertmanager refuses it."""
    with pytest.raises(PayloadError, match=r"^\[0\]\.endsAt: start time must be before end time$"):
        posted(startsAt="2026-11-22T13:00:00Z", endsAt="2026-11-22T12:00:00Z")


@pytest.mark.parametrize(
    "wrap",
    [lambda alert: alert, lambda alert: [alert], lambda alert: {"alerts": [alert]}],
    ids=["one", "list", "alerts"],
)
@pytest.mark.parametrize("flat", [True, False], ids=["flat", "full"])
def test_the_simple_body_is_one_alert_or_many_in_full_or_flat(wrap: object, flat: bool) -> None:
    """All six ways of writing the same alert say the same."""
    alert: dict[str, object] = {"alertname": "DiskFull", "severity": "critical", "summary": "93 %"}
    if not flat:
        alert = {"labels": {"alertname": "DiskFull", "severity": "critical"}, "annotations": {"summary": "93 %"}}
    alert["generatorURL"] = "https://example.org/"
    alert["startsAt"] = "2026-11-22T13:00:00Z"
    assert callable(wrap)

    (report,) = generic.parse(json.dumps(wrap(alert)).encode(), NOW).reports

    assert report.label_set() == {"alertname": "DiskFull", "severity": "critical"}
    assert report.annotation_set() == {"summary": "93 %"}
    assert report.generator_url == "https://example.org/"
    assert report.starts_at == NOW - timedelta(hours=1)
    assert report.ends_at is None


def test_a_flat_alert_can_resolve() -> None:
    """`status` means the same in both forms."""
    (report,) = generic.parse(b'{"alertname": "DiskFull", "status": "resolved"}', NOW).reports

    assert report.ends_at == NOW


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"[]", "$: expected at least one alert"),
        (b'"text"', "$: expected array, got string"),
        (b'{"alerts": 3}', "alerts: expected array, got number"),
        (b'{"text": "hello"}', "$: expected `labels`, or a flat object with `alertname`"),
        (b'{"alertname": "x", "value": 3}', "value: expected string, got number"),
        (b'[{"alertname": "x", "startsAt": "now"}]', "[0].startsAt: invalid RFC3339 encoded datetime"),
        (b'{"labels": {"a": "b"}, "status": "bad"}', "status: invalid enum value 'bad'"),
        (b'{"labels": {"a": "b"}', "$: not JSON (line 1, column 22)"),
    ],
)
def test_a_simple_body_that_cannot_be_read_is_refused_with_the_path_of_its_fault(raw: bytes, fault: str) -> None:
    """The author of the script sees what to mend."""
    with pytest.raises(PayloadError) as refused:
        generic.parse(raw, NOW)

    assert str(refused.value) == fault

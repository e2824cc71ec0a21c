"""Alertmanager's webhook: bodies recorded from Alertmanager 0.25, and what each of their fields means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alertrouter import events
from alertrouter.alert import AlertReport, alertmanager_fingerprint
from alertrouter.errors import PayloadError
from alertrouter.sources import alertmanager

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"


def body(**alert: object) -> bytes:
    """Give a body with one alert, firing unless told otherwise."""
    full = {"status": "firing", "labels": {"alertname": "DiskFull"}, "endsAt": "0001-01-01T00:00:00Z"} | alert
    return json.dumps({"version": "4", "alerts": [full]}).encode()


def only(raw: bytes) -> AlertReport:
    """Read a body that holds one alert."""
    (report,) = alertmanager.parse(raw, NOW).reports
    return report


def test_a_recorded_firing_body_gives_every_alert_with_alertmanagers_own_fingerprint() -> None:
    """Labels, annotations, links and nanosecond times of a real body arrive as they were sent."""
    raw = (PAYLOADS / "alertmanager_firing.json").read_bytes()

    first, second = alertmanager.parse(raw, NOW).reports

    assert [alertmanager_fingerprint(report.label_set()) for report in (first, second)] == [
        "1f025d12f51a5be3",
        "d48bed11262dbc10",
    ]
    assert first.annotation_set()["summary"] == 'p99 latency is 4.2 s <&> "slow" 🙂'
    assert first.starts_at == datetime(2026, 11, 22, 13, 1, 19, 123457, tzinfo=UTC)
    assert first.ends_at is None
    assert first.generator_url == "http://prometheus.example.org/graph?g0.expr=up"
    assert second.annotation_set() == {}


def test_a_recorded_body_may_hold_firing_and_resolved_alerts() -> None:
    """Each alert says for itself whether it fires; the status of the group is not asked."""
    raw = (PAYLOADS / "alertmanager_partly_resolved.json").read_bytes()

    over, on = alertmanager.parse(raw, NOW).reports

    assert over.ends_at == datetime(2026, 11, 22, 13, 1, 23, tzinfo=UTC)
    assert on.ends_at is None


@pytest.mark.parametrize("ends_at", ["0001-01-01T00:00:00Z", None, "2026-11-22T13:59:59Z", "9999-12-31T23:59:59-05:00"])
def test_a_firing_alert_whose_end_is_absent_or_past_has_no_end(ends_at: str | None) -> None:
    """A past end on a firing alert is a wrong clock, not a resolve."""
    assert only(body(endsAt=ends_at)).ends_at is None


def test_a_firing_alert_keeps_an_end_that_lies_ahead() -> None:
    """It ends by itself then."""
    assert only(body(endsAt="2026-11-22T14:05:00Z")).ends_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("ends_at", "expected"),
    [
        ("2026-11-22T13:59:00Z", NOW - timedelta(minutes=1)),
        ("2026-11-22T14:59:00Z", NOW),
        ("0001-01-01T00:00:00Z", NOW),
        (None, NOW),
    ],
)
def test_a_resolved_alert_ended_now_at_the_latest(ends_at: str | None, expected: datetime) -> None:
    """A sender whose clock is ahead can't resolve in the future."""
    assert only(body(status="resolved", endsAt=ends_at)).ends_at == expected


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-22T13:00:00.123456789Z", datetime(2026, 11, 22, 13, 0, 0, 123457, tzinfo=UTC)),
        ("2026-11-22T18:30:00+05:30", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("2026-11-22T01:30:00-11:30", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("2026-11-22t13:00:00z", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", NOW),
        ("2026-11-22T15:00:00Z", NOW),
        (None, NOW),
    ],
)
def test_times_are_read_in_any_offset_and_precision(written: str | None, read: datetime) -> None:
    """No start, or one in the future, means now."""
    assert only(body(startsAt=written)).starts_at == read


def test_labels_without_a_value_are_dropped_and_empty_annotations_kept() -> None:
    """A label with an empty value is the same as no label."""
    report = only(body(labels={"alertname": "E", "x": ""}, annotations={"summary": ""}))

    assert report.label_set() == {"alertname": "E"}
    assert report.annotation_set() == {"summary": ""}


def test_an_alert_without_a_status_fires_until_its_end() -> None:
    """Bodies written by hand need only labels."""
    firing = only(b'{"alerts":[{"labels":{"a":"b"}}]}')
    over = only(b'{"alerts":[{"labels":{"a":"b"},"endsAt":"2026-11-22T13:00:00Z"}]}')

    assert firing.ends_at is None
    assert over.ends_at == datetime(2026, 11, 22, 13, tzinfo=UTC)


def test_ten_thousand_alerts_are_read_from_one_body() -> None:
    """A big group is one body."""
    alerts = [{"status": "firing", "labels": {"alertname": "Down", "instance": f"i{n}"}} for n in range(10_000)]

    parsed = alertmanager.parse(json.dumps({"alerts": alerts}).encode(), NOW)

    assert len({bytes(report.labels) for report in parsed.reports}) == 10_000


def test_reports_survive_the_journal() -> None:
    """What was read can be packed and unpacked as an event, without a difference."""
    reports = alertmanager.parse((PAYLOADS / "alertmanager_firing.json").read_bytes(), NOW).reports

    back = events.decode(events.encode(events.AlertsReceived(at=NOW, actor="a", key="k", alerts=reports)))

    assert isinstance(back, events.AlertsReceived)
    assert msgspec.msgpack.encode(back.alerts) == msgspec.msgpack.encode(reports)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "$: not JSON (line 1, column 1)"),
        (b'{"a": oops}', "$: not JSON (line 1, column 7)"),
        (b'{\n  "alerts": [{"labels": {"a": "b"}}],\n  "x": NaN\n}', "$: not JSON (line 3, column 8)"),
        (b'{"alerts": [{"labels"', "$: not JSON (line 1, column 22)"),
        (b"[]", "$: expected object, got array"),
        (b"{}", "alerts: missing"),
        (b'{"alerts": null}', "alerts: expected array, got null"),
        (b'{"alerts": []}', "alerts: expected at least one alert"),
        (b'{"alerts": [3]}', "alerts[0]: expected object, got number"),
        (b'{"alerts": [{}]}', "alerts[0].labels: missing"),
        (b'{"alerts": [{"labels": []}]}', "alerts[0].labels: expected object, got array"),
        (b'{"alerts": [{"labels": {"a": "b", "c": 1}}]}', "alerts[0].labels.c: expected string, got number"),
        (b'{"alerts": [{"labels": {"a": ""}}]}', "alerts[0].labels: at least one label pair required"),
        (
            b'{"alerts": [{"labels": {"a": "b"}, "startsAt": 1}]}',
            "alerts[0].startsAt: expected RFC 3339 time, got number",
        ),
        (b'{"alerts": [{"labels": {"a": "b"}, "status": "on"}]}', "alerts[0].status: invalid enum value 'on'"),
        (b'{"alerts": [{"labels": {"a": NaN}}]}', "alerts[0]: not JSON (line 1, column 30)"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_path_of_its_first_fault(raw: bytes, fault: str) -> None:
    """The sender's log then says what to mend."""
    with pytest.raises(PayloadError) as refused:
        alertmanager.parse(raw, NOW)

    assert str(refused.value) == fault


@pytest.mark.parametrize(
    ("alert", "fault"),
    [
        ({"labels": {"n" * 1025: "v"}}, "alerts[0].labels: a name of 1025 characters, expected 1 to 1024"),
        ({"labels": {"": "v"}}, "alerts[0].labels: a name of 0 characters, expected 1 to 1024"),
        ({"labels": {"n": "v" * 8193}}, "alerts[0].labels.n: 8193 characters, expected at most 8192"),
        ({"labels": {f"n{i}": "v" for i in range(129)}}, "alerts[0].labels: 129 of them, expected at most 128"),
        ({"annotations": {"a": "x" * 65537}}, "alerts[0].annotations.a: 65537 characters, expected at most 65536"),
        ({"generatorURL": "x" * 8193}, "alerts[0].generatorURL: 8193 characters, expected at most 8192"),
    ],
    ids=["name", "no name", "value", "labels", "annotation", "link"],
)
def test_an_alert_beyond_a_limit_is_refused(alert: dict[str, object], fault: str) -> None:
    """Sizes are bounded at the door; one less would pass."""
    with pytest.raises(PayloadError) as refused:
        alertmanager.parse(body(**alert), NOW)

    assert str(refused.value) == fault


def test_an_alert_at_every_limit_is_read() -> None:
    """The limits themselves are allowed."""
    labels = {f"{i:01024}": "v" * 8192 for i in range(128)}

    report = only(body(labels=labels, annotations={"a": "x" * 65536}, generatorURL="x" * 8192))

    assert report.label_set() == labels

"""Whatever a body holds: nothing but `PayloadError` comes out, and a bad alert never costs its neighbours."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter import events
from alertrouter.errors import PayloadError
from alertrouter.sources import Parsed, alertmanager, generic, grafana, prometheus

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
Parse = Callable[[bytes, datetime], Parsed]
Wrap = Callable[[list[bytes]], bytes]


def as_object(alerts: list[bytes]) -> bytes:
    """Lay alerts out as a webhook does."""
    return b'{"status": "firing", "alerts": [' + b",".join(alerts) + b'], "version": "4"}'


def as_list(alerts: list[bytes]) -> bytes:
    """Lay alerts out as Prometheus does."""
    return b"[" + b", ".join(alerts) + b"]"


FORMS: list[tuple[Parse, Wrap]] = [
    (alertmanager.parse, as_object),
    (grafana.parse, as_object),
    (generic.parse, as_object),
    (generic.parse, as_list),
    (prometheus.parse, as_list),
]
IDS = ["alertmanager", "grafana", "generic object", "generic list", "prometheus"]

BAD: dict[str, bytes] = {
    "number": b"3",
    "null": b"null",
    "no labels": b"{}",
    "labels are a list": b'{"labels": []}',
    "labels are null": b'{"labels": null}',
    "a label is a number": b'{"labels": {"a": 1}}',
    "a label is null": b'{"labels": {"a": null}}',
    "a label is NaN": b'{"labels": {"a": NaN}}',
    "only empty labels": b'{"labels": {"a": ""}}',
    "a nameless label": b'{"labels": {"": "a"}}',
    "annotations are a text": b'{"labels": {"a": "b"}, "annotations": "x"}',
    "a time that is none": b'{"labels": {"a": "b"}, "startsAt": "yesterday"}',
    "a time beyond the calendar": b'{"labels": {"a": "b"}, "endsAt": "10000-01-01T00:00:00Z"}',
    "a huge label": b'{"labels": {"a": "' + b"x" * 100_000 + b'"}}',
    "a huge number as a label": b'{"labels": {"a": ' + b"9" * 100_000 + b"}}",
    "a thousand labels": json.dumps({"labels": {f"l{n}": "v" for n in range(1000)}}).encode(),
    "a control character": b'{"labels": {"a": "\x01"}}',
    "a bad escape": b'{"labels": {"a": "\\x41"}}',
    "deep arrays": b'{"labels": {"a": "b"}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"labels": {"a": "b"}, "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "labels given twice, badly": b'{"labels": {"a": "b"}, "labels": 3}',
    "brackets that cross": b'{"labels": {"a": "b"]}',
    "two values, no comma": b'{"labels": {"a": "b"}} {"labels": {"a": "b"}}',
    "nothing": b"",
}
GOOD = [b'{"labels": {"alertname": "First"}}', b'{"labels": {"alertname": "Second", "quote": "\\"[{,"}}']


def names(parsed: Parsed) -> list[str]:
    """Give the alert names that were read."""
    return [report.label_set().get("alertname", "") for report in parsed.reports]


@pytest.mark.parametrize(("parse", "wrap"), FORMS, ids=IDS)
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_alert_is_set_aside_with_its_reason_and_its_neighbours_pass(parse: Parse, wrap: Wrap, bad: bytes) -> None:
    """Wherever it stands, it is the only one that is lost, and it is kept to be looked at."""
    parsed = parse(wrap([GOOD[0], bad, GOOD[1]]), NOW)

    assert names(parsed) == ["First", "Second"]
    (aside,) = parsed.set_aside
    assert aside.index == 1
    assert "[1]" in aside.reason
    assert len(aside.reason) <= 400
    assert aside.raw == bad[: 16 * 1024]


@pytest.mark.parametrize(("parse", "wrap"), FORMS, ids=IDS)
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_body_with_nothing_but_a_bad_alert_is_refused(parse: Parse, wrap: Wrap, bad: bytes) -> None:
    """Its sender must hear of it."""
    if wrap([bad]).replace(b" ", b"") == b"[]" and parse is prometheus.parse:
        assert parse(wrap([bad]), NOW) == Parsed(())
        return

    with pytest.raises(PayloadError):
        parse(wrap([bad]), NOW)


@pytest.mark.parametrize(("parse", "wrap"), FORMS, ids=IDS)
@pytest.mark.parametrize(
    "raw",
    [rb'{"labels": {"alertname": "a\ud800b"}}', b'{"labels": {"alertname": "a\xffb"}}'],
    ids=["lone surrogate", "invalid UTF-8"],
)
def test_text_that_is_no_unicode_is_mended_as_alertmanager_does(parse: Parse, wrap: Wrap, raw: bytes) -> None:
    """A page that names its host badly is better than none."""
    assert names(parse(wrap([GOOD[0], raw]), NOW)) == ["First", "a\ufffdb"]


def test_escapes_that_are_right_are_left_alone_when_others_are_mended() -> None:
    """Only what is no Unicode is touched: pairs of surrogates and escaped backslashes stay."""
    raw = rb'{"labels": {"alertname": "\ud83d\ude42 \\ud800 \" \udc00"}}'

    assert names(prometheus.parse(as_list([raw]), NOW)) == ['🙂 \\ud800 " \ufffd']


def test_the_last_of_two_members_of_one_name_counts() -> None:
    """As in Go; also when a bad alert makes us look at each by itself."""
    twice = b'{"alerts": [{"labels": {"a": "1"}}], "alerts": [{"labels": {"alertname": "x", "alertname": "y"}}%s]}'

    whole = alertmanager.parse(twice % b"", NOW)
    apart = alertmanager.parse(twice % b", 3", NOW)

    assert names(whole) == names(apart) == ["y"]


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'{"alerts":' * 100_000,
        b'{"alerts":[' * 100_000,
        b'"' + b'\\"' * 1_000_000,
        b'{"alerts":[{"' + b'\\"' * 1_000_000,
        b"[" + b"," * 100_000 + b"]",
        b"\xef\xbb\xbf[]",
        "[]".encode("utf-16"),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
    ids=range(10),
)
@pytest.mark.parametrize(("parse", "wrap"), FORMS, ids=IDS)
def test_bodies_made_to_hurt_are_refused(parse: Parse, wrap: Wrap, raw: bytes) -> None:
    """In time that grows with their size and no faster; the quadratic ways end in the time-out of the tests."""
    with pytest.raises(PayloadError):
        parse(raw, NOW)


def test_of_very_many_bad_alerts_all_are_counted_and_the_first_kept() -> None:
    """A body can hold millions; what they cost is bounded, and the good one among them passes."""
    parsed = prometheus.parse(b"[" + b"," * 300_000 + GOOD[0] + b"]", NOW)

    assert names(parsed) == ["First"]
    assert (parsed.bad, len(parsed.set_aside)) == (300_000, 100)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.just("2026-11-22T13:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["alerts", "labels", "annotations", "status", "startsAt", "endsAt", "generatorURL", "alertname"]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(value=json_values, form=st.sampled_from(FORMS))
def test_any_json_gives_reports_that_can_be_journalled_or_a_refusal(value: object, form: tuple[Parse, Wrap]) -> None:
    """Nothing else can come out of a parser, whatever comes in."""
    parse, _ = form

    try:
        parsed = parse(json.dumps(value).encode(), NOW)
    except PayloadError:
        return

    event = events.AlertsReceived(at=NOW, actor="a", key="k", alerts=parsed.reports)
    assert isinstance(events.decode(events.encode(event)), events.AlertsReceived)
    assert all(report.starts_at <= NOW and report.label_set() for report in parsed.reports)


@given(
    raw=st.binary(max_size=200) | st.text('[]{}",:\\ u0d8an1', max_size=60).map(str.encode), form=st.sampled_from(FORMS)
)
def test_any_bytes_are_read_or_refused(raw: bytes, form: tuple[Parse, Wrap]) -> None:
    """Also those that only look like JSON."""
    parse, wrap = form

    for body in (raw, wrap([raw])):
        with suppress(PayloadError):
            parse(body, NOW)


@given(value=json_values, form=st.sampled_from(FORMS), place=st.integers(0, 2))
def test_good_neighbours_survive_any_alert(value: object, form: tuple[Parse, Wrap], place: int) -> None:
    """Whatever one alert is, the two beside it are read."""
    parse, wrap = form
    alerts = list(GOOD)
    alerts.insert(place, json.dumps(value).encode())

    parsed = parse(wrap(alerts), NOW)

    read = names(parsed)
    assert [name for name in read if name in ("First", "Second")] == ["First", "Second"]
    assert len(parsed.reports) + parsed.bad == 3

"""What Slack, PagerDuty and a webhook get is what Alertmanager sent them, but for what is ours on purpose.

A recorded configuration is imported, its alerts live through the engine, and the notifiers post to a real server. Each
recorded request is compared with ours, in every field and both ways: a field that neither matches nor stands in a table
of `on_purpose` is a failure, and so is a line of a table that isn't true any more. The clock is ours: nothing waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import AlertsReceived, Event, PolicyActivated
from alertrouter.notice import Notice
from alertrouter.notifiers import notifier_for
from alertrouter.policy.alertmanager.conversion import Conversion, convert
from alertrouter.policy.load import load
from alertrouter.render import Renderer
from alertrouter.settings import from_environment
from alertrouter.simulate.acts import settled
from alertrouter.sources import prometheus
from tests.conformance.conftest import recorded
from tests.conformance.on_purpose import ABSENT, BY_HAND, ON_PURPOSE, SAID_BESIDES, Otherwise
from tests.notifiers.far_sides import PATIENT, Cards
from tests.standins import HttpStandIn

START: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
FILE: Final = "receiver_payloads.json"


class Request(msgspec.Struct):
    """A request that Alertmanager sent."""

    path: str
    content_type: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """How pytest names it."""
        return self.path.strip("/")


class Recording(msgspec.Struct):
    """A configuration, what was posted, and what the receivers got."""

    config: str
    external_url: str
    posted_firing: list[dict[str, Any]]
    posted_resolved: list[dict[str, Any]]
    requests: list[Request]


class Life:
    """The imported policy with an engine, and notifiers that post to `far`; the clock is moved by a test."""

    def __init__(self, conversion: Conversion, directory: Path, far: HttpStandIn, external_url: str) -> None:
        for name, text in conversion.templates.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8")
        self._renderer = Renderer(directory / "templates")
        secrets = {one.name: one.value or "" for one in conversion.secrets}
        environ = {**conversion.variables, **secrets, **BY_HAND, "ALERTROUTER_EXTERNAL_URL": external_url}
        self._settings = from_environment(environ)
        self._policy = load(conversion.files)
        self._integrations = {
            one.id: one for receiver in self._policy.receivers.values() for one in receiver.integrations
        }
        self._alerts: dict[Fingerprint, Alert] = {}
        self._owed: list[Delivery] = []
        self._far = far
        self._now = START
        self._engine = Engine(EngineState(), now=START)
        revision, files = self._policy.revision, dict(conversion.files)
        self._take(PolicyActivated(at=START, actor="test", key="policy", revision=revision, files=files))

    def post(self, alerts: list[dict[str, Any]]) -> Mapping[str, dict[str, Any]]:
        """Post alerts in Prometheus's form, wait for a minute, and give what came of it by where it was sent."""
        before = len(self._far.received)
        parsed = prometheus.parse(json.dumps(alerts).encode(), self._now, self._settings.resolve_timeout)
        assert not parsed.set_aside, parsed.set_aside
        key = f"post-{before}"
        self._take(AlertsReceived(at=self._now, actor="prometheus", key=key, alerts=parsed.reports))
        self._now += timedelta(minutes=1)
        self._keep(self._engine.advance(self._now))
        while self._owed:
            self._send(self._owed.pop(0))
        return {
            one.path: {"path": one.path, "content-type": one.headers["content-type"], **one.json}
            for one in self._far.received[before:]
        }

    def _take(self, event: Event) -> None:
        self._keep(self._engine.apply(event))

    def _keep(self, changes: Changes) -> None:
        self._alerts.update({name: alert for name, alert in changes.alerts.items() if alert is not None})
        self._owed += changes.deliveries

    def _send(self, delivery: Delivery) -> None:
        notice = Notice.of(
            delivery,
            self._alerts,
            severity_count=len(self._policy.severities),
            external_url=self._settings.external_url,
            now=self._now,
        )
        integration = self._integrations[delivery.destination]
        with closing(notifier_for(integration, self._settings, self._renderer, Cards(), patience=PATIENT)) as notifier:
            sent = notifier.send(notice)
        self._take(replace(settled(delivery, self._now, Outcome.SENT), reference=sent.reference))


@dataclass(frozen=True)
class Lived:
    """What came of a recording: what the import said, and what was sent while it fired and at its end."""

    conversion: Conversion
    firing: Mapping[str, dict[str, Any]]
    resolved: Mapping[str, dict[str, Any]]


@cache
def _lived() -> Lived:
    recording = recorded(FILE, Recording)
    with HttpStandIn() as far, TemporaryDirectory() as directory:
        conversion = convert("alertmanager.yml", recording.config.replace("{port}", str(far.port)))
        assert not conversion.problems, conversion.problems
        life = Life(conversion, Path(directory), far, recording.external_url)
        return Lived(conversion, life.post(recording.posted_firing), life.post(recording.posted_resolved))


@pytest.mark.conformance(FILE, Request, under="requests")
def test_receivers_get_what_alertmanager_sent_them(case: Request) -> None:
    """Field by field; what is ours on purpose is exactly what the tables say."""
    lived = _lived()
    attachment = case.body.get("attachments", [{}])[0]
    ended = attachment.get("color") == "good" or case.body.get("status") == "resolved"
    ours = (lived.resolved if ended else lived.firing)[_where(case)]
    theirs = {"path": case.path, "content-type": case.content_type, **case.body}

    assert list(differences(theirs, ours, ON_PURPOSE[case.path])) == []


@pytest.mark.conformance(FILE, Request, under="requests")
def test_the_import_says_which_of_its_keys_are_left_out(case: Request) -> None:
    """What people wrote for a receiver and it doesn't get is in the report, and nothing that it does get."""
    kind = {"/slack": "slack", "/pd": "pagerduty", "/wh": "webhook"}[case.path]
    reported = {note.key.removeprefix("receivers[all].") for note in _lived().conversion.notes}

    expected = {one.said for one in ON_PURPOSE[case.path].values() if one.said}
    expected |= {key for key in SAID_BESIDES if key.startswith(f"{kind}_configs")}
    assert {key for key in reported if key.startswith(f"{kind}_configs")} == expected


@pytest.mark.conformance(FILE, Request, under="requests")
def test_whoever_was_told_of_the_fire_is_told_of_its_end(case: Request) -> None:
    """Each of the three, in its way of saying so."""
    where = _where(case)
    fire, end = _lived().firing[where], _lived().resolved[where]

    match case.path:
        case "/pd":
            assert (fire["event_action"], end["event_action"]) == ("trigger", "resolve")
            assert fire["dedup_key"] == end["dedup_key"]
        case "/wh":
            assert end.keys() == fire.keys()
            assert [alert["endsAt"] for alert in end["alerts"]] == ["2024-03-05T11:00:00Z"] * 2
        case _:
            assert fire["text"].startswith("🔴 DiskFull · 2 firing")
            assert end["text"].startswith("✅ DiskFull is over")


@pytest.mark.parametrize(
    ("theirs", "ours", "table", "wrong"),
    [
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}]}, {}, []),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, {}, ["a[0].b: 1 became 2"]),
        ({"a": "2"}, {"a": 2}, {}, ["a: '2' became 2"]),
        ({"a": 1}, {"a": True}, {}, ["a: 1 became True"]),
        ({"a": 1, "b": 1}, {"a": 1}, {}, ["b: 1 became not there"]),
        ({"a": 1}, {"a": 1, "b": 1}, {}, ["b: not there became 1"]),
        ({"a": [1, 2]}, {"a": [1]}, {}, ["a: [1, 2] became [1]"]),
        ({"a": 1}, {"a": 2}, {"a": Otherwise(2, "why")}, []),
        ({"a": 1}, {"a": 3}, {"a": Otherwise(2, "why")}, ["a: 1 became 3, on purpose it becomes 2"]),
        ({"a": 1}, {"a": 1}, {"a": Otherwise(1, "why")}, ["a: stands in the table, and is as Alertmanager sends it"]),
        ({"a": 1}, {"a": 1}, {"b": Otherwise(1, "why")}, ["b: stands in the table, and nobody sends it"]),
    ],
)
def test_a_field_that_neither_matches_nor_is_listed_is_found(
    theirs: dict[str, Any], ours: dict[str, Any], table: dict[str, Otherwise], wrong: list[str]
) -> None:
    """The comparison itself can fail, both ways, and a table doesn't outlive its reason."""
    assert list(differences(theirs, ours, table)) == wrong


def _where(case: Request) -> str:
    """The path to which we send what Alertmanager sent to that of the case."""
    table = ON_PURPOSE[case.path]
    return str(table["path"].ours) if "path" in table else case.path


def differences(theirs: object, ours: object, table: Mapping[str, Otherwise]) -> Iterator[str]:
    """Give each field that is not as it was recorded, nor as the table has it, and each line of it that is idle."""
    seen: set[str] = set()
    yield from _compared("", theirs, ours, table, seen)
    yield from (f"{path}: stands in the table, and nobody sends it" for path in table if path not in seen)


def _compared(path: str, theirs: object, ours: object, table: Mapping[str, Otherwise], seen: set[str]) -> Iterator[str]:
    if path in table:
        seen.add(path)
        wanted = table[path].ours
        if _same(theirs, ours):
            yield f"{path}: stands in the table, and is as Alertmanager sends it"
        elif not _same(wanted, ours):
            yield f"{path}: {theirs!r} became {ours!r}, on purpose it becomes {wanted!r}"
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        for name in [*theirs, *(name for name in ours if name not in theirs)]:
            inner = f"{path}.{name}".lstrip(".")
            yield from _compared(inner, theirs.get(name, ABSENT), ours.get(name, ABSENT), table, seen)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for place, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _compared(f"{path}[{place}]", one, other, table, seen)
    elif not _same(theirs, ours):
        yield f"{path}: {theirs!r} became {ours!r}"


def _same(one: object, other: object) -> bool:
    """Equal as JSON, where `1`, `1.0` and `true` are not the same; the order of keys is none."""
    if ABSENT in (one, other):
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

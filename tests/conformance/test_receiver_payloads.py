"""What Slack, PagerDuty and a webhook get is what Alertmanager sent them, but for what is ours on purpose.

A recorded configuration is imported, its alerts live through the engine, and the notifiers post to a real server. Each
recorded request is compared with ours, in every field and both ways: a field that neither matches nor stands in a table
below is a failure, and so is a line of a table that isn't true any more. The clock is ours, so that nothing waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pytest

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import AlertsReceived, DeliverySettled, Event, PolicyActivated
from alertrouter.notice import Notice
from alertrouter.notifiers import notifier_for
from alertrouter.policy.alertmanager.conversion import Conversion, convert
from alertrouter.policy.load import load
from alertrouter.render import Renderer
from alertrouter.settings import from_environment
from alertrouter.sources import prometheus
from tests.conformance.conftest import recorded
from tests.notifiers.far_sides import PATIENT, Cards
from tests.standins import HttpStandIn

START: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
FILE: Final = "receiver_payloads.json"


class _Absent(Enum):
    ABSENT = "not there"

    def __repr__(self) -> str:
        """Say it in a failure."""
        return self.value


ABSENT: Final = _Absent.ABSENT


@dataclass(frozen=True)
class Otherwise:
    """What we send in the place of what Alertmanager sent, and why.

    `said` is the key of the configuration that an import reports: what people wrote must not be lost in silence.
    """

    ours: object
    why: str
    said: str = ""


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


_BLOCKS: Final = "the message is made of blocks, in which all of this has its place"
_CHARSET: Final = "the same type; Slack warns of one without a charset"
_SINCE: Final = "<!date^1709632800^{date_short_pretty} {time}|2024-03-05 10:00 UTC>"
_OPENED: Final = "<!date^1772445600^{date_short_pretty} {time}|2026-03-02 10:00 UTC>"
_PAGE: Final = "http://am.example.org/pre/incidents/INC-1"
_SOURCE: Final = "http://prom.example.org/g?x=1"


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _markdown(text)}


def _markdown(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text}


def _details(instance: str, number: str) -> dict[str, object]:
    shared = {"alertname": "DiskFull", "cluster": "c1", "component": "db", "severity": "critical", "team": "core"}
    return {
        "labels": {**shared, "instance": instance},
        "annotations": {"summary": 'disk <full> & "hot"', "d": number},
        "starts_at": "2024-03-05T10:00:00+00:00",
        "source": _SOURCE,
    }


SLACK: Final[Mapping[str, Otherwise]] = {
    "content-type": Otherwise("application/json; charset=utf-8", _CHARSET),
    "username": Otherwise(ABSENT, "the look of the sender is the Slack app's own"),
    "text": Otherwise('✅ DiskFull is over: *disk &lt;full&gt; &amp; "hot"*', "what a phone shows of the message"),
    "blocks": Otherwise(
        [{"type": "header", "text": {**_plain("✅ DiskFull is over"), "emoji": True}}], "the headline is a block"
    ),
    "attachments[0].title": Otherwise(ABSENT, _BLOCKS),
    "attachments[0].title_link": Otherwise(ABSENT, "the incident's number leads to its page"),
    "attachments[0].text": Otherwise(ABSENT, _BLOCKS),
    "attachments[0].fallback": Otherwise(ABSENT, "`text` is what a phone shows"),
    "attachments[0].callback_id": Otherwise(ABSENT, "blocks have an `action_id` instead"),
    "attachments[0].fields": Otherwise(ABSENT, "they are a block"),
    "attachments[0].actions": Otherwise(ABSENT, "links are a block, other buttons our own", "slack_configs.actions"),
    "attachments[0].footer": Otherwise(ABSENT, _BLOCKS),
    "attachments[0].mrkdwn_in": Otherwise(ABSENT, "each block says itself whether it is markup"),
    "attachments[0].color": Otherwise("#12a150", "our own green; `good` is Slack's"),
    "attachments[0].blocks": Otherwise(
        [
            _section('*disk &lt;full&gt; &amp; "hot"*'),
            {"type": "section", "fields": [_markdown("*Cluster*: c1"), _markdown("*N*: 2")]},
            _section(f"✓ `instance=i1` began {_SINCE}, over after 1h\n✓ `instance=i2` began {_SINCE}, over after 1h"),
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "open_runbook",
                        "text": _plain("Runbook"),
                        "url": "https://rb.example.org/DiskFull",
                    }
                ],
            },
            {
                "type": "context",
                "elements": [_markdown(f"critical · cluster c1 · <{_PAGE}|INC-1> · to all · since {_OPENED}")],
            },
        ],
        "what the alerts say, the fields, each alert's times, the link that the file has, the way to the incident",
    ),
    "unfurl_links": Otherwise(False, "no preview of a link hides the message"),
    "unfurl_media": Otherwise(False, "no preview of a link hides the message"),
}

PAGERDUTY: Final[Mapping[str, Otherwise]] = {
    "path": Otherwise("/pd/v2/enqueue", "`PAGERDUTY_EVENTS_URL` is where the Events API is", "pagerduty_configs.url"),
    "dedup_key": Otherwise(
        "alertrouter/ar/INC-1/1772445600/all/pagerduty",
        "one alert in PagerDuty for each incident: a group that burns again later is another one",
    ),
    "client": Otherwise("alertrouter", "who sent it"),
    "client_url": Otherwise(_PAGE, "leads to the incident's own page"),
    "images": Otherwise(ABSENT, "a notice has no pictures", "pagerduty_configs.images"),
    "payload.summary": Otherwise(
        'DiskFull (2 firing): disk <full> & "hot" cluster=c1', "the built-in text says what is wrong, too"
    ),
    "payload.source": Otherwise("all", "the instance or service, when the alerts share one; else the receiver"),
    "payload.timestamp": Otherwise("2026-03-02T10:00:00+00:00", "when the incident was opened"),
    "payload.custom_details.extra": Otherwise(ABSENT, "the details are our own", "pagerduty_configs.details"),
    "payload.custom_details.firing": Otherwise(
        [_details("i1", "1"), _details("i2", "2")], "as objects, which Alertmanager sends from 0.34 on"
    ),
    "payload.custom_details.num_firing": Otherwise(2, "a number, as from 0.34 on"),
    "payload.custom_details.num_resolved": Otherwise(0, "a number, as from 0.34 on"),
    "payload.custom_details.resolved": Otherwise([], "as objects, which Alertmanager sends from 0.34 on"),
    "payload.custom_details.incident": Otherwise("INC-1", "what people acknowledge it by"),
    "payload.custom_details.receiver": Otherwise("all", "whom the policy tells"),
    "payload.custom_details.group": Otherwise({"alertname": "DiskFull", "cluster": "c1"}, "the labels of the group"),
    "payload.custom_details.not_shown": Otherwise(0, "how many alerts PagerDuty's limit has cut"),
}

WEBHOOK: Final[Mapping[str, Otherwise]] = {
    "content-type": Otherwise("application/json; charset=utf-8", _CHARSET),
    "notification_reason": Otherwise("first notification", "a key that Alertmanager has from 0.34 on"),
    "routeLabels": Otherwise({}, "a key that Alertmanager has from 0.32 on"),
}

ON_PURPOSE: Final = {"/slack": SLACK, "/pd": PAGERDUTY, "/wh": WEBHOOK}
"""What is ours on purpose, by the path of the recorded request; docs/alertmanager-compatibility.md lists it too."""

BY_HAND: Final = {"SLACK_CHANNEL_ALL": "#core"}
"""The variables that the import asks people for, and how they would answer here."""

SAID_BESIDES: Final = {"slack_configs.channel"}
"""What the report says that changes no field once a person has followed it."""


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
        self._take(
            DeliverySettled(
                at=self._now,
                actor="worker",
                key=f"{delivery.id}-settled",
                delivery=delivery.id,
                incident=delivery.incident,
                destination=delivery.destination,
                outcome=Outcome.SENT,
                reference=sent.reference,
            )
        )


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

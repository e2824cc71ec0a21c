"""Who is told what and when is as in Alertmanager: each recorded timeline, imported and lived on a virtual clock.

A configuration is imported, alerts are posted in Prometheus's form, and what the webhooks are sent is compared with
what Alertmanager sent. Everything but the wire is the real thing; the clock is ours, so that nothing waits.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from alertrouter.alert import Alert, Fingerprint
from alertrouter.delivery import Delivery, Outcome
from alertrouter.engine.changes import Changes
from alertrouter.engine.engine import Engine
from alertrouter.engine.state import EngineState
from alertrouter.events import AlertsReceived, Event, PolicyActivated, SilenceExpired, SilenceSet
from alertrouter.notice import Notice
from alertrouter.notifiers.webhook import Alert as BodyAlert
from alertrouter.notifiers.webhook import Body, body
from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.load import load
from alertrouter.policy.receiver import WebhookOptions
from alertrouter.settings import from_environment
from alertrouter.silence import SilenceMatcher
from alertrouter.simulate.acts import settled
from alertrouter.sources import prometheus

START: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
STEP: Final = timedelta(milliseconds=50)
"""How finely time passes; each delivery arrives within it."""

AGAIN_AFTER: Final = 1.0
"""Seconds after which the worker tries again what was refused for now (its first pause)."""


class Happening(msgspec.Struct):
    """Something at a second: alerts are posted, a silence is set or ended, a webhook begins to answer otherwise."""

    at: float
    push: list[dict[str, Any]] = []
    silence: dict[str, Any] | None = None
    expire_silence: int | None = None
    webhook: str = ""
    reply: int = 200


class Listed(msgspec.Struct):
    """An alert of a notification; `ends` None: it fires."""

    labels: dict[str, str]
    starts: float | None = None
    ends: float | None = None
    annotations: dict[str, str] = {}


class Expected(msgspec.Struct):
    """A notification, and between which seconds it comes."""

    between: tuple[float, float]
    webhook: str
    alerts: list[Listed]
    status: str = ""


class Timeline(msgspec.Struct):
    """A configuration, what happens, and who is told."""

    id: str
    config: str
    events: list[Happening]
    expect: list[Expected]
    until: float
    tolerance_s: float


class Sent(msgspec.Struct):
    """A webhook's body and the second at which it came."""

    second: float
    webhook: str
    body: Body


OURS: Final = {
    "l09": [
        # No start delay: a router that begins knows what it knew, and an old alert has waited long enough.
        Expected((1, 1.5), "w1", [Listed({"alertname": "test1"}, starts=-100)]),
        Expected(
            (7, 7.5), "w1", [Listed({"alertname": "test1"}, starts=-100), Listed({"alertname": "test2"}, starts=2)]
        ),
    ],
    "l13": [
        # A silence is seen when it begins and when it ends, and not up to a group interval later.
        Expected((2, 2), "w1", [Listed({"alertname": "test1"}, starts=1), Listed({"alertname": "test2"}, starts=1)]),
        Expected((2.5, 2.5), "w1", [Listed({"alertname": "test2"}, starts=1)]),
        Expected((3.5, 3.5), "w1", [Listed({"alertname": "test2"}, starts=1)]),
        Expected(
            (4.5, 4.5), "w1", [Listed({"alertname": "test1"}, starts=1), Listed({"alertname": "test2"}, starts=1)]
        ),
        Expected(
            (5.5, 5.5), "w1", [Listed({"alertname": "test1"}, starts=1), Listed({"alertname": "test2"}, starts=1)]
        ),
    ],
    "l19": [
        Expected((2, 2.5), "w1", [Listed({"alertname": "s"}, starts=1)]),
        # Whoever was told of the fire is told of its end, though it was silenced when it came (issue 226).
        Expected((3.3, 4.5), "w1", [Listed({"alertname": "s"}, starts=1, ends=3.3)]),
    ],
    # 429 is tried again within seconds, and not at the next flush (issue 2205).
    "l23": [Expected((2, 4), "w1", [Listed({"alertname": "q"}, starts=1)])],
}
"""Where alertrouter does otherwise on purpose, and what; `docs/alertmanager-compatibility.md` lists the reasons."""


class Life:
    """One engine under the imported policy, the webhooks it tells, and a clock that a test moves."""

    def __init__(self, config: str) -> None:
        for name in ("w1", "w2"):
            config = config.replace(f"{{{name}}}", f"http://127.0.0.1/{name}")
        conversion = convert("alertmanager.yml", config)
        assert not conversion.problems, conversion.problems
        self._resolve_timeout = from_environment(conversion.variables).resolve_timeout
        policy = load(conversion.files)
        self._webhooks = {
            one.id: one.options.url[-2:]
            for receiver in policy.receivers.values()
            for one in receiver.integrations
            if isinstance(one.options, WebhookOptions)
        }
        self.now = START
        self.sent: list[Sent] = []
        self.replies: dict[str, int] = {}
        self._alerts: dict[Fingerprint, Alert] = {}
        self._owed: list[tuple[datetime, Delivery]] = []
        self._silences: list[str] = []
        self._engine = Engine(EngineState(), now=START)
        revision, files = policy.revision, dict(conversion.files)
        self.take(PolicyActivated(at=START, actor="test", key=revision, revision=revision, files=files))

    def wait(self, second: float) -> None:
        """Time passes; what falls due is decided, and what is owed arrives."""
        until = _at(second)
        while self.now < until:
            self.now = min(until, self.now + STEP)
            self._keep(self._engine.advance(self.now))
            self._deliver()

    def take(self, event: Event) -> None:
        """Something happens now."""
        self._keep(self._engine.apply(event))
        self._deliver()

    def happen(self, happening: Happening, number: int) -> None:
        """Let it be posted, silenced, or answered otherwise."""
        key = f"event-{number}"
        if happening.webhook:
            self.replies[happening.webhook] = happening.reply
        if happening.push:
            parsed = prometheus.parse(
                json.dumps([_posted(alert) for alert in happening.push]).encode(), self.now, self._resolve_timeout
            )
            assert not parsed.set_aside, parsed.set_aside
            self.take(AlertsReceived(at=self.now, actor="prometheus", key=key, alerts=parsed.reports))
        if (asked := happening.silence) is not None:
            self.take(
                SilenceSet(
                    at=self.now,
                    actor="test",
                    key=key,
                    matchers=tuple(
                        SilenceMatcher(one["name"], one["value"], one["isRegex"]) for one in asked["matchers"]
                    ),
                    starts_at=_at(asked["starts"]),
                    ends_at=_at(asked["ends"]),
                    created_by="test",
                )
            )
        if happening.expire_silence is not None:
            silence = self._silences[happening.expire_silence]
            self.take(SilenceExpired(at=self.now, actor="test", key=key, silence=silence))

    def _keep(self, changes: Changes) -> None:
        for name, alert in changes.alerts.items():
            if alert is not None:
                self._alerts[name] = alert
        self._silences += [answer.silence for answer in changes.answers.values() if answer.silence]
        self._owed += [(self.now, delivery) for delivery in changes.deliveries]

    def _deliver(self) -> None:
        """Send what is due, as a worker does; what is refused for now is tried again."""
        while due := [one for one in self._owed if one[0] <= self.now]:
            self._owed.remove(due[0])
            _, delivery = due[0]
            webhook = self._webhooks[delivery.destination]
            if self.replies.get(webhook, 200) != 200:
                self._owed.append((self.now + timedelta(seconds=AGAIN_AFTER), delivery))
                continue
            told = body(Notice.of(delivery, self._alerts, severity_count=3, now=self.now))
            self.sent.append(Sent(second=(self.now - START).total_seconds(), webhook=webhook, body=told))
            self._keep(self._engine.apply(settled(delivery, self.now, Outcome.SENT)))


@pytest.mark.conformance("timeline.json", Timeline)
def test_the_same_notifications_come_at_the_same_times(case: Timeline) -> None:
    """Exactly these are sent, each in its span of time with the alerts that it lists."""
    life = Life(case.config)

    for number, happening in enumerate(case.events):
        life.wait(happening.at)
        life.happen(happening, number)
    life.wait(case.until)

    expected = OURS.get(case.id, case.expect)
    for webhook in ("w1", "w2"):
        came = [one for one in life.sent if one.webhook == webhook]
        due = [one for one in expected if one.webhook == webhook]
        assert [_shown(one.body.alerts) for one in came] == [_listed(one.alerts) for one in due]
        for one, other in zip(came, due, strict=True):
            begins, ends = other.between
            assert begins - case.tolerance_s <= one.second <= ends + case.tolerance_s, (one, other)
            assert one.body.status == (other.status or one.body.status)


def _shown(alerts: list[BodyAlert]) -> list[tuple[object, ...]]:
    """What is compared of alerts that were sent, in an order of its own."""
    shown = [
        (sorted(one.labels.items()), _second(one.starts_at), _second(one.ends_at), sorted(one.annotations.items()))
        for one in alerts
    ]
    return sorted(shown, key=repr)


def _listed(alerts: list[Listed]) -> list[tuple[object, ...]]:
    """The same of alerts that are expected."""
    return sorted(
        ((sorted(one.labels.items()), one.starts, one.ends, sorted(one.annotations.items())) for one in alerts),
        key=repr,
    )


def _second(moment: str) -> float | None:
    """Seconds into the timeline; None is no moment."""
    if moment.startswith("0001-"):
        return None
    return round((datetime.fromisoformat(moment) - START).total_seconds(), 3)


def _at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def _matcher(asked: dict[str, Any]) -> SilenceMatcher:
    return SilenceMatcher(asked["name"], asked["value"], asked["isRegex"])


def _posted(alert: dict[str, Any]) -> dict[str, Any]:
    """As it stands in a POST; the recorded moments are seconds."""
    posted = {"labels": alert["labels"], "annotations": alert.get("annotations", {})}
    if "starts" in alert:
        posted["startsAt"] = _at(alert["starts"]).isoformat()
    if "ends" in alert:
        posted["endsAt"] = _at(alert["ends"]).isoformat()
    return posted

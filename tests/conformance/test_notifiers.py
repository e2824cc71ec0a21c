"""Messages out are what Alertmanager would send, and its answers are read as Alertmanager reads them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from alertrouter.errors import DeliveryError, PermanentFailure, TemporaryFailure
from alertrouter.notice import Notice, NoticeAlert, Status
from alertrouter.notifiers.webhook import body
from alertrouter.policy.receiver import SlackOptions, WebhookOptions
from alertrouter.render.samples import sample_notice
from tests.notifiers.far_sides import made
from tests.standins import Answer, HttpStandIn

STATUSES: tuple[Status, ...] = ("firing", "resolved")


@pytest.mark.conformance("webhook_payload.json", msgspec.Raw, under="sample_0_25")
def test_the_webhook_body_is_what_alertmanager_sends(case: msgspec.Raw) -> None:
    """A notice of the same alerts becomes the body that the real Alertmanager sent, key by key."""
    sent = json.loads(bytes(case))
    notice = _notice(sent)

    ours = json.loads(msgspec.json.encode(body(notice)))

    assert {name: ours[name] for name in sent} == sent
    assert set(ours) - set(sent) == {"notification_reason", "routeLabels"}, "the keys of 0.32 and 0.34"


class SlackCase(msgspec.Struct):
    """An answer with status 200, and what Alertmanager makes of it."""

    status: int
    content_type: str
    body: str
    outcome: str


@pytest.mark.conformance("notify_retry.json", SlackCase, under="slack_body_errors")
def test_slacks_verdict_is_read(case: SlackCase) -> None:
    """Sent, refused for good, or tried again."""
    with HttpStandIn() as slack:
        slack.answer_next(Answer(case.status, case.body.encode(), {"Content-Type": case.content_type}))
        notifier = made(SlackOptions(webhook_url=f"{slack.url}/services/x"), {})
        try:
            notifier.send(sample_notice())
            outcome = "success"
        except PermanentFailure:
            outcome = "failure, not retried"
        except DeliveryError:
            outcome = "failure, retried"
        finally:
            notifier.close()

    assert outcome == case.outcome


@pytest.mark.conformance("notify_retry.json", int, under="retryable_5xx")
def test_server_faults_are_tried_again(case: int) -> None:
    """Every 5xx."""
    with HttpStandIn() as receiver:
        receiver.answer_next(Answer(case))
        notifier = made(WebhookOptions(url=receiver.url), {})

        with pytest.raises(TemporaryFailure):
            notifier.send(sample_notice())

        notifier.close()


def _notice(sent: dict[str, Any]) -> Notice:
    firing, resolved = (
        tuple(_alert(alert, status) for alert in reversed(sent["alerts"]) if alert["status"] == status)
        for status in STATUSES
    )
    return msgspec.structs.replace(
        sample_notice(firing=firing, resolved=resolved, receiver=sent["receiver"]),
        group_labels=sent["groupLabels"],
        group_key=sent["groupKey"],
        external_url=sent["externalURL"],
    )


def _alert(alert: dict[str, Any], status: Status) -> NoticeAlert:
    return msgspec.convert(
        {
            "status": status,
            "labels": alert["labels"],
            "annotations": alert["annotations"],
            "starts_at": alert["startsAt"],
            "ends_at": None if status == "firing" else alert["endsAt"],
            "generator_url": alert["generatorURL"],
        },
        NoticeAlert,
    )

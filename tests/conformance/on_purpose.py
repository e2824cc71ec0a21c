"""What Slack, PagerDuty and a webhook get from us and not from Alertmanager, field by field, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


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

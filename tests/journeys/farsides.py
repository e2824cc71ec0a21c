"""Slack, PagerDuty, a mail server and a webhook receiver, stood in for, and the settings that point to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.standins import Answer, HttpStandIn, MailStandIn, PagerDutyStandIn, Received, SlackStandIn
from tests.waiting import eventually

ROUTING_KEY = "journey-routing-key"

SOON = 30.0
"""Seconds in which what is awaited must come; Prometheus alone takes five until it first knows where to scrape."""

PAUSE = 0.1
"""Seconds in which a slow far side has a message and alertrouter doesn't know it yet."""


@dataclass(frozen=True, slots=True)
class FarSides:
    """All that alertrouter delivers to in a journey."""

    slack: SlackStandIn
    pagerduty: PagerDutyStandIn
    mail: MailStandIn
    webhook: HttpStandIn

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment of an alertrouter that is to deliver to them."""
        return {
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.token,
            "SLACK_MESSAGES_PER_SECOND": "0",
            "PAGERDUTY_EVENTS_URL": self.pagerduty.url,
            "PAGERDUTY_SERVICE_KEY": ROUTING_KEY,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mail.port),
            "SMTP_TLS": "none",
            "SMTP_FROM": "alertrouter@example.com",
            "JOURNEY_WEBHOOK": f"{self.webhook.url}/journey",
        }

    def messages(self) -> int:
        """How many messages have come by HTTP so far."""
        return sum(len(side.received) for side in (self.slack, self.pagerduty, self.webhook))

    def stories(self) -> dict[str, list[str]]:
        """What each channel that people read has been told, in order: `DiskFull fires`, `DiskFull is over`."""
        return {
            "slack": [_slack(one) for one in self.slack.received if "thread_ts" not in one.json],
            "pagerduty": self._pagerduty(),
            "mail": [
                f"{mail.subject} {'fires' if 'firing since' in mail.body('plain') else 'is over'}"
                for mail in self.mail.received
            ],
        }

    def wait_for(self, *story: str) -> None:
        """Wait until each channel has been told all of this, in whatever order; fails when one hears anything else."""

        def all_told() -> bool:
            return all(set(story) <= set(told) for told in self.stories().values())

        eventually(all_told, within=SOON, what=lambda: f"all hear {', '.join(story)}; they heard {self.stories()}")
        wrong = {channel: told for channel, told in self.stories().items() if sorted(told) != sorted(story)}
        assert not wrong, f"expected {', '.join(story)} and no more"

    def _pagerduty(self) -> list[str]:
        names: dict[str, str] = {}
        story = []
        for event in (request.json for request in self.pagerduty.received):
            key = event["dedup_key"]
            over = event["event_action"] == "resolve"
            names.setdefault(key, "an unknown alert" if over else event["payload"]["class"])
            story.append(f"{names[key]} {'is over' if over else 'fires'}")
        return story


def _slack(request: Received) -> str:
    """The first words of a message, without its emoji and its counts."""
    title = str(request.json["blocks"][0]["text"]["text"]).partition(" · ")[0]
    name = title.removesuffix(" is over").split()[-1]
    return f"{name} is over" if title.endswith(" is over") else f"{name} fires"


@contextmanager
def standing_in(*, slow: bool = False) -> Iterator[FarSides]:
    """Have all of them listen on loopback; slow ones let `PAUSE` go by between taking a message and saying so."""
    slack, pagerduty, webhook = (
        (_SlowSlack(), _SlowPagerDuty(), _SlowWebhook())
        if slow
        else (SlackStandIn(), PagerDutyStandIn(), HttpStandIn())
    )
    with slack, pagerduty, webhook, MailStandIn() as mail:
        yield FarSides(slack, pagerduty, mail, webhook)


class _Slow(HttpStandIn):
    def respond(self, request: Received) -> Answer:
        return replace(super().respond(request), delay=PAUSE)


class _SlowSlack(_Slow, SlackStandIn):
    """Slack on a bad day."""


class _SlowPagerDuty(_Slow, PagerDutyStandIn):
    """PagerDuty on a bad day."""


class _SlowWebhook(_Slow, HttpStandIn):
    """A receiver that takes its time."""

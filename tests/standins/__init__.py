"""Stand-ins for the far sides: Slack, PagerDuty, a webhook receiver and a mail server, over real HTTP and SMTP."""

from tests.standins.http import Answer, HttpStandIn, Received
from tests.standins.pagerduty import PagerDutyStandIn
from tests.standins.slack import SlackMessage, SlackStandIn
from tests.standins.smtp import Mail, MailStandIn

__all__ = [
    "Answer",
    "HttpStandIn",
    "Mail",
    "MailStandIn",
    "PagerDutyStandIn",
    "Received",
    "SlackMessage",
    "SlackStandIn",
]

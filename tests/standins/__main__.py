"""Run all stand-ins until the end of input or Ctrl-C: `python -m tests.standins`.

The one line on stdout is a JSON object of the settings that point alertrouter at them.
"""

from __future__ import annotations

import contextlib
import json
import sys

from tests.standins import HttpStandIn, MailStandIn, PagerDutyStandIn, SlackStandIn


def main() -> None:
    """Start them, say where they are, wait."""
    with SlackStandIn() as slack, PagerDutyStandIn() as pagerduty, HttpStandIn() as webhook, MailStandIn() as mail:
        settings = {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.token,
            "SLACK_WEBHOOK_URL": slack.webhook_url,
            "PAGERDUTY_EVENTS_URL": pagerduty.url,
            "PAGERDUTY_SERVICE_KEY": "standin-routing-key",
            "WEBHOOK_URL": f"{webhook.url}/hook",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.port),
            "SMTP_TLS": "none",
        }
        print(json.dumps(settings), flush=True)  # noqa: T201  this is its output
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()


if __name__ == "__main__":
    main()

"""Slack, with a bot and an incoming webhook that post to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alertrouter.notifiers import Notifier
from alertrouter.policy.receiver import SlackOptions
from tests.notifiers.far_sides import made
from tests.standins import SlackStandIn


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    """Slack."""
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def bot(slack: SlackStandIn) -> Iterator[Notifier]:
    """A bot that posts to #ai-models."""
    environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.token}
    notifier = made(SlackOptions(channel="#ai-models"), environ)
    yield notifier
    notifier.close()


@pytest.fixture
def hook(slack: SlackStandIn) -> Iterator[Notifier]:
    """An incoming webhook."""
    notifier = made(SlackOptions(webhook_url="${HOOK}"), {"HOOK": slack.webhook_url})
    yield notifier
    notifier.close()

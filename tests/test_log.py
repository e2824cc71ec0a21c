"""What the logs hold, and what they never hold."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from alertrouter.log import HIDDEN, Redaction
from alertrouter.settings import from_environment

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1-abcdef",
    "ALERTROUTER_INGEST_USERS": "bob:s3cretword, al:otherword",
    "MY_TEAM_ROUTING_KEY": 'quo"ted-key',
    "ALERTROUTER_REDIS_URL": "redis://user:redispass@host/0",
}


@pytest.mark.parametrize(
    "line",
    [
        "token xoxb-1-abcdef",
        "user bob with s3cretword and otherword",
        json.dumps({"key": 'quo"ted-key'}),
        "at redis://user:redispass@host/0",
        "https://hooks.slack.com/services/T0/B0/abcdefgh",
        "another token: xoxp-99-zzzz",
    ],
)
def test_no_secret_stays_in_a_line(line: str) -> None:
    """Those of the settings, those of placeholders, and what has the shape of one."""
    shown = Redaction(from_environment(SECRETS))(line)

    assert HIDDEN in shown
    for secret in ("xoxb", "xoxp", "s3cret", "otherword", "ted-key", "redispass", "T0/B0"):
        assert secret not in shown


def test_ordinary_words_stay() -> None:
    """A short secret blots out nothing."""
    redact = Redaction(from_environment({"SMTP_PASSWORD": "a"}))

    assert redact("a plain line about an alert") == "a plain line about an alert"


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_says_who_when_and_what(form: str) -> None:
    """On stderr, one line an event, tracebacks included, libraries' logs too; nothing below the level; no secret."""
    script = (
        "import logging\n"
        "from alertrouter import log\n"
        "from alertrouter.settings import from_environment\n"
        "log.configure(from_environment(), process='router')\n"
        "logger = log.get('alertrouter.router')\n"
        "logger.debug('unseen')\n"
        "logger.info('delivery owed', delivery='INC-1.1', token='xoxb-1-abcdef')\n"
        "logging.getLogger('library').warning('took %s', 'long')\n"
        "try:\n    raise ValueError('xoxb-1-abcdef')\nexcept ValueError:\n    logger.exception('bug')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**SECRETS, "ALERTROUTER_LOG_FORMAT": form},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == ""
    assert "xoxb" not in ran.stderr
    assert "unseen" not in ran.stderr
    for word in ("delivery owed", "INC-1.1", "took long", "ValueError", "router", HIDDEN):
        assert word in ran.stderr
    if form == "json":
        lines = [json.loads(line) for line in ran.stderr.splitlines()]
        assert [line["level"] for line in lines] == ["info", "warning", "error"]
        assert all(line["timestamp"].endswith("Z") and line["component"] == "router" for line in lines)

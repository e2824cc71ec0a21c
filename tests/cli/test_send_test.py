"""`send-test`: a marked message through every integration of a receiver, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec
import pytest

from alertrouter.notice import InboxMessage
from tests.cli.running import Ran, run
from tests.standins import Answer, HttpStandIn, MailStandIn, PagerDutyStandIn, SlackStandIn
from tests.web.door import KEYS, Door

POLICY = """\
receivers:
  all:
    slack: {channel: "#ai"}
    pagerduty: {routing_key: "${KEY}"}
    email: {to: leads@example.org}
    webhook: [{url: "${HOOK}"}, {url: "${QUIET_HOOK}", send_resolved: false}]
    inbox: {}
  nobody: {}
route: {receiver: all}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A receiver with every kind of integration, and one with none."""
    (tmp_path / "all.yml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def send_test(policy: Path, door: Door, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
    """Run `send-test` on the policy."""
    redis = {"ALERTROUTER_REDIS_URL": f"unix://{door.redis.connection_pool.connection_kwargs['path']}"}
    return run("send-test", "--policy", str(policy), *arguments, environ={**redis, **(environ or {})})


def kept(door: Door) -> list[InboxMessage]:
    """What the inbox holds."""
    raw = cast(list[bytes], door.redis.hvals(KEYS.inbox))
    return [msgspec.msgpack.decode(one, type=InboxMessage) for one in raw]


def test_every_integration_gets_the_message_and_its_end(policy: Path, door: Door) -> None:
    """Over the wire, clearly marked as a test; the end follows the message, where the receiver wants it."""
    with SlackStandIn() as slack, PagerDutyStandIn() as pagerduty, MailStandIn() as mail, HttpStandIn() as hook:
        found = send_test(
            policy,
            door,
            *("all", "--resolve", "--severity", "critical", "-o", "json"),
            environ={
                "SLACK_API_URL": slack.api_url,
                "SLACK_BOT_TOKEN": slack.token,
                "KEY": "k" * 32,
                "PAGERDUTY_EVENTS_URL": pagerduty.url,
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(mail.port),
                "SMTP_TLS": "none",
                "HOOK": f"{hook.url}/hook",
                "QUIET_HOOK": f"{hook.url}/quiet",
            },
        )

        (view,) = found.json
        assert (found.code, found.err, view["sent"]) == (0, "", True)
        assert [(one["integration"], one["status"], one["through"], one["error"]) for one in view["messages"]] == [
            ("all/slack", "firing", "slack", ""),
            ("all/slack", "resolved", "slack", ""),
            ("all/pagerduty", "firing", "pagerduty", ""),
            ("all/pagerduty", "resolved", "pagerduty", ""),
            ("all/email", "firing", "email", ""),
            ("all/email", "resolved", "email", ""),
            ("all/webhook", "firing", "webhook", ""),
            ("all/webhook", "resolved", "webhook", ""),
            ("all/webhook/1", "firing", "webhook", ""),
            ("all/inbox", "firing", "inbox", ""),
            ("all/inbox", "resolved", "inbox", ""),
        ]
        (message,) = slack.messages
        assert message.updates == 1
        assert "AlertrouterTest" in str(message.body)
        assert list(pagerduty.alerts.values()) == ["resolved"]
        assert [one.path for one in hook.received] == ["/hook", "/hook", "/quiet"]
        assert "nothing is wrong" in str(mail.received[0].body("plain"))
    (card,) = kept(door)
    assert (card.title, card.status, card.severity, card.instead_of) == ("AlertrouterTest", "resolved", "critical", "")


def test_a_channel_without_credentials_goes_to_the_inbox_and_that_is_said(policy: Path, door: Door) -> None:
    """A newcomer sees where the message went."""
    found = send_test(policy, door, "all")

    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0] == "! all/slack      kept in the inbox instead, no credentials:"
    assert lines[1].strip() == "http://127.0.0.1:9080/"
    assert lines[-1] == "✓ all/inbox      sent"
    assert sorted(card.instead_of for card in kept(door)) == [
        "",
        "PagerDuty",
        "Slack #ai",
        "a webhook",
        "a webhook",
        "email to leads@example.org",
    ]


def test_what_did_not_get_through_is_said_for_each_integration(policy: Path, door: Door) -> None:
    """The others are tried all the same; exit 1."""
    with PagerDutyStandIn() as pagerduty, HttpStandIn() as hook:
        hook.answer_next(Answer(503, b"upstream is away"))
        pagerduty.answer_next(Answer.of_json({"status": "invalid event", "message": "no such key"}, status=400))

        found = send_test(
            policy,
            door,
            "all",
            environ={
                "KEY": "k" * 32,
                "PAGERDUTY_EVENTS_URL": pagerduty.url,
                "HOOK": f"{hook.url}/hook",
                "QUIET_HOOK": f"{hook.url}/quiet",
            },
        )

    text = " ".join(found.out.split())
    assert (found.code, found.err) == (1, "")
    assert "✗ all/pagerduty not sent: PagerDuty: answered 400:" in text
    assert "✗ all/webhook not sent:" in text
    assert "answered 503: upstream is away" in text
    assert "✓ all/webhook/1 sent" in text
    assert "k" * 32 not in found.out


def test_without_redis_the_inbox_fails_in_plain_words(policy: Path, tmp_path: Path) -> None:
    """No traceback; the message says what does not answer."""
    found = run(
        *("send-test", "all", "--policy", str(policy), "-o", "json"),
        environ={"ALERTROUTER_REDIS_URL": f"unix://{tmp_path}/none.sock"},
    )

    (view,) = found.json
    assert (found.code, found.err, view["sent"]) == (1, "", False)
    assert all(one["error"].startswith("Redis does not answer") for one in view["messages"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["al"], 1, "no receiver `al`, did you mean `all`?"),
        (["nobody"], 1, "receiver `nobody` has no integration: it tells nobody"),
        (["all", "--severity", "sever"], 2, "found 'sever', expected one of info, warning, critical"),
    ],
)
def test_nothing_is_sent_to_a_receiver_that_is_not_there(
    policy: Path, door: Door, arguments: list[str], code: int, said: str
) -> None:
    """A misspelt name is told with the nearest one."""
    found = send_test(policy, door, *arguments)

    assert (found.code, found.out) == (code, "")
    assert said in " ".join(found.err.replace("│", " ").split())
    assert kept(door) == []

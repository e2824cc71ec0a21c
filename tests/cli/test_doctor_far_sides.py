"""`doctor` and the far sides: Slack, PagerDuty and the mail server are asked, and told nothing."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal

import pytest

from alertrouter.cli.checkup_channels import OPTIONAL_SCOPES
from tests.cli.examined import KEY, TOKEN, WEBHOOK, findings, one_finding
from tests.servers import RedisServer
from tests.standins import Answer, MailStandIn, PagerDutyStandIn, SlackStandIn, certificates

SCOPES = "chat:write,chat:write.public,commands"


def test_slack_without_the_scopes_that_read_is_fine_and_said(shared_server: RedisServer) -> None:
    """They are the owner's choice: with them a message that Slack did not answer is looked for."""
    with SlackStandIn() as slack:
        environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": TOKEN}
        told = []
        for more in ("", "," + ",".join(OPTIONAL_SCOPES)):
            headers = {"x-oauth-scopes": SCOPES + more}
            slack.answer_always(Answer.of_json({"ok": True, "team": "Acme", "user": "alertrouter"}, headers=headers))
            told.append(one_finding(shared_server.url, "slack look-up", environ)[:2])

    assert [verdict for verdict, _ in told] == ["fine", "fine"]
    assert told[0][1].startswith("without channels:read, channels:history, groups:read, groups:history, im:write")
    assert told[1][1] == "messages are looked for before they are posted again"


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (SCOPES, [("fine", "chat:write, chat:write.public, commands")]),
        ("chat:write,commands", [("warning", "chat:write.public is missing")]),
        ("commands,chat:write.public", [("wrong", "chat:write is missing")]),
        (None, [("warning", "Slack did not say which scopes the token has")]),
    ],
)
def test_slack_is_asked_what_the_token_may_do(
    shared_server: RedisServer, scopes: str | None, expected: list[tuple[str, str]]
) -> None:
    """Once, however many receivers use it; nothing is posted."""
    with SlackStandIn() as slack:
        headers = {"x-oauth-scopes": scopes} if scopes is not None else {}
        slack.answer_always(Answer.of_json({"ok": True, "team": "Acme", "user": "alertrouter"}, headers=headers))
        environ = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": TOKEN}

        token = one_finding(shared_server.url, "slack", environ)
        asked = [(one.path, one.headers["authorization"]) for one in slack.received]
        found = findings(shared_server.url, "slack scopes", environ)

    assert token == ("fine", "the token is alertrouter's in Acme", "")
    assert asked == [("/api/auth.test", f"Bearer {TOKEN}")]
    assert [verdict for verdict, _, _ in found] == [verdict for verdict, _ in expected]
    assert all(text.startswith(start) for (_, text, _), (_, start) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer.of_json({"ok": False, "error": "invalid_auth"}), "the token is refused: invalid_auth"),
        (Answer(500, b"<html>"), "answers, but not as Slack does"),
        (Answer(drop=True), "no answer after the request was sent"),
    ],
)
def test_a_token_that_slack_refuses_is_wrong(shared_server: RedisServer, answer: Answer, said: str) -> None:
    """As is whatever answers in Slack's place."""
    with SlackStandIn() as slack:
        slack.answer_always(answer)

        verdict, text, _ = one_finding(
            shared_server.url, "slack", {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": TOKEN}
        )

    assert verdict == "wrong"
    assert said in text


@pytest.mark.parametrize(
    ("url", "verdict"),
    [(WEBHOOK, "fine"), ("https://acme.slack.com/of-the-doctor", "wrong"), ("of-the-doctor", "wrong")],
)
def test_the_form_of_incoming_webhooks_is_looked_at(shared_server: RedisServer, url: str, verdict: str) -> None:
    """The one way to try them is to post, and that is for send-test."""
    assert one_finding(shared_server.url, "slack webhooks", {"SLACK_WEBHOOK_URL": url})[0] == verdict


def test_pagerduty_is_reached_without_an_event(shared_server: RedisServer) -> None:
    """A refused connection is wrong."""
    with PagerDutyStandIn() as pagerduty:
        environ = {"PAGERDUTY_SERVICE_KEY": KEY, "PAGERDUTY_EVENTS_URL": pagerduty.url}

        reached = one_finding(shared_server.url, "pagerduty", environ)

        assert [(one.method, one.body) for one in pagerduty.received] == [("GET", b"")]
    gone = one_finding(shared_server.url, "pagerduty", environ)

    assert reached[0] == "fine"
    assert gone[0] == "wrong"
    assert "no connection (Connection refused)" in gone[1]


@pytest.fixture
def mailing(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of our own, and the server's side of it."""
    return certificates.make(tmp_path)


def mail(server: MailStandIn, **more: str) -> dict[str, str]:
    """The settings for a mail server."""
    named = {f"SMTP_{name}": value for name, value in more.items()}
    return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_FROM": "ar@example.org", **named}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_the_mail_server_is_tried_up_to_the_recipient(
    shared_server: RedisServer, mailing: tuple[Path, ssl.SSLContext], tls: Literal["starttls", "implicit"]
) -> None:
    """Encrypted with a certificate that is checked, logged in, the sender taken; no mail is sent."""
    trusted, context = mailing
    with MailStandIn(tls=tls, context=context, login=("ar", KEY)) as server:
        login = {"TLS": tls, "USERNAME": "ar", "PASSWORD": KEY}

        well = one_finding(shared_server.url, "email", mail(server, CA_FILE=str(trusted), **login))
        untrusted = one_finding(shared_server.url, "email", mail(server, **login))
        locked_out = one_finding(
            shared_server.url, "email", mail(server, CA_FILE=str(trusted), **{**login, "PASSWORD": "of-the-doctor"})
        )

        assert server.received == []
    assert well[0] == "fine"
    assert "certificate checked, logged in as ar, ar@example.org may send" in well[1]
    assert untrusted[0] == "wrong"
    assert "self-signed certificate" in untrusted[1]
    assert "SMTP_CA_FILE" in untrusted[2]
    assert locked_out[0] == "wrong"
    assert "SMTP_USERNAME and SMTP_PASSWORD" in locked_out[2]


def test_a_mail_server_without_tls_or_without_an_answer(shared_server: RedisServer) -> None:
    """On loopback plain is fine when it is asked for; STARTTLS that isn't offered is wrong, as is nobody there."""
    with MailStandIn() as server:
        plain = one_finding(shared_server.url, "email", mail(server, TLS="none"))
        not_offered = one_finding(shared_server.url, "email", mail(server))
        nobody = mail(server, TLS="none")
    gone = one_finding(shared_server.url, "email", nobody)

    assert plain[0] == "fine"
    assert not_offered[0] == "wrong"
    assert gone[0] == "wrong"
    assert "Connection refused" in gone[1]

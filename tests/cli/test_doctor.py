"""`doctor`: finds what is wrong and says how to mend it, without sending anything."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from alertrouter.cli.checkup_channels import OPTIONAL_SCOPES
from alertrouter.cli.checkup_here import skew_of_answer
from alertrouter.store.connection import connect
from tests.cli.running import POLICIES, Ran, run
from tests.servers import RedisServer
from tests.standins import Answer, HttpStandIn, MailStandIn, PagerDutyStandIn, SlackStandIn, certificates
from tests.times import START
from tests.web.door import KEYS, Door, free_port

SCOPES = "chat:write,chat:write.public,commands"
TOKEN = "xoxb-of-the-doctor"
WEBHOOK = "https://hooks.slack.com/services/T000/B000/of-the-doctor"
KEY = "0123456789abcdef0123456789abcdef"


def examined(redis_url: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
    """Run `doctor` on the default policy."""
    return run(
        *("doctor", "--policy", str(POLICIES), *arguments),
        environ={
            "ALERTROUTER_REDIS_URL": redis_url,
            "ALERTROUTER_LISTEN": f"127.0.0.1:{free_port()}",
            **(environ or {}),
        },
    )


def findings(redis_url: str, check: str, environ: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """What doctor finds of one thing: verdict, text, how to mend it."""
    found = examined(redis_url, "-o", "json", environ=environ)
    (view,) = found.json
    shown: list[dict[str, Any]] = view["findings"]
    assert view["well"] is not any(one["verdict"] == "wrong" for one in shown)
    assert found.code == (0 if view["well"] else 1)
    for secret in (TOKEN, WEBHOOK, KEY, "of-the-doctor"):
        assert secret not in found.out + found.err
    return [(one["verdict"], one["text"], one["mend"]) for one in shown if one["check"] == check]


def one_finding(redis_url: str, check: str, environ: Mapping[str, str] | None = None) -> tuple[str, str, str]:
    """The only finding of one thing."""
    (finding,) = findings(redis_url, check, environ)
    return finding


def test_a_healthy_installation_exits_0(door: Door, shared_server: RedisServer) -> None:
    """Channels without credentials are warnings that say where their messages go and what to set."""
    door.redis.set(KEYS.lease, "router-1")
    door.redis.set(KEYS.active, "revision")

    found = examined(shared_server.url, environ={"ALERTROUTER_LISTEN": f"127.0.0.1:{door.port}"})

    lines = found.out.splitlines()
    assert (found.code, found.err) == (0, "")
    assert lines[0].startswith(f"✓ policy          {POLICIES}")
    for line in (
        "✓ templates       the built-in ones",
        "✓ redis memory    maxmemory-policy is noeviction",
        "✓ redis AOF       on, appendfsync always",
        f"✓ web             http://127.0.0.1:{door.port} is ready",
        "! pagerduty       no credentials: messages to pager go to the inbox",
        "                → set PAGERDUTY_SERVICE_KEY",
        "                → set SMTP_HOST",
    ):
        assert line in lines
    assert lines[-1] == "9 fine, 3 warnings, 0 wrong"


def test_a_redis_that_does_not_answer_is_wrong(tmp_path: Path) -> None:
    """The password in its address is not shown."""
    verdict, text, mend = one_finding(f"redis://user:of-the-doctor@127.0.0.1:{free_port()}", "redis")

    assert verdict == "wrong"
    assert "Connection refused" in text
    assert "ALERTROUTER_REDIS_URL" in mend


def test_a_redis_that_forgets_is_wrong(own_redis: RedisServer) -> None:
    """Without AOF, or evicting keys, it loses what was accepted."""
    with connect(own_redis.url) as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")

    assert one_finding(own_redis.url, "redis AOF")[0] == "wrong"
    assert "CONFIG SET appendonly yes" in one_finding(own_redis.url, "redis AOF")[2]
    assert one_finding(own_redis.url, "redis memory") == (
        "wrong",
        "maxmemory-policy is allkeys-lru: a full server drops alerts silently",
        "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
    )


def test_a_redis_that_never_syncs_is_a_warning(own_redis: RedisServer) -> None:
    """Its files are written when the system pleases."""
    with connect(own_redis.url) as client:
        client.config_set("appendfsync", "no")

    assert one_finding(own_redis.url, "redis AOF")[0] == "warning"


def test_a_redis_that_forbids_config_is_a_warning(own_redis: RedisServer) -> None:
    """Hosted ones do; what INFO tells is looked at all the same."""
    with connect(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "app", "on", ">geheim", "~*", "+@all", "-config")
    url = own_redis.url.replace("unix://", "unix://app:geheim@")

    verdict, text, _ = one_finding(url, "redis AOF")

    assert verdict == "warning"
    assert "CONFIG is forbidden" in text
    assert one_finding(url, "redis memory")[0] == "fine"


def test_a_replica_is_wrong(own_redis: RedisServer) -> None:
    """It reads well and takes no writes."""
    with connect(own_redis.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))

    assert one_finding(own_redis.url, "redis role")[0] == "wrong"


def test_a_door_that_is_not_ready_says_why(door: Door, shared_server: RedisServer) -> None:
    """The reasons are the door's own; another program on its port is not taken for it."""
    own = one_finding(shared_server.url, "web", {"ALERTROUTER_LISTEN": f"127.0.0.1:{door.port}"})
    nobody = one_finding(shared_server.url, "web")
    with HttpStandIn() as stranger:
        other = one_finding(shared_server.url, "web", {"ALERTROUTER_LISTEN": f"127.0.0.1:{stranger.port}"})

    assert own[0] == "wrong"
    assert "no router is active" in own[1]
    assert nobody[0] == "wrong"
    assert "alertrouter up" in nobody[2]
    assert other[0] == "wrong"
    assert "not alertrouter's answer" in other[1]


def test_policy_and_templates_are_looked_at(shared_server: RedisServer, tmp_path: Path) -> None:
    """The first fault stands here; `check` has them all."""
    (tmp_path / "slack").mkdir()
    (tmp_path / "slack" / "title.j2").write_text("{{ notice.nothing }}", encoding="utf-8")
    (tmp_path / "all.yml").write_text("route: {receiver: x}\nreceivers: {y: {}}\n", encoding="utf-8")

    found = examined(shared_server.url, "--templates", str(tmp_path), "-o", "json")
    broken = run(
        "doctor", "--policy", str(tmp_path), "-o", "json", environ={"ALERTROUTER_REDIS_URL": shared_server.url}
    )

    (template,) = [one for one in found.json[0]["findings"] if one["check"] == "templates"]
    (policy,) = [one for one in broken.json[0]["findings"] if one["check"] == "policy"]
    assert template["verdict"] == "wrong"
    assert "slack/title.j2:1" in template["text"]
    assert policy["verdict"] == "wrong"
    assert f"{tmp_path}/all.yml:1:19: route.receiver: unknown receiver `x`" in policy["text"]


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


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "fine"), (-4, "fine"), (30, "warning"), (-90, "wrong")])
def test_a_clock_that_is_off_is_seen_by_the_others(seconds: int, verdict: str) -> None:
    """By the date in their answers; what says no date says nothing."""
    answered = START + timedelta(seconds=seconds)

    (found,) = skew_of_answer("Slack", format_datetime(answered, usegmt=True), START)

    assert (found.check, found.verdict, bool(found.mend)) == ("clock", verdict, verdict != "fine")
    assert skew_of_answer("Slack", "", START) == []


def test_the_clocks_of_redis_and_slack_are_asked(shared_server: RedisServer) -> None:
    """Here they are the same machine's."""
    with SlackStandIn() as slack:
        slack.answer_always(Answer.of_json({"ok": True}))

        found = findings(shared_server.url, "clock", {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": TOKEN})

    assert [(verdict, text.partition(" from ")[2]) for verdict, text, _ in found] == [
        ("fine", "Redis"),
        ("fine", "Slack"),
    ]


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


def test_a_state_directory_that_can_not_be_used_is_wrong(tmp_path: Path) -> None:
    """The embedded server would not start."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    verdict, _, mend = one_finding("", "state", {"ALERTROUTER_STATE_DIR": str(tmp_path / "file" / "below")})

    assert verdict == "wrong"
    assert "ALERTROUTER_STATE_DIR" in mend

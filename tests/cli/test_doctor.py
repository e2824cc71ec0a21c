"""`doctor`: finds what is wrong and says how to mend it, without sending anything."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from alertrouter.cli.checkup_here import skew_of_answer
from alertrouter.store.connection import connect
from tests.cli.examined import TOKEN, examined, findings, one_finding
from tests.cli.running import POLICIES, run
from tests.servers import RedisServer
from tests.standins import Answer, HttpStandIn, SlackStandIn
from tests.times import START
from tests.web.door import KEYS, Door, free_port


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


def test_a_state_directory_that_can_not_be_used_is_wrong(tmp_path: Path) -> None:
    """The embedded server would not start."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    verdict, _, mend = one_finding("", "state", {"ALERTROUTER_STATE_DIR": str(tmp_path / "file" / "below")})

    assert verdict == "wrong"
    assert "ALERTROUTER_STATE_DIR" in mend

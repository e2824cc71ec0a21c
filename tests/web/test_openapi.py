"""The published schema and the running door agree: schemathesis looks for where they don't."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alertrouter.settings import from_environment
from tests.roles import role
from tests.servers import RedisServer
from tests.waiting import eventually
from tests.web.door import Door, running_door

POLICY = """
receivers: {ai: {inbox: {}}}
escalation_policies: {page: {ack_timeout: 30m, levels: [{notify: ai}, {after: 1h, notify: ai}]}}
route: {receiver: ai, group_by: [alertname], group_wait: 0s, escalate: {critical: page}}
"""
TOKENS = "fuzz:write:fuzz-token"
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[Door]:
    """A door with tokens and a router behind it, which knows one incident: INC-1."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    server = RedisServer(tmp_path / "redis")
    settings = from_environment({"ALERTROUTER_REDIS_URL": server.url, "ALERTROUTER_POLICY": str(tmp_path)})
    with (
        closing(server),
        running_door(server.url, {"ALERTROUTER_API_TOKENS": TOKENS}) as door,
        role("router", settings, tmp_path / "router.log"),
    ):
        eventually(lambda: door.http.get("/-/ready").status_code == 200, "a router is active", 20)
        door.post("/api/v1/alerts", b'{"alertname": "Fuzzed", "severity": "critical"}')
        eventually(lambda: door.redis.hexists("ar:incidents", "INC-1"), "an incident is open")
        yield door


def test_schemathesis_finds_nothing(fuzzed: Door, tmp_path: Path) -> None:
    """Every address with data that the schema allows and data that it doesn't; with, without and with wrong tokens."""
    address = f"http://127.0.0.1:{fuzzed.port}"
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--no-color", "--config-file", str(CONFIG)),
        *("run", f"{address}/api/v1/openapi.json", "-H", "Authorization: Bearer fuzz-token"),
        *("--max-examples", "10", "--seed", "1", "--generation-database", "none", "--checks", "all"),
    ]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)

    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert "Operations:" in ran.stdout
    assert fuzzed.http.get("/-/healthy").status_code == 200

"""A changed policy is rolled out: published, watched in the shadow of the one in force, activated, rolled back."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from alertrouter.policy.load import load
from tests.cli.running import Ran, run
from tests.journeys.farsides import SOON, FarSides
from tests.journeys.installation import Alertrouter
from tests.journeys.processes import Process, living
from tests.journeys.programs import Programs
from tests.waiting import eventually

LIVE = """
receivers:
  chat: {slack: {channel: "#ops"}}
  oncall: {pagerduty: {routing_key: "${ON_CALL}"}}
escalation_policies:
  page: {levels: [{notify: chat}, {after: 1h, notify: oncall}]}
route: {receiver: chat, group_by: [alertname], group_wait: 0s, group_interval: 1m, escalate: {critical: page}}
"""
SOONER = LIVE.replace("after: 1h", "after: 1s")
FIRST, SECOND = (load({"policy.yml": text}).revision for text in (LIVE, SOONER))


def test_a_policy_is_watched_before_it_pages_anybody(programs: Programs, far: FarSides, tmp_path: Path) -> None:
    """In the shadow it pages nobody, and is shown to; killed, it finds the same again; in force it pages."""
    alertrouter = Alertrouter(programs, policy=LIVE, environ={**far.settings, "ON_CALL": "on-call"})
    new = tmp_path / "new"
    new.mkdir()
    (new / "policy.yml").write_text(SOONER, encoding="utf-8")

    def at(*arguments: str) -> Ran:
        return run(*arguments, "--url", alertrouter.door.url)

    def shown() -> dict[str, object]:
        return at("shadow", "-o", "json").json[0] | {}

    published = at("publish", "--policy", str(new), "--shadow")
    assert published.out.splitlines() == [
        f"revision {SECOND} is published, and not in force yet",
        f"revision {SECOND} is the shadow of {FIRST}: it tells nobody",
    ]
    _fires(alertrouter, "DiskFull")
    eventually(lambda: shown()["pages"] == [0, 1], lambda: f"the shadow would have paged: {shown()}", SOON)
    assert shown()["changed_incidents"] == 1
    assert at("shadow", "--fail-on", "more-pages").code == 3
    assert alertrouter.door.metric("alertrouter_shadow_pages", policy="shadow") == 1
    assert alertrouter.door.metric("alertrouter_shadow_pages", policy="live") == 0
    assert SECOND in alertrouter.door.page("/live")

    (killed,) = _followers(alertrouter)
    os.kill(killed.pid, signal.SIGKILL)
    eventually(lambda: [one for one in _followers(alertrouter) if one != killed], "another one follows", SOON)
    _fires(alertrouter, "NodeDown")
    eventually(lambda: shown()["pages"] == [0, 2], lambda: f"it has found both: {shown()}", SOON)
    assert far.stories()["slack"] == ["DiskFull fires", "NodeDown fires"]
    assert far.pagerduty.received == []

    assert at("activate", SECOND).out == f"revision {SECOND} is in force\n"
    eventually(lambda: shown()["state"] == "ended", lambda: f"the shadow has ended: {shown()}", SOON)
    eventually(lambda: not _followers(alertrouter), "nobody follows it", SOON)
    _fires(alertrouter, "LinkDown")
    eventually(lambda: far.pagerduty.received, "what is in force pages", SOON)

    assert at("rollback").out == f"revision {FIRST} is in force\n"
    _fires(alertrouter, "FanBroken")
    eventually(lambda: "FanBroken fires" in far.stories()["slack"], "the old one tells the channel", SOON)
    assert len(far.pagerduty.received) == 1
    assert at("shadow", "--stop").code == 0
    assert at("shadow").code == 1


def _fires(alertrouter: Alertrouter, name: str) -> None:
    alert = json.dumps({"labels": {"alertname": name, "severity": "critical"}}).encode()
    assert alertrouter.door.post("/api/v1/alerts", alert) == 200


def _followers(alertrouter: Alertrouter) -> list[Process]:
    """The processes that follow its shadow."""
    ours = {one.pid for one in alertrouter.left()}
    return [one for one in living() if one.pid in ours and "alertrouter.follower" in one.command]

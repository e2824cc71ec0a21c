"""A policy that changes under a running `alertrouter up`: by a saved file, by a signal, by a request."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from alertrouter.policy.load import load
from tests.journeys.installation import Alertrouter
from tests.journeys.programs import Programs
from tests.waiting import eventually

POLICY = "receivers: {desk: {inbox: {}}}\nroute: {receiver: desk, group_wait: 1s}\n"
WRONG = POLICY.replace("receiver: desk", "receiver: dekc")


def test_a_policy_is_changed_without_a_restart(programs: Programs) -> None:
    """What is wrong is told at its place and changes nothing; what is right is in force, however it was asked for."""
    alertrouter = Alertrouter(programs, policy=POLICY, environ={})
    (file,) = programs.directory.rglob("policy.yml")

    file.write_text(WRONG, encoding="utf-8")
    status, text = _reload(alertrouter)
    assert status == 500
    assert "policy.yml:2:19: route.receiver: unknown receiver `dekc`, did you mean `desk`?" in text
    assert alertrouter.door.metric("alertrouter_policy_faults") == 1
    assert "dekc" in alertrouter.door.page("/")

    right = _save(file, "2s")
    status, text = _reload(alertrouter)
    assert (status, right in text) == (200, True)
    assert alertrouter.door.metric("alertrouter_policy_faults") == 0

    before = alertrouter.door.metric("alertrouter_policies_activated_total")
    _save(file, "3s")
    eventually(lambda: alertrouter.door.metric("alertrouter_policies_activated_total") == before + 1, "it is noticed")
    _save(file, "4s")
    os.kill(alertrouter.up.pid, signal.SIGHUP)
    eventually(lambda: alertrouter.door.metric("alertrouter_policies_activated_total") == before + 2, "it is heard")
    assert alertrouter.up.running


def _save(file: Path, wait: str) -> str:
    """Write another policy; gives its revision."""
    text = POLICY.replace("1s", wait)
    file.write_text(text, encoding="utf-8")
    return load({"policy.yml": text}).revision


def _reload(alertrouter: Alertrouter) -> tuple[int, str]:
    try:
        with urlopen(Request(f"{alertrouter.door.url}/-/reload", method="POST"), timeout=20) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()

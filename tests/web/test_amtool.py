"""The real amtool against a real alertrouter: alerts there and back, silences through all their life."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.programs import installed
from tests.waiting import eventually
from tests.web.door import Door
from tests.web.routed import routed_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door without credentials, with a router behind it."""
    with routed_door(tmp_path_factory.mktemp("amtool"), {}) as running:
        del running.http.headers["Authorization"]
        yield running


class Amtool:
    """Runs amtool."""

    def __init__(self, door: Door, home: Path) -> None:
        self._program = installed("amtool")
        self._url = f"http://127.0.0.1:{door.port}"
        self._home = home

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run a command and give what it prints."""
        command = [self._program, f"--alertmanager.url={self._url}", *words]
        ran = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env={"HOME": str(self._home), "USER": "sam"},
            timeout=30,
        )
        assert ran.returncode == code, (words, ran.stdout, ran.stderr)
        assert "are different" not in ran.stderr, "amtool takes us for its own version"
        return ran.stdout + (ran.stderr if code else "")

    def json(self, *words: str) -> Any:  # noqa: ANN401 -- any JSON
        """Run a command and read its JSON."""
        return json.loads(self(*words, "--output=json"))


@pytest.fixture
def amtool(door: Door, tmp_path: Path) -> Amtool:
    """The program, before that door."""
    return Amtool(door, tmp_path)


def test_an_alert_that_is_added_is_found_again(amtool: Amtool) -> None:
    """By its name, by a regex, by its receiver, and in no other way."""
    amtool("alert", "add", "alertname=DiskFull", "node=n1", "severity=warning", '--annotation=summary="it is full"')

    (found,) = eventually(lambda: amtool.json("alert", "query", "DiskFull"), "amtool finds the alert")

    assert found["labels"] == {"alertname": "DiskFull", "node": "n1", "severity": "warning"}
    assert found["status"]["state"] == "active"
    assert found["receivers"] == [{"name": "chat"}]
    assert len(amtool.json("alert", "query", "alertname=~Disk.*", "node!=n2", "--receiver=ch.t")) == 1
    assert amtool.json("alert", "query", "--receiver=c") == []
    assert "DiskFull" in amtool("alert", "query")


def test_routes_are_shown_and_tested_as_the_policy_has_them(amtool: Amtool) -> None:
    """It asks for the configuration, and gets the policy in that grammar: a team's channel is its receiver."""
    assert "receiver: chat" in amtool("config", "routes", "show")
    assert amtool("config", "routes", "test", "alertname=DiskFull", "severity=critical").strip() == "chat"


def test_a_silence_lives_as_it_does_in_alertmanager(amtool: Amtool) -> None:
    """Set, found, hiding an alert, extended in place, ended, and still found among the expired."""
    amtool("alert", "add", "alertname=LinkDown", "node=n2")
    eventually(lambda: amtool.json("alert", "query", "LinkDown"), "amtool finds the alert")

    silence = amtool(
        "silence", "add", "alertname=LinkDown", "--duration=1h", "--comment=new cable", "--author=sam"
    ).strip()

    assert amtool.json("alert", "query", "LinkDown") == []
    (hidden,) = amtool.json("alert", "query", "LinkDown", "--silenced")
    assert hidden["status"] | {"mutedBy": []} == {
        "state": "suppressed",
        "silencedBy": [silence],
        "inhibitedBy": [],
        "mutedBy": [],
    }
    (listed,) = amtool.json("silence", "query", "alertname=LinkDown")
    assert (listed["id"], listed["createdBy"], listed["comment"]) == (silence, "sam", "new cable")

    assert silence in amtool("silence", "update", silence, "--duration=2h", "--comment=a long cable")
    assert [one["comment"] for one in amtool.json("silence", "query")] == ["a long cable"]

    amtool("silence", "expire", silence)

    assert amtool.json("silence", "query") == []
    assert [one["id"] for one in amtool.json("silence", "query", "--expired")] == [silence]
    assert len(amtool.json("alert", "query", "LinkDown")) == 1


def test_silences_are_exported_and_imported(amtool: Amtool, tmp_path: Path) -> None:
    """What one query gives, an import takes: the same matchers again, under new ids."""
    first = amtool("silence", "add", "alertname=~Disk|Net", "node!=n1", "--comment=c").strip()
    exported = tmp_path / "silences.json"
    exported.write_text(json.dumps(amtool.json("silence", "query")))
    amtool("silence", "expire", first)

    amtool("silence", "import", "--force", str(exported))

    (again,) = amtool.json("silence", "query")
    assert again["id"] != first
    assert [(one["name"], one["value"], one["isRegex"], one["isEqual"]) for one in again["matchers"]] == [
        ("alertname", "Disk|Net", True, True),
        ("node", "n1", False, False),
    ]
    amtool("silence", "expire", again["id"])


def test_what_is_refused_is_told_in_words(amtool: Amtool) -> None:
    """A matcher that matches nothing, and a silence that isn't there."""
    refused = amtool("silence", "add", "alertname=~.*", "--comment=all", code=1)
    assert "at least one matcher must not match the empty string" in refused

    amtool("silence", "expire", "11111111-1111-4111-8111-111111111111", code=1)


def test_the_configuration_and_the_version_are_shown(amtool: Amtool) -> None:
    """The policy in force; there is no cluster."""
    assert "receivers:" in amtool("config", "show")
    assert "disabled" in amtool("cluster", "show")

"""`silence add | list | expire` against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.running import Ran, run
from tests.waiting import eventually
from tests.web.door import Door
from tests.web.routed import TOKENS, fire, routed_door


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door with tokens, and a router behind it."""
    with routed_door(tmp_path_factory.mktemp("silences"), {"ALERTROUTER_API_TOKENS": TOKENS}) as door:
        yield door


def at(door: Door, *arguments: str, token: str = "lena-token") -> Ran:  # noqa: S107 - of a door that ends with the test
    """Run `alertrouter silence` against the door, with Lena's token in the environment."""
    url = f"http://127.0.0.1:{door.port}"
    return run("silence", *arguments, "--url", url, environ={"ALERTROUTER_API_TOKEN": token})


def shown(door: Door, incident: str) -> dict[str, Any]:
    """What the API says of an incident."""
    found: dict[str, Any] = door.http.get(f"/api/v1/incidents/{incident}").json()
    return found


def test_a_silence_is_added_listed_and_ended(routed: Door) -> None:
    """Each command says what came of it in a line or two."""
    added = at(routed, "add", "alertname=Net", "node!=n9", "--for", "1h", "-c", "new cable", "--author", "sam")
    name = added.out.split()[0]
    listed = at(routed, "list", "alertname=Net")
    ended = at(routed, "expire", name)

    assert (added.code, ended.code) == (0, 0)
    assert added.out.endswith(' UTC: alertname="Net", node!="n9"\n')
    assert listed.out.splitlines()[0].startswith(f"{name}  until ")
    assert listed.out.splitlines()[1].strip() == "sam: new cable"
    assert ended.out == f"{name} is over\n"
    assert name not in at(routed, "list").out
    assert name in at(routed, "list", "--expired").out


def test_an_incident_is_silenced_by_its_group_and_its_route(routed: Door) -> None:
    """Given an incident, then a dry run names what would be hidden, and the silence hides that and no more."""
    incident, other = fire(routed, "Full", node="n1"), fire(routed, "Slow", node="n1")

    tried = at(routed, "add", "--incident", incident, "--dry-run")
    assert tried.out == f"would hide 1 firing alert of {incident}\n  alertname=Full node=n1 severity=critical\n"
    assert shown(routed, incident)["silenced"] == ""

    added = at(routed, "add", "--incident", incident.removeprefix("INC-"), "-c", "new disk", "-o", "json")

    assert added.json[0]["matchers"] == ['alertname="Full"']
    eventually(lambda: shown(routed, incident)["silenced"], "the incident is silenced")
    assert shown(routed, other)["silenced"] == ""


def test_a_silence_can_begin_later_and_go_with_its_alerts(routed: Door) -> None:
    """Both stand in the list."""
    added = at(routed, "add", "a=~b|c", "--from", "2999-01-01T00:00:00Z", "-d", "1d", "-c", "move", "--with-alerts")
    (listed,) = at(routed, "list", "a=~b|c", "-o", "json").json

    assert added.code == 0
    assert (listed["state"], listed["with_alerts"], listed["starts_at"], listed["ends_at"]) == (
        "pending",
        True,
        "2999-01-01T00:00:00Z",
        "2999-01-02T00:00:00Z",
    )
    assert "from 2999-01-01 00:00 until 2999-01-02 00:00 UTC, or with its alerts" in at(routed, "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("add", "-c", "why"), 2, "matchers or --incident"),
        (("add", "a=b", "--incident", "1", "-c", "why"), 2, "matchers or --incident"),
        (("add", "a=b"), 2, "say why"),
        (("add", "a", "-c", "why"), 2, "a: "),
        (("add", "a=b", "--for", "soon", "-c", "why"), 2, "soon"),
        (("add", "a=b", "--until", "tomorrow", "-c", "why"), 2, "2026-03-02T10:00:00Z"),
        (
            ("add", "a=b", "-d", "1h", "--until", "2999-01-01T00:00:00Z", "-c", "why"),
            2,
            "expected one of --for and --until",
        ),
        (
            ("add", "a=b", "-d", "2h", "--until", "2999-01-01T00:00:00Z", "--dry-run"),
            2,
            "expected one of --for and --until",
        ),
        (("add", "a=~.*", "-c", "why"), 3, "at least one matcher must not match the empty string"),
        (("add", "a=b", "--until", "2020-01-01T00:00:00Z", "-c", "why"), 3, "start time must be before end time"),
        (("add", "--incident", "999", "-c", "why"), 1, "there is no incident"),
        (("expire", "S-0000"), 1, "there is no silence S-0000"),
    ],
)
def test_what_cannot_be_done_is_told(routed: Door, arguments: tuple[str, ...], code: int, words: str) -> None:
    """In words, on stderr, with an exit code that says whose fault it was."""
    ran = at(routed, *arguments)

    assert ran.code == code
    assert words in ran.err


def test_a_token_that_may_only_read_lists_and_no_more(routed: Door) -> None:
    """The server's words are shown."""
    assert at(routed, "list", token="reading-token").code == 0

    refused = at(routed, "add", "a=b", "-c", "why", token="reading-token")

    assert refused.code == 1
    assert "may only read" in refused.err

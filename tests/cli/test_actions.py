"""`ack`, `unack`, `snooze`, `resolve`, `escalate`, `note`: acting on the incidents of a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.running import Ran, run
from tests.standins import Answer, HttpStandIn
from tests.web.door import Door, free_port
from tests.web.routed import TOKENS, fire, routed_door


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door with tokens, and a router behind it."""
    with routed_door(tmp_path_factory.mktemp("routed"), {"ALERTROUTER_API_TOKENS": TOKENS}) as door:
        yield door


def at(door: Door, *arguments: str, token: str = "lena-token") -> Ran:  # noqa: S107 - of a door that ends with the test
    """Run a command against the door, with Lena's token in the environment."""
    url = f"http://127.0.0.1:{door.port}"
    return run(*arguments, "--url", url, environ={"ALERTROUTER_API_TOKEN": token})


def shown(door: Door, incident: str) -> dict[str, Any]:
    """What the API says of an incident."""
    found: dict[str, Any] = door.http.get(f"/api/v1/incidents/{incident}").json()
    return found


def test_an_acknowledgement_is_the_name_of_the_token(routed: Door) -> None:
    """What came of it is one line; the number alone will do."""
    incident = fire(routed, "Acked")

    acked = at(routed, "ack", incident.removeprefix("INC-"))

    assert (acked.code, acked.err) == (0, "")
    assert acked.out.startswith(f"{incident} is acknowledged by lena (api) until ")
    assert shown(routed, incident)["ack"]["by"] == "lena (api)"


def test_every_action_does_what_it_says(routed: Door) -> None:
    """One after another, on one incident."""
    incident = fire(routed, "Shift")

    ran = [
        at(routed, "snooze", incident, "--for", "1h30m"),
        at(routed, "escalate", incident),
        at(routed, "ack", incident.lower()),
        at(routed, "note", incident, "disk", "ordered"),
        at(routed, "unack", incident),
        at(routed, "snooze", incident, "--until", "2999-01-01T00:00:00Z"),
        at(routed, "resolve", incident, "--force"),
    ]

    assert [one.code for one in ran] == [0, 0, 0, 0, 0, 3, 0]
    assert ran[0].out.startswith(f"{incident} is snoozed until ")
    assert "farther than 366 days" in ran[5].err
    assert (shown(routed, incident)["state"], shown(routed, incident)["closed"]) == ("resolved", "lena (api)")
    lines = routed.http.get(f"/api/v1/incidents/{incident}/timeline").json()
    assert "lena (api): disk ordered" in [line["text"] for line in lines]


def test_several_incidents_at_once_each_get_their_answer(routed: Door) -> None:
    """One that is refused (3) or unknown (1) keeps none of the others from being done."""
    first, second = fire(routed, "Many1"), fire(routed, "Many2")
    at(routed, "ack", first)

    refused = at(routed, "ack", first, second)
    unknown = at(routed, "unack", "INC-99999", first, second)

    assert (refused.code, unknown.code) == (3, 1)
    assert f"you have acknowledged {first} already" in refused.err
    assert refused.out.startswith(f"{second} is acknowledged by lena (api)")
    assert "there is no incident 'INC-99999'" in unknown.err
    assert len(unknown.out.splitlines()) == 2


def test_programs_get_a_line_of_json_an_incident(routed: Door) -> None:
    """Also of what was not done."""
    incident = fire(routed, "Json")

    done = at(routed, "ack", incident, "-o", "json")
    refused = at(routed, "resolve", incident, "INC-99999", "-o", "json")

    assert [(one["incident"], one["done"], one["transition"]) for one in done.json] == [(incident, True, "ACK")]
    assert [(one["incident"], one["done"]) for one in refused.json] == [(incident, False), ("INC-99999", False)]
    assert (done.code, refused.code) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("snooze", "INC-1"), "expected one of --for and --until"),
        (("snooze", "INC-1", "--for", "2h", "--until", "2026-03-02T10:00:00Z"), "expected one of --for and --until"),
        (("snooze", "INC-1", "--for", "soon"), "'soon' is not a duration"),
        (("snooze", "INC-1", "--until", "tomorrow"), "expected a date and time with an offset"),
        (("incidents", "--match", 'model=~"("'), "match"),
    ],
)
def test_wrong_usage_is_said_as_such(routed: Door, arguments: tuple[str, ...], said: str) -> None:
    """Exit 2, and nothing is done."""
    ran = at(routed, *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in " ".join(ran.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("token", "said"), [("", "a token is wanted"), ("wrong", "a token is wanted"), ("reading-token", "may only read")]
)
def test_without_the_right_token_that_is_said(routed: Door, token: str, said: str) -> None:
    """And where commands take theirs from; no token is shown."""
    incident = fire(routed, "Guarded")

    ran = at(routed, "ack", incident, token=token)

    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert "ALERTROUTER_API_TOKEN" in ran.err
    assert "wrong" not in ran.err
    assert shown(routed, incident)["ack"] is None


def test_the_list_is_narrowed_and_says_who_has_what(routed: Door) -> None:
    """By severity and by the labels of the alerts."""
    incident = fire(routed, "Listed1", model="gpt-4")
    fire(routed, "Listed2", model="gpt-4", severity="warning")
    at(routed, "ack", incident)

    found = at(routed, "incidents", "--match", "model=gpt-4", "--severity", "critical")

    lines = found.out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{incident.removeprefix('INC-')}  acknowledged  critical")
    assert "taken by lena (api)" in lines[1]


def test_an_answer_that_is_late_is_not_called_done() -> None:
    """The server wrote it down, no router has answered yet: exit 3."""
    with HttpStandIn() as server:
        server.answer_next(Answer(202, b'{"incident": "INC-1", "key": "k", "text": "written down and will be done"}'))

        ran = run("ack", "INC-1", "--url", server.url)

    assert (ran.code, ran.out, ran.err) == (3, "", "INC-1: written down and will be done\n")


def test_without_a_server_that_is_said_plainly() -> None:
    """What was tried, and what to do."""
    ran = run("ack", "INC-1", "--url", f"http://127.0.0.1:{free_port()}")

    assert (ran.code, ran.out) == (1, "")
    assert "no alertrouter answers there" in ran.err


@pytest.mark.parametrize(
    ("command", "usage"),
    [(("ack",), "{ID}..."), (("silence", "add"), "[MATCHER]..."), (("healthcheck",), "{web|router|worker}")],
)
def test_help_says_what_may_stand_behind_a_command(command: tuple[str, ...], usage: str) -> None:
    """Once: what may come again has its dots outside."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", run(*command, "--help").out)  # in CI it is coloured

    assert f"alertrouter {' '.join(command)} [OPTIONS] {usage} " in said

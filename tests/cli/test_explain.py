"""`explain`: the whole story of an incident, and why somebody was not told, asked of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alertrouter.settings import from_environment
from tests.cli.running import Ran, run
from tests.roles import role
from tests.waiting import eventually
from tests.web.door import Door
from tests.web.routed import POLICY, fire, report, routed_door


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door without tokens, a router and a worker behind it."""
    directory = tmp_path_factory.mktemp("routed")
    with routed_door(directory, {}) as door:
        door.http.headers.pop("Authorization")
        settings = from_environment({"ALERTROUTER_REDIS_URL": door.redis_url})
        with role("worker", settings, directory / "worker.log"):
            yield door


def asked(door: Door, *arguments: str) -> Ran:
    """Run `explain` against the door."""
    return run("explain", *arguments, "--url", f"http://127.0.0.1:{door.port}", environ={"NO_COLOR": "1"})


def test_an_incident_is_told_from_its_first_report_to_now(routed: Door) -> None:
    """Each transition with its name and words, who has it, each delivery's fate; nothing is wider than 80 columns."""
    incident = fire(routed, "Told", node="a")
    sent(routed, incident, 1)
    routed.http.post(f"/api/v1/incidents/{incident}/ack")
    sent(routed, incident, 2)

    told = asked(routed, incident)

    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert (told.code, told.err) == (0, "")
    assert lines[0] == f'{incident} {{alertname="Told"}}'
    assert any(line.startswith("state acknowledged, critical, since ") for line in lines)
    assert any(line.startswith("taken by anonymous (api) at ") for line in lines)
    assert any(line.startswith("escalation page, 1 level told or skipped; ") for line in lines)
    assert any(line.startswith("timer lapse ") for line in lines)
    assert "held back its escalation: anonymous (api) has it" in lines
    for transition in ("NEW", "OPEN", "STEP level 1: chat", "ACK by anonymous (api) until"):
        assert any(f" UTC {transition}" in line for line in lines), transition
    assert f"{incident}.1 chat/inbox: opened" in lines
    assert f"{incident}.2 chat/inbox: acknowledged (redrawn in place)" in lines
    assert sum(line.startswith("sent after 1 attempt at ") for line in lines) == 2
    assert max(map(len, told.out.splitlines())) <= 80


def test_programs_get_all_of_it(routed: Door) -> None:
    """One line of JSON: the incident, its alerts, its story, its deliveries."""
    incident = fire(routed, "Whole")

    (found,) = asked(routed, incident, "-o", "json").json

    assert (found["id"], found["incident"]["state"]) == (incident, "triggered")
    assert [alert["labels"]["alertname"] for alert in found["alerts"]] == ["Whole"]
    assert [line["transition"] for line in found["timeline"] if line["transition"]] == ["NEW", "OPEN", "STEP"]
    assert [one["destination"] for one in found["deliveries"]] == ["chat/inbox"]


def test_whoever_was_not_told_learns_what_explained_it(routed: Door) -> None:
    """The rule and the alert behind it."""
    fire(routed, "NodeDown", node="n7")
    report(routed, "DiskSlow", node="n7")
    eventually(lambda: routed.http.get("/api/v1/incidents?match=alertname=DiskSlow").json(), "it is known")

    told = asked(routed, "--alert", "node=n7", "alertname=DiskSlow")

    text = " ".join(told.out.split())
    assert told.code == 0
    assert "held back 1 of 1 alerts: inhibited by NodeDown (rule node down)" in text
    assert "told nobody" in text


def test_whoever_was_told_learns_when(routed: Door) -> None:
    """Only the alerts with all of these labels count."""
    incident = fire(routed, "Seen", node="n8", disk="sda")
    sent(routed, incident, 1)

    told = asked(routed, "--alert", "node=n8", "disk=sda")
    other = asked(routed, "--alert", "node=n8", "disk=sda", "-o", "json")

    text = " ".join(told.out.split())
    assert text.startswith(f"{incident} triggered, critical, 1 such alert alert ")
    assert "held back nothing told chat/inbox once, last at " in text
    assert [one["explanation"]["id"] for one in other.json] == [incident]


def test_of_what_is_not_known_the_policy_says_what_it_would_do(routed: Door, tmp_path: Path) -> None:
    """Exit 3: nothing was found."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")

    told = asked(routed, "--alert", "alertname=Never", "severity=critical", "--policy", str(tmp_path))
    as_json = asked(routed, "--alert", "alertname=Never", "severity=critical", "--policy", str(tmp_path), "-o", "json")

    assert told.code == as_json.code == 3
    assert told.out.startswith('No alert with {alertname="Never", severity="critical"} is known')
    assert "team ops" in told.out
    assert as_json.json[0]["receivers"] == ["chat"]


def test_the_story_of_what_is_long_over_is_still_told(routed: Door) -> None:
    """The incident is forgotten, its story and its deliveries are kept."""
    incident = fire(routed, "Over")
    eventually(lambda: in_flight(routed, incident) == [False], "the router knows that it was sent", 20)
    routed.redis.hdel("ar:incidents", incident)

    told = asked(routed, incident)

    assert told.code == 0
    assert "long over: only its story is left" in told.out
    assert "STEP" in told.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("INC-99999",), 1, "there is no incident 'INC-99999'"),
        (("INC-1", "INC-2"), 2, "expected one ID, or --alert"),
        (("component=ai",), 2, "expected one ID, or --alert"),
        (("--alert", "INC-1"), 2, "expected LABEL=VALUE"),
    ],
)
def test_what_cannot_be_explained_is_said(routed: Door, arguments: tuple[str, ...], code: int, said: str) -> None:
    """Unknown incidents and wrong usage."""
    told = asked(routed, *arguments)

    assert (told.code, told.out) == (code, "")
    assert said in " ".join(told.err.replace("│", " ").split())


def sent(door: Door, incident: str, count: int) -> None:
    """Wait until so many deliveries of an incident were sent."""

    def states() -> bool:
        rows = door.http.get(f"/api/v1/incidents/{incident}/deliveries").json()
        return [row["state"] for row in rows] == ["sent"] * count

    eventually(states, f"{count} deliveries of {incident} are sent", 20)


def in_flight(door: Door, incident: str) -> list[bool]:
    """Of each destination, whether something is on its way: then the router is going to write the incident again."""
    destinations = door.http.get(f"/api/v1/incidents/{incident}").json()["destinations"]
    return [one["in_flight"] for one in destinations]

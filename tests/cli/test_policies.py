"""`publish`, `activate`, `rollback`, `policies`: changing the policy of a real server from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertrouter.calendars.keeper import FILE, written
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Shift
from tests.cli.running import Ran, run
from tests.cli.test_actions import at
from tests.web.door import Door
from tests.web.routed import POLICY, TOKENS, routed_door

OTHER = POLICY.replace("1h", "2h")
FIRST, SECOND = (load({"policy.yml": text}).revision for text in (POLICY, OTHER))


@pytest.fixture
def routed(tmp_path: Path) -> Iterator[Door]:
    """A door with tokens, and a router behind it that has POLICY in force."""
    (tmp_path / "routed").mkdir()
    with routed_door(tmp_path / "routed", {"ALERTROUTER_API_TOKENS": TOKENS}) as door:
        yield door


def publish(door: Door, directory: Path, text: str, *options: str, token: str = "lena-token") -> Ran:  # noqa: S107 - of a door that ends with the test
    """Publish a policy of one file."""
    directory.mkdir(exist_ok=True)
    (directory / "policy.yml").write_text(text, encoding="utf-8")
    return at(door, "publish", "--policy", str(directory), *options, token=token)


def test_a_policy_is_published_then_activated_then_rolled_back(routed: Door, tmp_path: Path) -> None:
    """Each step says what is in force, and the list who did it."""
    published = publish(routed, tmp_path / "new", OTHER)
    assert published == Ran(0, f"revision {SECOND} is published, and not in force yet\n", "")
    assert routed.redis.get("ar:active") == FIRST.encode()

    assert at(routed, "activate", SECOND) == Ran(0, f"revision {SECOND} is in force\n", "")
    assert routed.redis.get("ar:active") == SECOND.encode()

    assert at(routed, "rollback") == Ran(0, f"revision {FIRST} is in force\n", "")
    assert routed.redis.get("ar:active") == FIRST.encode()

    lines = at(routed, "policies").out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [FIRST, "activated"],
        [SECOND, "activated"],
        [SECOND, "published"],
        [FIRST, "activated"],
    ]
    assert lines[0].endswith("lena (api)  in force")
    assert lines[3].endswith("router  in force")
    assert at(routed, "policies", "-o", "json").json[0]["active"] == FIRST


def test_publish_and_activate_in_one_go(routed: Door, tmp_path: Path) -> None:
    """What was published is there to be looked at."""
    assert (
        publish(routed, tmp_path / "new", OTHER, "--activate").out.splitlines()[-1] == f"revision {SECOND} is in force"
    )
    assert routed.http.get(f"/api/v1/policies/revisions/{SECOND}").json()["files"] == {"policy.yml": OTHER}


def test_a_wrong_policy_does_not_even_reach_the_server(routed: Door, tmp_path: Path) -> None:
    """And the server checks too: what it is sent by others is refused whole, with every fault."""
    wrong = OTHER.replace("team: ops,", "team: opps,")
    ran = publish(routed, tmp_path / "new", wrong, "--activate")
    assert (ran.code, ran.out) == (1, "")
    assert "policy.yml:14:15" in ran.err

    answer = routed.http.post("/api/v1/policies/publish", json={"files": {"policy.yml": wrong}})
    assert answer.status_code == 409
    assert answer.json()["faults"][0].startswith(
        "policy.yml:14:15: route.team: unknown team `opps`, did you mean `ops`?"
    )
    assert routed.redis.xlen("ar:revisions") == 1


def test_what_is_kept_can_be_published_back(routed: Door, tmp_path: Path) -> None:
    """Also with the shifts of its calendars, which the router adds as a file of their own."""
    people = (
        OTHER
        + 'people: {lena: {email: lena@example.com}}\nschedules: {rota: {ical: "${ONCALL_ICAL}", fallback: chat}}\n'
    )
    shift = Shift(person="lena", since=datetime(2026, 3, 2, tzinfo=UTC), until=datetime(2026, 3, 9, tzinfo=UTC))
    files = {"policy.yml": people, FILE: written({"rota": (shift,)})}
    published = routed.http.post("/api/v1/policies/publish", json={"files": files})
    assert published.status_code == 201
    revision = published.json()["revision"]
    assert revision == load(files).revision

    kept = routed.http.get(f"/api/v1/policies/revisions/{revision}").json()["files"]
    again = routed.http.post("/api/v1/policies/publish", json={"files": kept})

    assert (again.status_code, again.json()["revision"]) == (201, revision)
    assert routed.http.post("/api/v1/policies/publish", json={"files": {"calendar": people}}).status_code == 422


def test_who_may_only_read_publishes_nothing(routed: Door, tmp_path: Path) -> None:
    """A token of scope read sees the list and no more."""
    refused = publish(routed, tmp_path / "new", OTHER, token="reading-token")

    assert (refused.code, "may only read" in refused.err) == (1, True)
    assert at(routed, "policies", token="reading-token").code == 0
    assert at(routed, "policies", token="wrong").code == 1


def test_what_is_not_there_can_not_be_activated(routed: Door) -> None:
    """Nor is there anything to go back to, before a second policy was in force."""
    unknown, nothing = at(routed, "activate", "abcdef123456"), at(routed, "rollback")

    assert unknown == Ran(1, "", "there is no policy of revision 'abcdef123456' among the newest\n")
    assert nothing == Ran(1, "", "no other policy was in force before\n")


def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    """As every command that asks one."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    ran = run("publish", "--policy", str(tmp_path), "--url", "http://127.0.0.1:9")

    assert (ran.code, "no alertrouter answers there" in ran.err) == (1, True)

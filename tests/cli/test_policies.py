"""`publish`, `activate`, `rollback`, `policies`: changing the policy of a real server from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alertrouter.calendars.keeper import FILE, written
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Shift
from alertrouter.shadow import ChangedThen, Details, Sums, ToldThen
from alertrouter.store.shadow_following import ShadowFollowing
from tests.cli.running import Ran, run
from tests.cli.test_actions import at
from tests.waiting import eventually
from tests.web.door import KEYS, Door
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
    assert [line for line in lines if "in force" in line] == lines[:1], "it was in force before, too, and is so once"
    assert at(routed, "policies", "-o", "json").json[0]["active"] == FIRST


def test_publishing_what_is_in_force_says_so(routed: Door, tmp_path: Path) -> None:
    """The list has it by its activation. A revision that can't be one is refused in words."""
    assert publish(routed, tmp_path / "new", POLICY).out == f"revision {FIRST} is published, and in force already\n"
    published, activated = at(routed, "policies").out.splitlines()
    assert (published.split()[1], published.endswith("lena (api)")) == ("published", True)
    assert (activated.split()[1], activated.endswith("router  in force")) == ("activated", True)
    assert at(routed, "activate", "abc") == Ran(
        1, "", "'abc' is no revision: expected 6 to 64 of 0-9 and a-f, as `alertrouter policies` shows them\n"
    )


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


def test_the_shifts_of_calendars_are_a_file_and_no_policy(routed: Door) -> None:
    """What is kept can be published back with them; a roll-back goes back to what people wrote before."""
    people = OTHER + "people: {lena: {email: lena@example.com}}\n"
    people += 'schedules: {rota: {ical: "${ONCALL_ICAL}", fallback: chat}}\n'
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

    assert at(routed, "activate", revision).code == 0
    without = load({"policy.yml": people}).revision
    eventually(lambda: routed.redis.get("ar:active") == without.encode(), "the router has read no such shift")
    itself = at(routed, "activate", revision, "--shadow")
    assert (itself.code, "in force itself" in itself.err) == (1, True)
    assert at(routed, "rollback").out == f"revision {FIRST} is in force\n"


def test_a_policy_is_put_into_the_shadow_looked_at_and_taken_away(routed: Door, tmp_path: Path) -> None:
    """It is in force neither before nor after; whoever reads may look. What can't be one is refused."""
    none = "there is no shadow: `alertrouter publish --shadow` or `activate REVISION --shadow` sets one\n"
    assert at(routed, "shadow") == Ran(1, "", none)
    assert at(routed, "shadow", "--stop") == Ran(1, "", none)
    said = f"revision {FIRST} is in force itself: in its own shadow there is nothing to see\n"
    assert at(routed, "activate", FIRST, "--shadow") == Ran(1, "", said)
    said = "there is no policy of revision 'abcdef123456' among the newest\n"
    assert at(routed, "activate", "abcdef123456", "--shadow") == Ran(1, "", said)
    both = publish(routed, tmp_path / "new", OTHER, "--shadow", "--activate")
    assert (both.code, "not both" in both.err) == (2, True)
    assert publish(routed, tmp_path / "new", OTHER, "--shadow", token="reading-token").code == 1
    assert not routed.redis.exists("ar:shadow")

    assert publish(routed, tmp_path / "new", OTHER, "--shadow").out.splitlines() == [
        f"revision {SECOND} is published, and not in force yet",
        f"revision {SECOND} is the shadow of {FIRST}: it tells nobody",
    ]
    assert routed.redis.get("ar:active") == FIRST.encode()
    shown = at(routed, "shadow", token="reading-token")
    assert (shown.code, shown.out.startswith(f"{SECOND} in the shadow of {FIRST}, since ")) == (0, True)
    assert at(routed, "policies", "-o", "json").json[0]["shadow"]["revision"] == SECOND
    assert f"{SECOND}  in shadow  " in at(routed, "policies").out
    assert at(routed, "activate", SECOND, "--shadow").code == 0, "set again, it begins anew"
    routed.redis.delete("ar:revisions")
    assert at(routed, "activate", SECOND, "--shadow").code == 0, "it is kept however much was published since"

    forbidden = at(routed, "shadow", "--stop", token="reading-token")
    assert (forbidden.code, "may only read" in forbidden.err) == (1, True)
    assert at(routed, "shadow", "--stop").out.splitlines()[-1] == "The shadow is taken away."
    assert not routed.redis.exists("ar:shadow")


def test_the_shadow_shows_what_would_have_gone_otherwise(door: Door, tmp_path: Path) -> None:
    """More pages stand out, and a pipeline may fail on them. One that could not go on says why."""
    door.redis.set("ar:active", FIRST)
    door.redis.hset("ar:policies", FIRST, msgspec.msgpack.encode({"policy.yml": POLICY}))
    assert ShadowFollowing(door.redis, KEYS).hold("this test"), "so that no process follows it"
    publish(door, tmp_path / "new", OTHER, "--shadow")
    note(door, stopped="")
    assert "ago: is a router active?" in at(door, "shadow").out

    note(door, stopped="it is in force since 2026-03-04 09:00:00 UTC, by lena (api)")

    lines = at(door, "shadow").out.splitlines()
    assert lines[1:] == SHOWN.splitlines()
    assert at(door, "shadow", "--fail-on", "more-pages").code == 3
    assert at(door, "shadow", "--fail-on", "any-change").code == 3
    assert at(door, "policies").out.splitlines()[-1].endswith("ended: pages 1 → 2, 1 incident otherwise")
    (found,) = at(door, "shadow", "-o", "json").json
    assert (found["pages"], found["by_hour"], found["state"]) == ([1, 2], {"3": [1, 2]}, "ended")
    assert found["changed"][0]["new"][0] == {
        "at": "2026-03-03T03:00:10Z",
        "receiver": "chat",
        "page": False,
        "over": False,
    }
    assert "pages 1 → 2, messages 3 → 4, 1 incident otherwise." in door.http.get("/live").text
    metrics = door.http.get("/metrics").text
    assert f'alertrouter_shadow_info{{live="{FIRST}",revision="{SECOND}"}} 1.0' in metrics
    assert 'alertrouter_shadow_pages{policy="shadow"} 2.0' in metrics

    assert at(door, "activate", SECOND, "--shadow").code == 0
    note(door, stopped="it could not go on: KeyError: 'x'", failed=True)
    ran = at(door, "shadow")
    assert ran.code == 1
    assert "It decides no more: it could not go on: KeyError: 'x'" in ran.out
    assert "alertrouter_shadow_failed 1.0" in door.http.get("/metrics").text
    assert "notice--bad" in door.http.get("/live").text


def note(door: Door, *, stopped: str, failed: bool = False) -> None:
    """Write down what a follower would have found, after which there is none that finds anything else."""
    following = ShadowFollowing(door.redis, KEYS)
    shadow = following.shadow()
    assert shadow is not None
    at_three = datetime(2026, 3, 3, 3, tzinfo=UTC)
    chat = ToldThen(at_three + timedelta(seconds=10), "chat", False, False)
    pages = [ToldThen(at_three + timedelta(minutes=minutes), "pager", True, False) for minutes in (60, 120)]
    sums = Sums(
        until=datetime(2026, 3, 4, 9, tzinfo=UTC),
        live=shadow.against,
        begins=datetime(2026, 3, 2, 11, tzinfo=UTC),
        events=12,
        paged=1,
        pages=(1, 2),
        messages=(3, 4),
        changed=1,
        stopped=stopped,
        failed=failed,
    )
    details = Details(
        by_receiver={"chat": (2, 2), "pager": (1, 2)},
        by_team={"ops": (1, 2)},
        by_hour={3: (1, 2)},
        changed=(ChangedThen("alertname=Down", at_three, (chat, pages[0]), (chat, *pages)),),
    )
    # A follower that has begun may write at the same moment: then neither is written.
    eventually(lambda: following.note(shadow, sums, details), "it is written")


SHOWN = """\
12 events until Wed 2026-03-04 09:00:00 UTC; 1 page really went out
The history is kept from Mon 2026-03-02 11:00 UTC on: what was before is not in the numbers.
It decides no more: it is in force since 2026-03-04 09:00:00 UTC, by lena (api)

pages                          1 → 2       +1
messages                       3 → 4       +1

pages by team
  ops                          1 → 2       +1

pages by hour
  03:00                        1 → 2       +1

messages by receiver
  pager                        1 → 2       +1

1 incident would have gone otherwise
  Tue 03-03 03:00 alertname=Down
    - +10s chat, +1h pager
    + +10s chat, +1h pager, +2h pager
"""


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

"""How a changed policy comes into force while the router runs, and how a wrong one doesn't."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest
import redis

from alertrouter.engine.changes import Answer
from alertrouter.events import PolicyActivated, ReloadAsked, encode
from alertrouter.policy.load import load
from alertrouter.settings import Settings
from alertrouter.store import revisions
from alertrouter.store.revisions import Happened, Revision
from tests.routing import OTHER_POLICY, POLICY, WRONG_POLICY, Routing, fires
from tests.times import START

SettingsFor = Callable[..., Settings]
REVISIONS = {text: load({"policy.yml": text}).revision for text in (POLICY, OTHER_POLICY)}


class Desk(Routing):
    """A router whose policy files somebody edits."""

    def write(self, text: str) -> None:
        """Save the policy file."""
        directory = self.settings.policy
        assert directory is not None
        (directory / "policy.yml").write_text(text, encoding="utf-8")

    def wait(self, seconds: float) -> None:
        """Let time go by, with a turn of the router at its end and one for what that put into the journal."""
        self.clock.now += timedelta(seconds=seconds)
        self.active.turn()
        self.active.turn()

    def ask(self) -> Answer:
        """Ask for a reload, and give what the router answers."""
        self.journal.append(encode(ReloadAsked(at=self.clock.now, actor="lena", key="asked")))
        self.active.turn()
        packed = cast(bytes, self.client.get(self.keys.answer("asked")))
        return msgspec.msgpack.decode(packed, type=Answer)

    def in_force(self) -> str:
        """The policy file's text behind the active revision."""
        active = cast(bytes, self.client.get(self.keys.active)).decode()
        return next(text for text, revision in REVISIONS.items() if revision == active)

    def refused(self) -> list[str]:
        """Why the files are refused."""
        packed = cast(bytes | None, self.client.get(self.keys.refused))
        return msgspec.msgpack.decode(packed, type=list[str]) if packed else []

    def story(self) -> list[Revision]:
        """What happened to policies, oldest first."""
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self.client.xrange(self.keys.revisions))
        return [revisions.unpack(fields[revisions.FIELD.encode()]) for _, fields in entries]


@pytest.fixture
def desk(settings_for: SettingsFor, client: redis.Redis) -> Desk:
    """A router that has POLICY in force."""
    return Desk(settings_for(POLICY), client)


def test_a_saved_file_is_in_force_soon(desk: Desk) -> None:
    """At the second look that finds it the same, so that nothing half written is read; nobody has to ask."""
    desk.write(OTHER_POLICY)

    desk.wait(2)
    assert desk.in_force() == POLICY
    desk.wait(2)

    assert desk.in_force() == OTHER_POLICY
    assert [(one.happened, one.actor) for one in desk.story()] == [
        (Happened.ACTIVATED, "router"),
        (Happened.ACTIVATED, "router (files)"),
    ]


def test_a_wrong_file_changes_nothing_and_every_fault_is_kept(desk: Desk) -> None:
    """The one in force stays, the faults can be shown, and the next good file makes them forgotten."""
    desk.write(WRONG_POLICY)
    desk.wait(2)
    desk.wait(2)

    assert desk.in_force() == POLICY
    assert [line for line in desk.refused() if line.startswith(f"{desk.settings.policy}/policy.yml:1:")]
    assert desk.client.hget(desk.keys.gauges, "policy_faults") == b"2"
    desk.journal.append(fires("Down"))
    desk.active.turn()
    assert list(desk.incidents()) == ["INC-1"]

    desk.write(OTHER_POLICY)
    desk.wait(2)
    desk.wait(2)
    assert desk.in_force() == OTHER_POLICY
    assert desk.refused() == []
    assert desk.client.hget(desk.keys.gauges, "policy_faults") == b"0"


def test_whoever_asks_is_told_what_came_of_it(desk: Desk) -> None:
    """At once, without waiting for a second look; asking again says that nothing is new."""
    desk.write(OTHER_POLICY)
    assert desk.ask().text == f"revision {REVISIONS[OTHER_POLICY]} is in force, before it was {REVISIONS[POLICY]}"
    assert desk.in_force() == OTHER_POLICY
    assert desk.ask().text == f"revision {REVISIONS[OTHER_POLICY]} is in force already"

    desk.write(WRONG_POLICY)
    answer = desk.ask()
    assert answer.problems
    assert answer.text.endswith(f"is refused, revision {REVISIONS[OTHER_POLICY]} stays in force")


def test_an_open_incident_keeps_its_policy_and_its_timers(desk: Desk) -> None:
    """Only incidents that begin afterwards follow the new one."""
    desk.journal.append(fires("Before"))
    desk.active.turn()
    before = desk.incidents()["INC-1"]
    desk.write(OTHER_POLICY)
    desk.ask()

    desk.journal.append(fires("After", seconds=1))
    desk.clock.set(seconds=1)
    desk.active.turn()

    assert desk.incidents()["INC-1"] == before
    assert desk.incidents()["INC-2"].revision == REVISIONS[OTHER_POLICY]


def test_what_was_published_stays_until_the_files_change(desk: Desk) -> None:
    """A takeover doesn't bring the old files back; a saved file does come into force, and so does asking for them."""
    files = {"policy.yml": OTHER_POLICY}
    published = PolicyActivated(at=START, actor="lena", key="p", revision=REVISIONS[OTHER_POLICY], files=files)
    desk.journal.append(encode(published))
    desk.active.turn()

    desk.active = desk.take_over()
    desk.wait(2)
    desk.wait(2)
    assert desk.in_force() == OTHER_POLICY

    assert desk.ask().problems == ()
    assert desk.in_force() == POLICY


def test_a_directory_that_goes_away_changes_nothing(desk: Desk) -> None:
    """As a broken mount: it is refused, and shown."""
    directory = cast(Path, desk.settings.policy)
    (directory / "policy.yml").unlink()
    directory.rmdir()
    desk.wait(2)
    desk.wait(2)

    assert desk.in_force() == POLICY
    assert "there is no such directory" in desk.refused()[0]

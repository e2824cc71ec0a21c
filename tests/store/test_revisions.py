"""Which policies are kept, when more were published or came into force than there is room for."""

from __future__ import annotations

import pytest
import redis

from alertrouter.engine.changes import Activation, Changes
from alertrouter.store.keys import Keys
from alertrouter.store.revisions import BY_ITSELF, FIELD, MOST, Happened, Revision
from alertrouter.store.statestore import StateStore
from tests.store.door import with_door
from tests.store.values import commit_of
from tests.times import at


class Story:
    """Policies that are published through a door, and come into force by a router's commit."""

    def __init__(self, url: str, keys: Keys, store: StateStore, epoch: int) -> None:
        self._url, self._keys, self._store, self._epoch = url, keys, store, epoch

    def publish(self, *names: str) -> None:
        """Lena publishes them, one after the other."""
        for name in names:
            one = Revision(happened=Happened.PUBLISHED, revision=name, at=at(), actor="lena (api)", files={"a": name})
            self._keep(one)

    def activate(self, *names: str, actor: str = "lena (api)") -> None:
        """They come into force, one after the other."""
        for name in names:
            activation = Activation(revision=name, at=at(), actor=actor, from_files=False)
            changes = Changes(policies={name: {"a": name}}, activation=activation)
            self._store.commit(self._epoch, commit_of(changes))

    def _keep(self, one: Revision) -> None:
        with_door(self._url, self._keys, lambda door: door.keep(one))

    def kept(self) -> list[str]:
        """What is kept, oldest first."""
        _, found = with_door(self._url, self._keys, lambda door: door.revisions())
        return [f"{one.happened} {one.revision}" for one in reversed(found)]


@pytest.fixture
def story(redis_url: str, keys: Keys, state_store: StateStore, epoch: int) -> Story:
    """Nothing has happened yet."""
    return Story(redis_url, keys, state_store, epoch)


def test_calendars_push_out_nothing_that_people_did(story: Story) -> None:
    """A policy with calendars comes into force anew at each change of a shift; what people wrote stays."""
    story.publish("spring", "summer")
    story.activate("spring", "summer")

    story.activate(*(f"shift-{number}" for number in range(MOST)), actor=BY_ITSELF)

    kept = story.kept()
    assert len(kept) == MOST
    assert kept[:5] == [
        "published spring",
        "published summer",
        "activated spring",
        "activated summer",
        "activated shift-4",
    ]
    assert kept[-1] == f"activated shift-{MOST - 1}"


def test_the_policy_in_force_is_kept_however_many_are_published(story: Story) -> None:
    """Those that were only tried go, the oldest first: what is in force can always be shown, and gone back to."""
    story.publish("spring")
    story.activate("spring")

    story.publish(*(f"draft-{number}" for number in range(MOST)))

    kept = story.kept()
    assert len(kept) == MOST
    assert kept[:3] == ["published spring", "activated spring", "published draft-2"]
    assert kept[-1] == f"published draft-{MOST - 1}"


def test_what_can_not_be_read_makes_room_too(story: Story, client: redis.Redis, keys: Keys) -> None:
    """An entry of another version doesn't keep a policy from being published."""
    client.xadd(keys.revisions, {FIELD: b"\xc1 no msgpack"})

    story.publish(*(f"draft-{number}" for number in range(MOST)))

    assert story.kept()[0] == "published draft-0"

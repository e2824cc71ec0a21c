"""The policies of the engine, told as stories: one in force, older ones for what they opened."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertrouter.engine.engine import Engine, NotApplied
from tests.engine.plain import PLAIN, burning
from tests.engine.story import Story, Told, at, persisted


def test_an_incident_keeps_the_policy_that_opened_it() -> None:
    """A reload sends new incidents elsewhere; open ones end where they began, and then their policy is forgotten."""
    story = burning()
    old = story.incident().revision

    story.activate(PLAIN.replace("receiver: chat\n  group_by", "receiver: pager\n  group_by"), 100)
    story.fire(101, "B", cluster="c2")
    story.advance(331)
    story.end(340, "A", cluster="c1")
    story.advance(700)
    pinned = set(story.engine.state.policies)
    story.advance(3600)

    assert Told(131, "pager/webhook", "opened", firing=("B",)) in story.told
    assert Told(630, "chat/webhook", "resolved", resolved=("A",)) in story.told
    assert old in pinned
    assert set(story.engine.state.policies) == {story.engine.state.active}


def test_a_wrong_policy_is_refused_whole() -> None:
    """The old one stays in force."""
    story = Story(PLAIN)
    active = story.engine.state.active

    with pytest.raises(NotApplied, match="unknown receiver") as refused:
        story.engine.apply(_activation("route: {receiver: nobody}\n"))

    assert not refused.value.changes
    assert story.engine.state.active == active


def test_an_incident_that_cannot_be_decided_is_parked_and_the_others_go_on() -> None:
    """One poisoned incident stops nobody else; it is shown and tried again, less and less often."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.fire(0, "B", cluster="c2")
    state = persisted(story.engine.state)
    state.incidents["INC-1"] = replace(state.incidents["INC-1"], route="gone")
    story.engine = Engine(state, now=at(0))

    story.advance(100)

    assert [told.firing for told in story.told] == [("B",)]
    assert story.counts["incidents_parked"] == 2
    assert story.incident("INC-1").due == at(30 + 60 + 120)
    assert "no route gone" in next(line.text for line in story.timeline if line.incident == "INC-1" and line.reason)


def test_a_stored_policy_that_cannot_be_loaded_stops_nobody() -> None:
    """An upgrade refuses what an older version accepted: its incidents go on under the policy that is active then."""
    story = burning()
    state = persisted(story.engine.state)
    state.policies[state.active] = {"policy.yml": "route: {receiver: nobody}"}

    story.engine = Engine(state, now=at(31))
    refused = list(story.engine.unloadable)
    story.activate(PLAIN.replace("4h", "5h").replace("1h", "3h"), 32)
    story.end(40, "A", cluster="c1")
    story.advance(400)

    assert len(refused) == 1
    assert Told(330, "chat/webhook", "resolved", resolved=("A",)) in story.told
    assert story.deliveries[-1].revision == story.engine.state.active  # a worker can't load the other one either


def _activation(text: str):  # type: ignore[no-untyped-def]  # the event's type is long and says nothing here
    from alertrouter.events import PolicyActivated

    return PolicyActivated(at=at(1), actor="test", key="p", revision="", files={"policy.yml": text})

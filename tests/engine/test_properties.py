"""What holds for the engine whatever happens, shown on random stories."""

from __future__ import annotations

from hypothesis import example, given, settings

from alertrouter.silence import SilenceMatcher
from tests.engine.random_steps import Step, stories
from tests.engine.watcher import Watcher


@settings(max_examples=150, deadline=None)
@given(stories)
def test_the_same_story_gives_the_same_changes(steps: list[Step]) -> None:
    """Deterministic, byte for byte, restarts included; and the invariants hold after every step.

    That looks which can find nothing are not taken changes nothing either.
    """
    first, second = Watcher(), Watcher(every_look=True)

    for step in steps:
        first.live(step)
        second.live(step)

    assert first.log == second.log


@settings(max_examples=150, deadline=None)
@given(stories)
@example(
    [
        ("fire", "A", "c2", "info", None, 0),
        *[("fire", "A", "c1", "info", None, wait) for wait in (0, 0, 0, 10)],
        ("end", "A", "c1", "info", 0),
        ("pass", 0),
        *[("fire", "A", "c1", "info", None, 0)] * 2,
        ("pass", 0),
        ("silence", (SilenceMatcher("cluster", "c[12]", is_regex=True),), 1, 60, False, 0),
        ("fire", "A", "c1", "info", None, 2),
    ]
)  # which incident a silence of many looks at first doesn't go by the order in which they were loaded
def test_a_restart_between_any_two_steps_changes_nothing(steps: list[Step]) -> None:
    """What is persisted is all that counts: an engine loaded anew goes on exactly as the old one would."""
    steady, restarted = Watcher(), Watcher()

    for step in steps:
        steady.live(step)
        restarted.live(step)
        restarted.restart()

    assert steady.log == restarted.log


@settings(max_examples=150, deadline=None)
@given(stories)
@example(
    [
        ("fire", "B", "c2", "info", None, 31),
        ("settle", 0, False, 334),
        ("fire", "A", "c1", "info", None, 143),
        ("end", "A", "c1", "info", 381),
        *[("fire", "A", "c1", "info", None, wait) for wait in (0, 328)],
        ("silence", (SilenceMatcher("alertname", "B"),), 213, 60, False, 400),
        ("settle", 0, False, 124),
    ]
)  # what is planned for the very moment that has come is looked at, too
def test_everybody_told_of_a_fire_is_told_of_its_end_and_nothing_is_left(steps: list[Step]) -> None:
    """When all is over and all arrives, nobody still believes in a fire, and the memory is empty."""
    watcher = Watcher()

    for step in steps:
        watcher.live(step)
    watcher.finish()

    believers = {who for who, what in watcher.told.items() if what and who[1] != "leads/email"}
    assert believers == set(), "send_resolved is false for the leads alone"
    state = watcher.story.engine.state
    assert (state.alerts, state.incidents, state.silences) == ({}, {}, {})
    assert watcher.story.engine.next_due() is None

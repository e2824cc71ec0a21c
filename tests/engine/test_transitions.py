"""Every state of an incident with everything that can happen to it, in one table."""

# ruff: noqa: E501  the lines of the table are as long as what it says

from __future__ import annotations

from functools import cache
from typing import Final, get_args

import pytest

from alertrouter.events import Action
from alertrouter.incident import State, Timer
from alertrouter.transition import TRANSITIONS, Transition
from tests.engine.transitions import HAPPENINGS, SCENES, Pair

# state, what happens, the transitions that it brings, the state afterwards, what a person is told ("not set": such a
# timer never comes in that state).
TABLE: Final = """
none         | another fires             | NEW                     | pending      |
none         | fires again               | NEW                     | pending      |
none         | a worse one fires         | NEW OPEN STEP           | triggered    |
none         | the worst ends            |                         | none         |
none         | all end                   |                         | none         |
none         | held back for a minute    |                         | none         |
none         | flaps                     | NEW OPEN STEP RESOLVE REOPEN STEP RESOLVE REOPEN FLAP STEP CALM | triggered    |
none         | flaps and is taken        | NEW ACK RESOLVE REOPEN ACK | acknowledged |
none         | not reported any more     |                         | none         |
none         | delivery sent             |                         | none         |
none         | delivery failed           |                         | none         |
none         | delivery cancelled        |                         | none         |
none         | another policy            |                         | none         |
none         | ack                       |                         | none         | there is no incident INC-9, or it is long over
none         | ack by who has it         |                         | none         | there is no incident INC-9, or it is long over
none         | extend                    |                         | none         | there is no incident INC-9, or it is long over
none         | extend into the past      |                         | none         | there is no incident INC-9, or it is long over
none         | unack                     |                         | none         | there is no incident INC-9, or it is long over
none         | snooze                    |                         | none         | there is no incident INC-9, or it is long over
none         | snooze into the past      |                         | none         | there is no incident INC-9, or it is long over
none         | resolve                   |                         | none         | there is no incident INC-9, or it is long over
none         | resolve by force          |                         | none         | there is no incident INC-9, or it is long over
none         | escalate                  |                         | none         | there is no incident INC-9, or it is long over
none         | escalate by an old button |                         | none         | there is no incident INC-9, or it is long over
none         | note                      |                         | none         | there is no incident INC-9, or it is long over
none         | timer wake                |                         | none         | there is no incident INC-9, or it is long over
none         | timer look                |                         | none         |
none         | timer lapse               |                         | none         | not set
none         | timer warn                |                         | none         | not set
none         | timer raise               |                         | none         | not set
none         | timer overdue             |                         | none         | not set
none         | timer step                |                         | none         | not set

pending      | another fires             |                         | pending      |
pending      | fires again               |                         | pending      |
pending      | a worse one fires         | OPEN STEP               | triggered    |
pending      | the worst ends            | OPEN STEP               | triggered    |
pending      | all end                   | BLIP                    | none         |
pending      | held back for a minute    | OPEN MUTE UNMUTE STEP   | triggered    |
pending      | flaps                     | BLIP NEW OPEN STEP RESOLVE REOPEN STEP RESOLVE REOPEN FLAP STEP CALM | triggered    |
pending      | flaps and is taken        | BLIP NEW ACK RESOLVE REOPEN ACK | acknowledged |
pending      | not reported any more     | OPEN STEP STEP LOOP STEP STEP DONE RAISE STEP STEP DONE STALE | triggered    |
pending      | delivery sent             |                         | pending      |
pending      | delivery failed           |                         | pending      |
pending      | delivery cancelled        |                         | pending      |
pending      | another policy            |                         | pending      |
pending      | ack                       | ACK                     | acknowledged | INC-1 is acknowledged by @omar until 10:21 UTC
pending      | ack by who has it         | ACK                     | acknowledged | INC-1 is acknowledged by @lena until 10:21 UTC
pending      | extend                    |                         | pending      | nobody has acknowledged INC-1
pending      | extend into the past      |                         | pending      | nobody has acknowledged INC-1
pending      | unack                     |                         | pending      | nobody has acknowledged INC-1
pending      | snooze                    | SNOOZE                  | pending      | INC-1 is snoozed until 2026-03-02 11:01 UTC by @omar
pending      | snooze into the past      |                         | pending      | the end of the snooze is in the past
pending      | resolve                   |                         | pending      | 2 alerts of INC-1 fire still: snooze it, or force it
pending      | resolve by force          |                         | pending      | INC-1 has not been told to anybody yet: silence it at its source, or snooze it
pending      | escalate                  |                         | pending      | INC-1 has no escalation policy in force
pending      | escalate by an old button |                         | pending      | INC-1 has no escalation policy in force
pending      | note                      |                         | pending      | INC-1 is pending
pending      | timer wake                | SNOOZE WAKE             | pending      | INC-1 is snoozed until 2026-03-02 10:01 UTC by @omar
pending      | timer look                | OPEN STEP               | triggered    |
pending      | timer lapse               |                         | pending      | not set
pending      | timer warn                |                         | pending      | not set
pending      | timer raise               |                         | pending      | not set
pending      | timer overdue             |                         | pending      | not set
pending      | timer step                |                         | pending      | not set

triggered    | another fires             | JOIN                    | triggered    |
triggered    | fires again               |                         | triggered    |
triggered    | a worse one fires         | JOIN WORSE STEP         | triggered    |
triggered    | the worst ends            | BETTER                  | triggered    |
triggered    | all end                   | RESOLVE                 | resolved     |
triggered    | held back for a minute    | MUTE UNMUTE             | triggered    |
triggered    | flaps                     | RESOLVE REOPEN STEP RESOLVE REOPEN FLAP STEP MUTE UNMUTE CALM | triggered    |
triggered    | flaps and is taken        | RESOLVE REOPEN ACK RESOLVE REOPEN ACK FLAP CALM | acknowledged |
triggered    | not reported any more     | STEP LOOP STEP STEP DONE RAISE STEP STEP DONE STALE | triggered    |
triggered    | delivery sent             |                         | triggered    |
triggered    | delivery failed           | STEP                    | triggered    |
triggered    | delivery cancelled        |                         | triggered    |
triggered    | another policy            |                         | triggered    |
triggered    | ack                       | ACK                     | acknowledged | INC-1 is acknowledged by @omar until 10:21 UTC
triggered    | ack by who has it         | ACK                     | acknowledged | INC-1 is acknowledged by @lena until 10:21 UTC
triggered    | extend                    |                         | triggered    | nobody has acknowledged INC-1
triggered    | extend into the past      |                         | triggered    | nobody has acknowledged INC-1
triggered    | unack                     |                         | triggered    | nobody has acknowledged INC-1
triggered    | snooze                    | SNOOZE                  | triggered    | INC-1 is snoozed until 2026-03-02 11:01 UTC by @omar
triggered    | snooze into the past      |                         | triggered    | the end of the snooze is in the past
triggered    | resolve                   |                         | triggered    | 2 alerts of INC-1 fire still: snooze it, or force it
triggered    | resolve by force          | CLOSE                   | resolved     | INC-1 is resolved
triggered    | escalate                  | STEP                    | triggered    | INC-1 is triggered
triggered    | escalate by an old button |                         | triggered    | INC-1 has been escalated since this message was drawn
triggered    | note                      |                         | triggered    | INC-1 is triggered
triggered    | timer wake                | SNOOZE WAKE             | triggered    | INC-1 is snoozed until 2026-03-02 10:01 UTC by @omar
triggered    | timer look                |                         | triggered    |
triggered    | timer lapse               |                         | triggered    | not set
triggered    | timer warn                |                         | triggered    | not set
triggered    | timer raise               | STEP LOOP STEP STEP DONE RAISE STEP | triggered    |
triggered    | timer overdue             | STEP                    | triggered    |
triggered    | timer step                | STEP                    | triggered    |

acknowledged | another fires             | JOIN                    | acknowledged |
acknowledged | fires again               |                         | acknowledged |
acknowledged | a worse one fires         | JOIN WORSE STEP         | triggered    |
acknowledged | the worst ends            | BETTER                  | acknowledged |
acknowledged | all end                   | RESOLVE                 | resolved     |
acknowledged | held back for a minute    | MUTE UNMUTE             | acknowledged |
acknowledged | flaps                     | RESOLVE REOPEN STEP RESOLVE REOPEN FLAP STEP MUTE UNMUTE CALM | triggered    |
acknowledged | flaps and is taken        | RESOLVE REOPEN ACK RESOLVE REOPEN ACK FLAP CALM | acknowledged |
acknowledged | not reported any more     | EXTEND STALE            | acknowledged |
acknowledged | delivery sent             |                         | acknowledged |
acknowledged | delivery failed           |                         | acknowledged |
acknowledged | delivery cancelled        |                         | acknowledged |
acknowledged | another policy            |                         | acknowledged |
acknowledged | ack                       | ACK+                    | acknowledged | INC-1 is acknowledged by @lena until 10:21 UTC
acknowledged | ack by who has it         |                         | acknowledged | you have acknowledged INC-1 already, at 10:01 UTC
acknowledged | extend                    | EXTEND                  | acknowledged | INC-1 is acknowledged by @lena until 11:01 UTC
acknowledged | extend into the past      |                         | acknowledged | the new time is in the past
acknowledged | unack                     | UNACK                   | triggered    | INC-1 is triggered
acknowledged | snooze                    | SNOOZE                  | acknowledged | INC-1 is snoozed until 2026-03-02 11:01 UTC by @omar, acknowledged by @lena
acknowledged | snooze into the past      |                         | acknowledged | the end of the snooze is in the past
acknowledged | resolve                   |                         | acknowledged | 2 alerts of INC-1 fire still: snooze it, or force it
acknowledged | resolve by force          | CLOSE                   | resolved     | INC-1 is resolved
acknowledged | escalate                  | UNACK STEP              | triggered    | INC-1 is triggered
acknowledged | escalate by an old button |                         | acknowledged | INC-1 has been escalated since this message was drawn
acknowledged | note                      | EXTEND                  | acknowledged | INC-1 is acknowledged by @lena until 10:21 UTC
acknowledged | timer wake                | SNOOZE WAKE             | acknowledged | INC-1 is snoozed until 2026-03-02 10:01 UTC by @omar, acknowledged by @lena
acknowledged | timer look                |                         | acknowledged |
acknowledged | timer lapse               | LAPSE STEP              | triggered    |
acknowledged | timer warn                |                         | acknowledged |
acknowledged | timer raise               |                         | acknowledged | not set
acknowledged | timer overdue             |                         | acknowledged | not set
acknowledged | timer step                |                         | acknowledged | not set

resolved     | another fires             | REOPEN                  | triggered    |
resolved     | fires again               | REOPEN                  | triggered    |
resolved     | a worse one fires         | REOPEN STEP             | triggered    |
resolved     | the worst ends            |                         | resolved     |
resolved     | all end                   |                         | resolved     |
resolved     | held back for a minute    |                         | resolved     |
resolved     | flaps                     | REOPEN STEP RESOLVE REOPEN FLAP STEP MUTE UNMUTE CALM | triggered    |
resolved     | flaps and is taken        | REOPEN ACK RESOLVE REOPEN ACK FLAP CALM | acknowledged |
resolved     | not reported any more     | LATE                    | none         |
resolved     | delivery sent             |                         | resolved     |
resolved     | delivery failed           |                         | resolved     |
resolved     | delivery cancelled        |                         | resolved     |
resolved     | another policy            |                         | resolved     |
resolved     | ack                       | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | ack by who has it         | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | extend                    | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | extend into the past      | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | unack                     | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | snooze                    | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | snooze into the past      | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | resolve                   | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | resolve by force          | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | escalate                  | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | escalate by an old button | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | note                      |                         | resolved     | INC-1 is resolved
resolved     | timer wake                | LATE                    | resolved     | INC-1 was resolved by its source at 10:01 UTC
resolved     | timer look                |                         | none         |
resolved     | timer lapse               |                         | resolved     | not set
resolved     | timer warn                |                         | resolved     | not set
resolved     | timer raise               |                         | resolved     | not set
resolved     | timer overdue             |                         | resolved     | not set
resolved     | timer step                |                         | resolved     | not set
"""

ROWS: Final = [tuple(cell.strip() for cell in line.split("|")) for line in TABLE.splitlines() if line]


@cache
def happen(state: State | None, happening: str) -> tuple[tuple[Pair, ...], int, str, str]:
    """Let it happen; gives all transitions, how many of them led to the scene, the state afterwards, what was said."""
    scene = SCENES[state](happening.startswith(("delivery", "timer overdue")))
    before = len(scene.transitions)
    scene.said = ""
    assert (scene.incident.state if scene.incident else None) is state

    HAPPENINGS[happening](scene)

    assert "incidents_parked" not in scene.story.counts
    after = scene.incident.state.value if scene.incident else "none"
    return tuple(scene.transitions), before, after, scene.said


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_what_happens_in_a_state(row: tuple[str, ...]) -> None:
    """The transitions by name, the state they lead to, and the words of a refusal."""
    state, happening, transitions, after, said = row

    pairs, before, found_after, found_said = happen(_state(state), happening)

    assert " ".join(transition.value for _, transition in pairs[before:]) == transitions
    assert (found_after, found_said) == (after, said)


def test_the_table_leaves_out_no_state_and_no_happening() -> None:
    """Each of the five with each of the others, once."""
    pairs = [(_state(state), happening) for state, happening, *_ in ROWS]

    assert sorted(pairs, key=str) == sorted(((state, what) for state in SCENES for what in HAPPENINGS), key=str)
    assert set(SCENES) == {None, *State}


def test_everything_that_a_person_or_a_timer_can_do_is_in_the_table() -> None:
    """Each kind of action and each timer has its lines; reports and deliveries have theirs."""
    people = {"Acknowledged": "ack", "Extended": "extend", "Unacknowledged": "unack", "Snoozed": "snooze"}
    people |= {"Resolved": "resolve", "Escalated": "escalate", "Noted": "note"}

    assert {kind.__name__ for kind in get_args(Action)} == set(people)
    assert {*people.values(), *(f"timer {timer.value}" for timer in Timer)} <= set(HAPPENINGS)


def test_the_transitions_are_those_that_happen_and_no_others() -> None:
    """What the table lives through is what `TRANSITIONS` allows: none is missing, none is only on paper."""
    lived = {pair for state in SCENES for happening in HAPPENINGS for pair in happen(state, happening)[0]}

    # Who joins before the opening stands in its first line; there is none of its own.
    assert lived | {(State.PENDING, Transition.JOIN)} == set(TRANSITIONS)


def _state(name: str) -> State | None:
    return None if name == "none" else State(name)

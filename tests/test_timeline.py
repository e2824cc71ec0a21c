"""Time made visible: what the engine would live through with an alert, told line by line."""

from __future__ import annotations

from datetime import timedelta

from alertrouter.incident import State, Timer
from alertrouter.simulate.timeline import Timeline
from alertrouter.transition import Transition
from tests.timelines import NIGHT, lived


def told(timeline: Timeline) -> list[str]:
    """What a test would expect of it."""
    return [str(one) for one in timeline.expectations]


def test_offsets_count_from_the_first_message() -> None:
    """`group_wait` lies before it; the moment of the first message is the one that was asked for."""
    timeline = lived({"component": "ai", "severity": "critical"}, "6m")

    opened = [line for line in timeline.lines if line.transition in (Transition.NEW, Transition.OPEN)]
    assert [(line.offset, line.transition) for line in opened] == [
        (timedelta(seconds=-30), Transition.NEW),
        (timedelta(), Transition.OPEN),
    ]
    assert timeline.start == NIGHT
    assert told(timeline) == ["0m ai-channel", "5m ai-pager"]


def test_what_fires_again_waits_for_its_group_as_in_life() -> None:
    """Long after it was over it is a new incident; soon after, the same one."""
    again = lived({"component": "ai", "severity": "info"}, "30m", "1m resolve", "5m fire", "6m resolve", "20m fire")

    assert told(again) == [
        "0m ai-channel",
        "1m resolved ai-channel",
        "5m30s ai-channel",
        "6m30s resolved ai-channel",
        "20m30s ai-channel",
    ]
    names = [line.transition for line in again.lines if line.transition in (Transition.NEW, Transition.REOPEN)]
    assert names == [Transition.NEW, Transition.REOPEN, Transition.NEW]


def test_what_people_do_is_named_with_what_it_cancels() -> None:
    """The level and the raise that will not come, and when they would have."""
    timeline = lived({"component": "ai", "severity": "warning"}, "10m", "7m ack @lena")

    (ack,) = [line for line in timeline.lines if line.transition is Transition.ACK]
    assert ack.text == "by @lena until 06:07 UTC; cancels level 2 (+20m) and the raise to critical (+45m)"


def test_what_can_not_be_done_is_said() -> None:
    """Nobody has it yet; then it is over; then nothing is left of it."""
    labels = {"component": "ai", "severity": "info"}

    timeline = lived(labels, "1h", "1m unack @omar", "2m resolve", "3m ack", "30m ack")

    assert [(str(line.offset), line.text) for line in timeline.lines if not line.told][-3:] == [
        ("0:02:00", "all its alerts are over"),
        ("0:03:00", "you: INC-1 was resolved by its source at 02:02 UTC"),
        ("0:30:00", "you: there is no incident any more"),
    ]
    assert "@omar: nobody has acknowledged INC-1" in [line.text for line in timeline.lines]
    assert timeline.ahead == ()


def test_it_says_how_it_stands_at_the_end_and_what_would_come() -> None:
    """Who reads two hours knows what the third brings."""
    timeline = lived({"component": "ai", "severity": "critical"}, "6m")

    (ahead,) = timeline.ahead
    assert (ahead.state, ahead.severity) == (State.TRIGGERED, "critical")
    assert ahead.next == ((Timer.STEP, timedelta(minutes=20)),)


def test_what_another_alert_explains_waits_for_its_end() -> None:
    """Nobody is told of it, and it is not forgotten; where the other one fires later, the ladder stands still."""
    labels = {"component": "ai", "severity": "critical", "node": "a"}
    node = {"alertname": "NodeDown", "node": "a"}

    before = lived(labels, "20m", "10m others resolve", also_firing=(node,))
    later = lived(labels, "20m", "2m others fire", "12m others resolve", also_firing=(node,))

    assert told(before) == ["10m30s ai-channel", "15m30s ai-pager"]
    assert told(later) == ["0m ai-channel", "15m30s ai-pager"]


def test_each_route_has_an_incident_of_its_own() -> None:
    """The second message comes when its own group has waited; a receiver that reaches nobody is told nothing."""
    timeline = lived({"component": "both", "severity": "none"}, "2m", "1m ack")

    assert told(timeline) == ["30s infra-channel"]
    assert {line.incident for line in timeline.lines if line.transition is Transition.ACK} == {"INC-1", "INC-2"}


def test_more_and_less_severe() -> None:
    """Both are seen; the policy of the worse one goes on (no escape by a wobble)."""
    labels = {"component": "ai", "severity": "warning"}

    timeline = lived(labels, "10m", "1m severity critical", "3m severity warning")

    assert told(timeline)[:3] == ["0m ai-channel", "1m severity=critical", "1m ai-channel"]
    assert "6m ai-pager" in told(timeline)

"""The incidents as JSON."""

from __future__ import annotations

import pytest

from alertrouter.incident import State
from tests.web.door import Door
from tests.web.kept import keep_incident, keep_line


def test_incidents_are_listed_newest_first(door: Door) -> None:
    """With what their destinations were told."""
    for number in (1, 3, 2):
        keep_incident(door, number)

    listed = door.http.get("/api/v1/incidents").json()

    assert [one["id"] for one in listed] == ["INC-3", "INC-2", "INC-1"]
    assert listed[0]["destinations"] == [
        {
            "id": "ai-channel/slack",
            "messages": 2,
            "in_flight": False,
            "last_sent_at": "2026-11-22T14:00:00Z",
            "error": "late",
        }
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"INC-1", "INC-2", "INC-3"}),
        ("?state=resolved", {"INC-2"}),
        ("?state=triggered&state=pending", {"INC-1", "INC-3"}),
        ("?state=acknowledged", set()),
    ],
)
def test_the_list_can_be_narrowed_to_some_states(door: Door, query: str, expected: set[str]) -> None:
    """Several states may be asked for at once."""
    keep_incident(door, 1, State.TRIGGERED)
    keep_incident(door, 2, State.RESOLVED)
    keep_incident(door, 3, State.PENDING)

    listed = door.http.get(f"/api/v1/incidents{query}").json()

    assert {one["id"] for one in listed} == expected


def test_a_state_that_does_not_exist_is_refused(door: Door) -> None:
    """Rather than answered with an empty list."""
    assert door.http.get("/api/v1/incidents?state=open").status_code == 422


def test_one_incident_is_shown_with_its_story(door: Door) -> None:
    """The story is told from its beginning; of a long one the newest lines."""
    incident = keep_incident(door, 7, component="ai")
    for minute in range(3):
        keep_line(door, incident.id, f"line {minute}", minute)

    shown = door.http.get("/api/v1/incidents/INC-7").json()
    story = door.http.get("/api/v1/incidents/INC-7/timeline?limit=2").json()

    assert (shown["number"], shown["state"], shown["group_labels"]) == (7, "triggered", {"component": "ai"})
    assert [line["text"] for line in story] == ["line 1", "line 2"]
    assert (story[0]["transition"], story[0]["reason"]) == ("NEW", "opened")


def test_the_story_outlives_the_incident(door: Door) -> None:
    """It can be asked for when the incident is forgotten."""
    keep_line(door, "INC-5", "long ago")

    assert door.http.get("/api/v1/incidents/INC-5").status_code == 404
    assert [line["text"] for line in door.http.get("/api/v1/incidents/INC-5/timeline").json()] == ["long ago"]


@pytest.mark.parametrize("path", ["/api/v1/incidents/INC-9", "/api/v1/incidents/INC-9/timeline"])
def test_an_incident_that_never_was_is_not_found(door: Door, path: str) -> None:
    """The answer says which."""
    answer = door.http.get(path)

    assert (answer.status_code, answer.json()) == (404, {"error": "there is no incident 'INC-9'"})

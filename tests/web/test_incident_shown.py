"""An incident's page: its story, its messages and what its alerts say."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from alertrouter.alert import Fingerprint
from alertrouter.incident import Destination, State
from alertrouter.store.begun import BEGUN, pack_marks
from tests.web.door import KEYS, Door
from tests.web.kept import keep, keep_alert, keep_incident, keep_line, keep_message


def test_an_incident_has_a_page_with_its_story_and_its_messages(door: Door) -> None:
    """And only its own."""
    keep_incident(door, 1, alertname="DiskFull")
    keep_line(door, "INC-1", "it began")
    keep_message(door, 1, "<p>its message</p>")
    keep_message(door, 2, "<p>of another</p>")

    page = door.http.get("/incidents/INC-1").text

    assert "DiskFull" in page
    assert "it began" in page
    assert "its message" in page
    assert "of another" not in page


def test_an_incidents_page_shows_what_its_alerts_say(door: Door) -> None:
    """What fires, where and since when, the way to the runbook, and why one is held back; nothing that could run."""
    incident = keep_incident(door, 1, alertname="DiskFull")
    said = {
        "summary": "the disk is full",
        "description": "2 of 80 GiB are left",
        "runbook_url": "https://r.example.com/",
    }
    keep_alert(door, incident, said, instance="db-2")
    keep_alert(
        door, incident, {"summary": "<b>also</b>", "runbook": "javascript:alert(1)"}, held="inhibited by NodeDown"
    )
    door.redis.hset(KEYS.alerts, keep_alert(door, incident, {}, instance="old").fingerprint, b"of another version")

    page = door.http.get("/incidents/INC-1").text

    assert 'Its alerts <span class="count">2</span>' in page
    for text in (
        "the disk is full",
        "2 of 80 GiB are left",
        "<code>instance=db-2</code>",
        "fires since",
        ">Source</a>",
    ):
        assert text in page
    assert '<a href="https://r.example.com/" rel="noreferrer">Runbook</a>' in page
    assert "inhibited by NodeDown" in page
    assert "&lt;b&gt;also&lt;/b&gt;" in page
    assert "javascript:" not in page


def test_a_page_says_that_it_has_not_counted_all_of_very_many_alerts(door: Door) -> None:
    """It looks at 500 of them: a page of a storm is there at once, and doesn't call them all there are."""
    incident = keep_incident(door, 1, alertname="DiskFull")
    one = keep_alert(door, incident, {})
    copies = {f"{number:016x}": replace(one, fingerprint=Fingerprint(f"{number:016x}")) for number in range(501)}
    door.redis.hset(KEYS.alerts, mapping={mark: msgspec.msgpack.encode(copy) for mark, copy in copies.items()})
    told = tuple(copy.fingerprint for copy in copies.values())
    keep(door, replace(incident, destinations=(Destination(id="chat/slack", told=told),)))

    page = door.http.get("/incidents/INC-1").text

    assert 'Its alerts <span class="count">500+</span>' in page
    assert "… and 480+ more" in page


@pytest.mark.parametrize("labels", [{"alertname": "DiskFull"}, {}], ids=["grouped", "all in one group"])
def test_an_incidents_page_shows_its_alerts_before_anybody_was_told(door: Door, labels: dict[str, str]) -> None:
    """Those of a group that waits for others to join, or whose messages wait for their hours; none of another group."""
    incident = replace(keep_incident(door, 1), group_labels=labels)
    other = replace(keep_incident(door, 2), group_labels=labels)
    ours = keep_alert(door, incident, {"summary": "the disk is full"}, instance="db-1")
    theirs = keep_alert(door, other, {"summary": "not of this group"}, instance="db-2")
    door.redis.xadd(KEYS.begun, {BEGUN: pack_marks([ours.fingerprint, theirs.fingerprint])})
    keep(door, replace(incident, state=State.PENDING, destinations=()))

    page = door.http.get("/incidents/INC-1").text

    assert "the disk is full" in page
    assert "not of this group" not in page


def test_an_incident_that_never_was_has_no_page(door: Door) -> None:
    """It says so in words."""
    answer = door.http.get("/incidents/INC-404")

    assert answer.status_code == 404
    assert "There is no such incident." in answer.text

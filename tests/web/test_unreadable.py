"""Records of another version, as after a step back, or broken ones: they cost nobody a page or the API."""

from __future__ import annotations

import msgspec
import pytest

from tests.web.door import KEYS, Door
from tests.web.kept import keep_alert, keep_incident, keep_line, keep_message

ANOTHER = b"\x93of another version"
BROKEN = msgspec.msgpack.encode({"id": "INC-9"}).replace(b"INC-9", b"INC-\xff")


@pytest.mark.parametrize("record", [ANOTHER, BROKEN], ids=["another version", "broken"])
def test_what_cannot_be_read_does_not_hide_the_rest(door: Door, record: bytes) -> None:
    """Incidents, alerts and silences are listed without it."""
    keep_alert(door, keep_incident(door, 1, alertname="DiskFull"), {})
    for key in (KEYS.alerts, KEYS.incidents, KEYS.silences):
        door.redis.hset(key, "0f" * 8, record)
    door.redis.set(KEYS.silences_version, record)

    page, incidents = door.http.get("/"), door.http.get("/api/v1/incidents")
    alerts = door.http.get("/api/v2/alerts", params={"filter": 'alertname="DiskFull"'})
    silences = door.http.get("/api/v2/silences")

    assert [one.status_code for one in (page, incidents, alerts, silences)] == [200] * 4
    assert "DiskFull" in page.text
    assert [one["id"] for one in incidents.json()] == ["INC-1"]
    assert [one["labels"]["alertname"] for one in alerts.json()] == ["DiskFull"]


@pytest.mark.parametrize("record", [ANOTHER, BROKEN], ids=["another version", "broken"])
def test_an_incident_is_told_of_without_what_cannot_be_read_of_it(door: Door, record: bytes) -> None:
    """Its story, its messages and its deliveries are shown as far as they can be."""
    keep_incident(door, 1, alertname="DiskFull")
    keep_line(door, "INC-1", "opened with two alerts")
    door.redis.rpush(KEYS.timeline("INC-1"), record)
    keep_message(door, 1, "<p>it is full</p>")
    door.redis.hset(KEYS.inbox, "broken", record)
    door.redis.zadd(KEYS.inbox_order, {"broken": 9e15})
    door.redis.rpush(KEYS.deliveries("INC-1"), "INC-1.1", "INC-1.2")
    door.redis.hset(KEYS.delivery("INC-1.1"), mapping={"delivery": record, "state": "sent"})
    door.redis.hset(KEYS.delivery("INC-1.2"), mapping={"delivery": record})

    inbox, page = door.http.get("/"), door.http.get("/incidents/INC-1")
    told = [door.http.get(f"/api/v1/incidents/INC-1/{what}") for what in ("timeline", "deliveries")]

    assert [one.status_code for one in (inbox, page, *told)] == [200] * 4
    assert "it is full" in inbox.text
    assert all(text in page.text for text in ("opened with two alerts", "it is full"))
    assert [line["text"] for line in told[0].json()] == ["opened with two alerts"]
    assert told[1].json() == []


@pytest.mark.parametrize("record", [ANOTHER, BROKEN], ids=["another version", "broken"])
def test_an_incident_that_cannot_be_read_is_not_known(door: Door, record: bytes) -> None:
    """As to the router, which leaves it where it is: that is said, and its story is there still."""
    door.redis.hset(KEYS.incidents, "INC-1", record)
    keep_line(door, "INC-1", "opened with two alerts")

    page, asked = door.http.get("/incidents/INC-1"), door.http.get("/api/v1/incidents/INC-1")

    assert (page.status_code, asked.status_code) == (200, 404)
    assert "opened with two alerts" in page.text


@pytest.mark.parametrize("record", [ANOTHER, BROKEN], ids=["another version", "broken"])
def test_policies_are_told_of_without_what_cannot_be_read_of_them(door: Door, record: bytes) -> None:
    """What was published once, why the files were refused, and even the policy in force."""
    door.redis.set(KEYS.active, "0123456789ab")
    door.redis.hset(KEYS.policies, "0123456789ab", record)
    door.redis.set(KEYS.refused, record)
    door.redis.xadd(KEYS.revisions, {"r": record})
    door.redis.xadd(KEYS.revisions, {"another": record})

    answers = [door.http.get(path) for path in ("/", "/api/v1/policies", "/api/v2/status", "/api/v2/alerts")]

    assert [one.status_code for one in answers] == [200] * 4
    assert "Policy refused" in answers[0].text

"""Signs of life come in over HTTP: what is answered, and that 200 means the journal has it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from alertrouter import events
from alertrouter.engine.state import Pulse
from tests.servers import RedisServer
from tests.web.door import KEYS, Door, running_door

ADDRESS = "/api/v1/heartbeat/nightly-backup"


@pytest.fixture
def expecting(door: Door) -> Door:
    """A door whose router expects one heartbeat."""
    expect(door)
    return door


def expect(door: Door) -> None:
    """Leave in the store what a router leaves there."""
    pulse = Pulse(since=datetime(2026, 3, 2, 10, 0, tzinfo=UTC))
    door.redis.hset(KEYS.heartbeats, "nightly-backup", msgspec.msgpack.encode(pulse))
    door.redis.set(KEYS.active, "abc")


def beats(door: Door) -> list[tuple[str, str]]:
    """The name and the key of each beat in the journal."""
    found = [events.decode(fields[b"e"]) for _, fields in door.entries(KEYS.journal)]
    return [(event.name, event.key) for event in found if isinstance(event, events.Heartbeat)]


@pytest.mark.parametrize("body", [b"", b"rsync: 12 files", b'{"ok": true}'])
def test_an_expected_beat_is_in_the_journal(expecting: Door, body: bytes) -> None:
    """Under the id of the answer, whatever the body says."""
    answer = expecting.post(ADDRESS, body)

    assert answer.status_code == 200
    assert beats(expecting) == [("nightly-backup", answer.json()["id"])]
    assert answer.headers["X-Request-Id"] == answer.json()["id"]


@pytest.mark.parametrize("name", ["nightly-backups", "%00", "%F0%9F%92%A9", "x" * 5000])
def test_a_beat_that_nobody_expects_is_answered_404(expecting: Door, name: str) -> None:
    """A wrong name in a crontab is seen at once, not in the night in which it matters."""
    answer = expecting.post(f"/api/v1/heartbeat/{name}", b"")

    assert answer.status_code == 404
    assert answer.json()["error"] == "the active policy expects no heartbeat of this name"
    assert beats(expecting) == []


def test_before_a_policy_is_active_a_beat_is_to_be_sent_again(door: Door) -> None:
    """Nobody can say yet which are expected."""
    answer = door.post(ADDRESS, b"")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "no policy is active yet"


def test_only_posts_are_beats(expecting: Door) -> None:
    """A browser that looks at the address keeps nothing alive."""
    answer = expecting.http.get(ADDRESS)

    assert answer.status_code == 405
    assert beats(expecting) == []


def test_a_beat_needs_the_credentials_of_a_sender(own_redis: RedisServer) -> None:
    """The same as an alert, told in the same words."""
    with running_door(own_redis.url, {"ALERTROUTER_INGEST_TOKENS": "sesame", "ALERTROUTER_MAX_BODY": "1024"}) as door:
        expect(door)

        stranger = door.post(ADDRESS, b"")
        friend = door.post(ADDRESS, b"", Authorization="Bearer sesame")
        chatterer = door.post(ADDRESS, b"x" * 2000, Authorization="Bearer sesame")

        assert (stranger.status_code, stranger.headers["WWW-Authenticate"]) == (401, 'Bearer realm="alertrouter"')
        assert (friend.status_code, chatterer.status_code) == (200, 413)
        assert len(beats(door)) == 1


def test_a_beat_is_taken_in_while_the_backlog_keeps_out_alerts(own_redis: RedisServer) -> None:
    """A storm of alerts must not look like the end of every heartbeat."""
    with running_door(own_redis.url, {"ALERTROUTER_MAX_BACKLOG": "1"}) as door:
        expect(door)
        door.post("/api/v1/alerts", b'{"alertname": "One"}')

        alert = door.post("/api/v1/alerts", b'{"alertname": "Two"}')
        beat = door.post(ADDRESS, b"")

        assert (alert.status_code, beat.status_code) == (503, 200)


def test_a_beat_is_not_lost_in_silence_when_the_store_is_gone(own_redis: RedisServer) -> None:
    """503 says: again."""
    with running_door(own_redis.url) as door:
        expect(door)
        own_redis.kill()

        answer = door.post(ADDRESS, b"")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")

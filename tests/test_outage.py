"""What the log says of a store that is away: at once, then once a minute, then that it is back."""

from __future__ import annotations

from structlog.testing import capture_logs

from alertrouter import log
from alertrouter.errors import StoreUnavailable
from alertrouter.outage import Outage

AWAY = StoreUnavailable("Redis does not answer")


class Watch:
    """A clock that a test turns."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds that only grow."""
        return self.now


def test_a_store_that_stays_away_is_said_at_once_and_then_once_a_minute() -> None:
    """Given a loop that tries twice a second for two minutes and a half."""
    with capture_logs() as said:
        watch = Watch()
        outage = Outage(log.get("test"), watch)
        for _ in range(300):
            outage.goes_on(AWAY)
            watch.now += 0.5

    assert [(line["event"], line["seconds"]) for line in said] == [
        ("store unavailable", 0),
        ("store unavailable", 60),
        ("store unavailable", 120),
    ]
    assert said[0]["reason"] == "Redis does not answer"


def test_its_return_is_said_once_and_the_next_outage_at_once() -> None:
    """And nothing is said of a store that was never away."""
    with capture_logs() as said:
        watch = Watch()
        outage = Outage(log.get("test"), watch)
        outage.over()
        outage.goes_on(AWAY)
        watch.now += 5
        outage.over()
        outage.over()
        outage.goes_on(AWAY)

    assert [(line["event"], line["seconds"]) for line in said] == [
        ("store unavailable", 0),
        ("store available again", 5),
        ("store unavailable", 0),
    ]

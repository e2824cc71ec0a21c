"""Calendars that are fetched again and again: a router follows them, and keeps the last good one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import pytest
import redis

from alertrouter.calendars.feed import MOST_BYTES, read_calendar, sources
from alertrouter.calendars.keeper import Calendars
from alertrouter.errors import CalendarError
from alertrouter.policy.load import load
from alertrouter.policy.oncall import Turn
from alertrouter.settings import Settings
from tests.calendars.texts import calendar, event
from tests.cli.running import run
from tests.roles import role
from tests.routing import Routing
from tests.standins import Answer, HttpStandIn
from tests.times import START
from tests.waiting import eventually

SettingsFor = Callable[..., Settings]
POLICY = """
receivers: {ai: {inbox: {}}}
people: {lena: {email: lena@example.com}, omar: {email: omar@example.com}}
schedules: {ops: {ical: "${ONCALL_ICAL}", fallback: ai}}
teams: {ops: {channel: ai, oncall: ops}}
route: {receiver: ai, group_by: [alertname]}
"""
LENA, OMAR, FALLBACK = (
    Turn(who="lena", why="calendar"),
    Turn(who="omar", why="calendar"),
    Turn(who="ai", why="fallback"),
)


@pytest.fixture
def server() -> Iterator[HttpStandIn]:
    """Where the calendar lies."""
    with HttpStandIn() as stand_in:
        yield stand_in


def publish(server: HttpStandIn, *events: str) -> None:
    """Let the server have a calendar of these events."""
    server.answer_always(Answer(200, calendar(*events).encode(), {"Content-Type": "text/calendar"}))


def shift(who: str, around: datetime = START) -> str:
    """An event of somebody, from a day before until three days later."""
    since, until = around - timedelta(days=1), around + timedelta(days=3)
    return event(f"{since:%Y%m%dT%H%M%SZ}", f"{until:%Y%m%dT%H%M%SZ}", f"SUMMARY:{who}")


class Followed(Routing):
    """A router whose policy has a calendar, and a look at whom it calls."""

    def look(self) -> None:
        """Have the calendars read; the router follows within its next turns."""
        self.calendars.refresh()
        self.follow()

    def follow(self) -> None:
        """Let three seconds go by; the router is never early, and so waits for nothing."""
        for seconds in (2, 1):
            self.clock.now += timedelta(seconds=seconds)
            self.active.turn()

    def restart(self) -> None:
        """Go on as another process."""
        self.calendars = Calendars(self.settings, self.clock)
        self.active = self.take_over()

    def write(self, text: str) -> None:
        """Save the policy file, and wait until the router has seen that nobody writes any more."""
        assert self.settings.policy is not None
        (self.settings.policy / "policy.yml").write_text(text, encoding="utf-8")
        for _ in range(3):
            self.follow()

    def revision(self) -> str:
        """The revision in force."""
        return cast(bytes, self.client.get(self.keys.active)).decode()

    def who(self) -> Turn:
        """Who is on call now, by the policy in force."""
        packed = cast(bytes, self.client.hget(self.keys.policies, self.revision()))
        policy = load(msgspec.msgpack.decode(packed, type=dict[str, str]))
        return policy.schedules["ops"].on_call(self.clock.now)


@pytest.fixture
def followed(settings_for: SettingsFor, client: redis.Redis, server: HttpStandIn) -> Followed:
    """A router that has just begun, when Lena is on call by the calendar, which has not been read yet."""
    publish(server, shift("lena"))
    return Followed(settings_for(POLICY, {"ONCALL_ICAL": f"{server.url}/private-secret/basic.ics"}), client)


def test_a_router_follows_a_calendar(followed: Followed, server: HttpStandIn) -> None:
    """Until it has been read the fallback is on call; a reading that says the same makes no other policy."""
    before = followed.who()
    followed.look()
    first, revision = followed.who(), followed.revision()
    followed.look()
    same = followed.revision() == revision
    publish(server, shift("omar"))
    followed.look()

    assert (before, first, followed.who()) == (FALLBACK, LENA, OMAR)
    assert same


@pytest.mark.parametrize(
    "broken", [Answer(500), Answer(drop=True), Answer(200, b"<html>"), Answer(302), Answer(200, b"")]
)
def test_the_last_good_one_stays(followed: Followed, server: HttpStandIn, broken: Answer) -> None:
    """While the server is away, also for a router that starts meanwhile, and with a policy that somebody edits."""
    followed.look()
    server.answer_always(broken)
    followed.look()
    stays, revision = followed.who(), followed.revision()
    followed.restart()
    followed.look()
    again, same = followed.who(), followed.revision() == revision
    followed.write(POLICY + "severities: [low, high]\n")

    assert (stays, again, followed.who()) == (LENA, LENA, LENA)
    assert same
    assert followed.revision() != revision


def test_who_leaves_the_policy_leaves_the_calendar(followed: Followed) -> None:
    """Nothing of it is refused: who is left is on call, or the fallback."""
    followed.look()

    followed.write(POLICY.replace("lena:", "kim:").replace("lena@", "kim@"))

    assert followed.who() == FALLBACK


def test_a_schedule_that_gives_its_calendar_up_is_free_of_it(followed: Followed) -> None:
    """Layers take its place."""
    followed.look()

    followed.write(POLICY.replace('ical: "${ONCALL_ICAL}"', "layers: [{people: [omar], start: 2026-01-01}]"))

    assert followed.who() == Turn(who="omar", why="layer 1")


def test_a_calendar_that_is_too_large_or_not_set_is_refused(settings_for: SettingsFor, server: HttpStandIn) -> None:
    """The error shows nothing of its address, which is a secret."""
    (source,) = sources(load({"policy.yml": POLICY}))
    server.answer_always(Answer(200, b" " * (MOST_BYTES + 1)))
    addresses = {
        "larger than": f"{server.url}/private-secret.ics",
        "is not set": "",
        "no connection": "http://127.0.0.1:1/private-secret",
    }

    for said, address in addresses.items():
        with pytest.raises(CalendarError, match=said) as refused:
            read_calendar(source, settings_for(POLICY, {"ONCALL_ICAL": address}), START)
        assert "private" not in str(refused.value)


def test_a_real_router_reads_its_calendar_soon(
    settings_for: SettingsFor, client: redis.Redis, server: HttpStandIn, tmp_path: Path
) -> None:
    """Beside its loop, at once when it begins, and again every so often."""
    now = datetime.now(UTC)
    publish(server, shift("lena", now))
    settings = settings_for(POLICY, {"ONCALL_ICAL": server.url, "ALERTROUTER_ICAL_EVERY": "1"})
    log = tmp_path / "router.log"

    with role("router", settings, log):
        for number, who in enumerate(("lena", "omar"), start=1):
            publish(server, shift(who, now))
            eventually(partial(_says, log, "router (calendars)", number), f"{who} is on call", 20)


def _says(log: Path, text: str, number: int) -> bool:
    return log.read_text(encoding="utf-8").count(text) == number


def test_oncall_and_doctor_look_at_the_calendar(server: HttpStandIn, tmp_path: Path) -> None:
    """The one shows who it is, or says that it can't; the other whom nobody knows. `check` fetches nothing."""
    now = datetime.now(UTC)
    publish(server, shift("lena", now), shift("Eva", now))
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    environ = {"ALERTROUTER_POLICY": str(tmp_path), "ONCALL_ICAL": server.url, "ALERTROUTER_LISTEN": "127.0.0.1:1"}

    shown = run("oncall", "--next", environ=environ)
    found = run("doctor", "-o", "json", environ=environ).json[0]["findings"]
    server.answer_always(Answer(503))
    without = run("oncall", environ=environ)
    checked = run("check", environ=environ)

    assert shown.out.startswith("ops  lena (calendar) until ")
    looked_at = [(one["verdict"], one["text"]) for one in found if one["check"] == "calendar"]
    assert [verdict for verdict, _ in looked_at] == ["warning", "fine"]
    assert looked_at[0][1] == "ops: 1 titles name nobody of the policy, as `Eva`"
    assert without.out == "ops  ai (fallback)\n"
    assert "shown without its calendar: the calendar's server answered 503" in without.err
    assert "nobody but the fallback" not in checked.out + checked.err

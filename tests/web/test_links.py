"""Links that acknowledge: for a day, once, and only by the button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2
import pytest
from msgspec.structs import replace

from alertrouter.incident import Ack, Incident, State
from alertrouter.links import VALID
from alertrouter.notice import Notice
from alertrouter.render.samples import sample_notice
from tests.web.answering import answering, fire, journalled, resolve, story, taken_by
from tests.web.door import KEYS, Door, running_door
from tests.web.kept import AT, keep_alert, keep_incident, keep_line
from tests.web.linking import EMAIL, SECRET, links

OLD_SECRET: Final = "an-older-secret-of-links"


@pytest.fixture(scope="module")
def linked(emptied_redis: str) -> Iterator[Door]:
    """A door that signs with one secret and knows an older one."""
    with running_door(emptied_redis, {"ALERTROUTER_LINK_SECRET": f"{SECRET},{OLD_SECRET}"}) as door:
        yield door


@pytest.fixture
def quiet(linked: Door) -> Door:
    """It, before an empty store; no router is behind it."""
    linked.redis.flushall()
    return linked


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door with a router behind it."""
    with answering(tmp_path_factory.mktemp("answering"), {"ALERTROUTER_LINK_SECRET": SECRET}) as door:
        yield door


def notice_of(incident: Incident, at: datetime | None = None, delivery: int = 1) -> Notice:
    """A notice of an incident that somebody should take."""
    return replace(
        sample_notice(),
        incident=incident.id,
        delivery=f"{incident.id}.{delivery}",
        opened_at=incident.opened_at,
        at=at or datetime.now(UTC),
        external_url="http://door.example.org",
    )


def path_to(incident: Incident, at: datetime | None = None, recipient: str = EMAIL, secrets: str = SECRET) -> str:
    """The path of the link in a message about an incident."""
    link = links(secrets).ack_link(notice_of(incident, at), recipient)
    assert link.startswith("http://door.example.org/ack/")
    return link.removeprefix("http://door.example.org")


def has_button(page: httpx2.Response) -> bool:
    """Whether a page can be used to acknowledge."""
    return '<form method="post">' in page.text


def test_the_page_shows_the_incident_and_only_its_button_acknowledges(decided: Door) -> None:
    """Whoever presses it has the incident, by the name that the link was made for."""
    incident = fire(decided, "Shown")
    path = path_to(incident)

    page = decided.http.get(path)
    again = decided.http.get(path)
    head = decided.http.head(path)
    taken_before = taken_by(decided, incident.id)
    pressed = decided.http.post(path)

    assert (page.status_code, again.status_code, head.status_code) == (200, 200, 200)
    assert has_button(page)
    assert all(text in page.text for text in ("Shown", "critical", "triggered", "Nobody has taken it yet", "NEW"))
    assert taken_before == ""
    assert pressed.status_code == 200
    assert not has_button(pressed)
    assert taken_by(decided, incident.id) == "lena@example.org (email link)"
    assert "<strong>lena@example.org (email link)</strong> has it since" in pressed.text
    assert any(line.startswith("ACK by lena@example.org (email link) until") for line in story(decided, incident.id))


def test_a_person_of_the_policy_acts_by_their_own_name(decided: Door) -> None:
    """When the link went to their own address; the page says so before they press."""
    incident = fire(decided, "Nina's")
    path = path_to(incident, recipient="nina@example.org")

    page = decided.http.get(path)
    decided.http.post(path)

    assert "written down as <strong>nina (email link)</strong>" in page.text
    assert taken_by(decided, incident.id) == "nina (email link)"


def test_a_link_works_once(decided: Door) -> None:
    """Pressed again it changes nothing and says how the incident stands, also after it was given back."""
    incident = fire(decided, "Once")
    path = path_to(incident)
    decided.http.post(path)
    length = journalled(decided)

    again = decided.http.post(path)
    looked = decided.http.get(path)

    assert (again.status_code, looked.status_code) == (410, 410)
    assert "This link has been used" in again.text
    assert not has_button(looked)
    assert journalled(decided) == length
    assert sum(line.startswith("ACK") for line in story(decided, incident.id)) == 1


def test_a_second_person_with_a_page_from_before_is_written_down_too(decided: Door) -> None:
    """Their button was drawn while nobody had it; nothing is lost."""
    incident = fire(decided, "Two")
    decided.http.post(path_to(incident))
    other = links().ack_link(notice_of(incident, delivery=2), "omar@example.org")

    page = decided.http.get(other.removeprefix("http://door.example.org"))
    pressed = decided.http.post(other.removeprefix("http://door.example.org"))

    assert (page.status_code, has_button(page)) == (200, False)
    assert pressed.status_code == 200
    assert "With omar@example.org (email link)." in pressed.text


def test_what_is_over_can_not_be_acknowledged(decided: Door) -> None:
    """The page says so, and nothing is written into the story."""
    incident = fire(decided, "Over")
    path = path_to(incident)
    resolve(decided, incident.id)

    looked = decided.http.get(path)
    pressed = decided.http.post(path)

    assert (looked.status_code, pressed.status_code) == (410, 410)
    assert "It is over since" in looked.text
    assert not has_button(looked)
    assert not [line for line in story(decided, incident.id) if EMAIL in line]


def test_a_link_expires_after_a_day(quiet: Door) -> None:
    """Then neither its page shows the incident nor does its button do anything."""
    incident = keep_incident(quiet, 1, alertname="Secretive")
    now = datetime.now(UTC)

    old = path_to(incident, now - VALID - timedelta(seconds=1))
    nearly = path_to(incident, now - VALID + timedelta(minutes=5))

    assert [quiet.http.get(old).status_code, quiet.http.post(old).status_code] == [410, 410]
    assert "has expired" in quiet.http.get(old).text
    assert "Secretive" not in quiet.http.get(old).text
    assert has_button(quiet.http.get(nearly))
    assert journalled(quiet) == 0


def test_a_link_of_a_former_incident_of_the_same_number_does_nothing(quiet: Door) -> None:
    """Numbers begin again when the store is wiped."""
    incident = keep_incident(quiet, 1)

    former = path_to(replace(incident, opened_at=AT - timedelta(days=1)))
    never = path_to(replace(incident, id="INC-404"))

    assert [quiet.http.post(path).status_code for path in (former, never)] == [410, 410]
    assert journalled(quiet) == 0


def test_without_a_router_it_is_written_down_and_said(quiet: Door) -> None:
    """The event waits in the journal; the page does not pretend that it was decided."""
    incident = keep_incident(quiet, 1)

    pressed = quiet.http.post(path_to(incident))

    assert pressed.status_code == 202
    assert "It is written down" in pressed.text
    assert not has_button(pressed)
    assert journalled(quiet) == 1


def test_what_is_written_down_is_said_even_if_nothing_can_be_read_afterwards(quiet: Door) -> None:
    """It has changed: nobody is told that it hasn't, and to press a button that is used up."""
    incident = keep_incident(quiet, 1)
    quiet.redis.set(KEYS.timeline(incident.id), "no list: to read it is an error")

    pressed = quiet.http.post(path_to(incident))

    assert (pressed.status_code, journalled(quiet)) == (202, 1)
    assert "It is written down" in pressed.text
    assert "Nothing has changed" not in pressed.text


def test_both_secrets_are_read_and_the_first_one_signs(quiet: Door) -> None:
    """So that a secret can be changed while links are out."""
    incident = keep_incident(quiet, 1)

    opened = [
        quiet.http.get(path_to(incident, secrets=secrets)).status_code
        for secrets in (SECRET, OLD_SECRET, f"{SECRET},{OLD_SECRET}", "a-secret-of-somebody-else")
    ]

    assert opened == [200, 200, 200, 404]
    assert path_to(incident, AT, secrets=f"{SECRET},{OLD_SECRET}") == path_to(incident, AT, secrets=SECRET)


def test_another_alertrouter_with_the_same_secret_has_other_links(quiet: Door) -> None:
    """The namespace is part of the signature."""
    incident = keep_incident(quiet, 1)
    foreign = links(ALERTROUTER_NAMESPACE="other").ack_link(notice_of(incident), EMAIL)

    assert quiet.http.get(foreign.removeprefix("http://door.example.org")).status_code == 404


@pytest.mark.parametrize(
    "token",
    ["x", "%00", "%FF%FE", "a" * 990, "a" * 5000, ".eJw", "%2e%2e%2fetc", "%F0%9F%94%A5.x", "e30.abc"],
)
def test_a_strange_token_is_not_found(quiet: Door, token: str) -> None:
    """For looking and for pressing alike; the store is not asked."""
    assert quiet.http.get(f"/ack/{token}").status_code == 404
    assert quiet.http.post(f"/ack/{token}").status_code == 404


def test_a_body_that_is_too_large_is_refused(quiet: Door) -> None:
    """The button sends nothing; whatever is large is no button."""
    path = path_to(keep_incident(quiet, 1))

    answer = quiet.http.post(path, content=b"x" * 100_000)

    assert answer.status_code == 413
    assert journalled(quiet) == 0


def test_the_page_shows_what_the_alert_says(quiet: Door) -> None:
    """Whoever is woken sees what it is about before pressing."""
    incident = keep_incident(quiet, 1)
    keep_alert(quiet, incident, {"summary": "the disk is <b>full</b>"}, instance="db-2")

    page = quiet.http.get(path_to(incident)).text

    assert "the disk is &lt;b&gt;full&lt;/b&gt;" in page
    assert "<code>instance=db-2</code>" in page


def test_what_senders_wrote_is_escaped_on_the_page(quiet: Door) -> None:
    """Labels, lines and recipients are text, whatever they hold."""
    evil = "<script>alert(1)</script>"
    incident = keep_incident(quiet, 1, alertname=evil, component='"><img src=x onerror=alert(1)>')
    keep_line(quiet, incident.id, evil)

    page = quiet.http.get(path_to(incident, recipient=f"{evil}@example.org")).text

    assert "&lt;script&gt;alert(1)" in page
    assert evil not in page
    assert "<img src=x" not in page


def test_the_page_may_not_be_kept_framed_or_told_on(quiet: Door) -> None:
    """Its address is a credential: no referrer, no cache, no search engine; nothing from elsewhere."""
    page = quiet.http.get(path_to(keep_incident(quiet, 1)))

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", page.text)


def test_the_page_of_a_door_without_a_secret_knows_no_link(shared_door: Door) -> None:
    """There is nothing that it could have signed."""
    assert (
        shared_door.http.get(f"/ack/{links().ack_link(sample_notice(), EMAIL).rpartition('/')[2]}").status_code == 404
    )


@pytest.mark.parametrize(
    ("change", "linked"),
    [
        ({}, True),
        ({"state": State.PENDING}, True),
        ({"state": State.ACKNOWLEDGED, "ack": Ack(by="lena (slack)", at=AT, until=None, level=0)}, False),
        ({"state": State.RESOLVED, "status": "resolved"}, False),
        ({"external_url": ""}, False),
    ],
    ids=["firing", "pending", "acknowledged", "resolved", "no address"],
)
def test_there_is_a_link_only_while_somebody_should_acknowledge(change: dict[str, object], linked: bool) -> None:
    """And only where it leads somewhere."""
    notice = replace(sample_notice(), **change)

    assert bool(links().ack_link(notice, EMAIL)) is linked

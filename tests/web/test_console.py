"""The pages that people look at."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from alertrouter.incident import Ack, Destination, State
from alertrouter.settings import from_environment
from alertrouter.web.first_steps import receiver
from tests.journeys.programs import installed
from tests.waiting import eventually
from tests.web.door import Door, running_door
from tests.web.kept import AT, keep, keep_incident, keep_line, keep_message, keep_silence


def test_an_empty_inbox_tells_how_to_send_a_first_alert_and_that_line_works(door: Door) -> None:
    """What stands on the page can be copied into a shell as it is."""
    page = door.http.get("/").text

    found = re.search(r"<code>(curl [^<]*)</code>", page)
    assert found
    line = found[1].replace("&#34;", '"').replace("&#39;", "'")
    answer = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=30, check=True).stdout

    assert '"accepted":1' in answer


@pytest.mark.parametrize(
    "wanted",
    [{}, {"ALERTROUTER_INGEST_TOKENS": "t0ken"}, {"ALERTROUTER_INGEST_USERS": "a:b"}],
    ids=["open", "token", "user"],
)
def test_the_receiver_on_the_page_is_one_that_alertmanager_takes(wanted: dict[str, str], tmp_path: Path) -> None:
    """What is copied into alertmanager.yml passes its own check."""
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: alertrouter}\n" + receiver(from_environment(wanted)))

    check = [installed("amtool"), "check-config", str(config)]
    checked = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)

    assert checked.returncode == 0, checked.stderr


def test_the_first_alert_line_names_the_credentials_that_are_needed_and_never_shows_them(emptied_redis: str) -> None:
    """A token is a secret; the page is not."""
    with running_door(emptied_redis, {"ALERTROUTER_INGEST_TOKENS": "s3cret-token"}) as guarded:
        page = guarded.http.get("/").text

    assert "ALERTROUTER_INGEST_TOKENS" in page
    assert "s3cret-token" not in page


def test_messages_are_shown_newest_first_as_they_were_rendered(door: Door) -> None:
    """The inbox is what the message would look like."""
    for number in (1, 2):
        keep_message(door, number, f"<article>message {number}</article>")

    page = door.http.get("/").text

    assert re.findall(r"<article>message (\d)</article>", page) == ["2", "1"]


def test_open_incidents_are_shown_and_counted_and_those_that_are_over_are_not(door: Door) -> None:
    """Also in the window's title."""
    keep_incident(door, 1, State.TRIGGERED, alertname="DiskFull", component="db")
    keep_incident(door, 2, State.RESOLVED, alertname="LongOver")
    keep_incident(door, 3, State.ACKNOWLEDGED, component="only-this")

    page = door.http.get("/").text

    assert "<title>(2) Inbox" in page
    assert "DiskFull" in page
    assert "only-this" in page
    assert "LongOver" not in page


def test_a_silenced_incident_says_at_a_glance_who_silenced_it_why_and_until_when(door: Door) -> None:
    """Whoever has it stands there too; a comment is text, whatever is in it."""
    account = "silenced by S-1f2e3d4c until 2026-11-22 18:00 UTC (sam: <b>new disk</b>)"
    keep(door, replace(keep_incident(door, 1), silenced=account))
    taken, account = Ack(by="lena (api)", at=AT, until=None, level=1), account.replace("S-1f2e3d4c", "S-2f2e3d4c")
    keep(door, replace(keep_incident(door, 2, State.ACKNOWLEDGED), ack=taken, silenced=account))

    page = door.http.get("/").text

    assert "silenced by S-1f2e3d4c until 2026-11-22 18:00 UTC (sam: &lt;b&gt;new disk&lt;/b&gt;)" in page
    assert "taken by lena (api)" in page
    assert "silenced by S-2f2e3d4c until" in page


def test_an_incident_says_at_a_glance_whom_it_did_not_reach(door: Door) -> None:
    """A token that Slack refuses is seen by whoever looks at the page, and not in the log alone."""
    missed = Destination(id="chat/slack", error="Slack chat.postMessage: invalid_auth (the token is <not> valid)")
    keep(door, replace(keep_incident(door, 1), destinations=(Destination(id="chat/email"), missed)))

    page = door.http.get("/").text

    assert "not chat/slack: Slack chat.postMessage: invalid_auth (the token is &lt;not&gt; valid)" in page
    assert "not chat/email" not in page


def test_an_inbox_without_messages_explains_itself_once_something_is_open(door: Door) -> None:
    """With credentials for all channels it stays empty: nobody is told to send a first alert then."""
    keep_incident(door, 1)

    page = door.http.get("/").text

    assert "No message here: what there is to tell of the open incidents goes to channels of its own" in page
    assert "No message yet" not in page


def test_many_open_incidents_are_cut_and_the_rest_is_counted(door: Door) -> None:
    """The page stays readable in a storm."""
    for number in range(1, 31):
        keep_incident(door, number)

    page = door.http.get("/").text

    assert page.count('class="chip ') == 24
    assert "6 more" in page


def test_what_is_wrong_stands_on_top(door: Door) -> None:
    """Somebody who looks at the page sees that nobody decides."""
    assert "no router is active" in door.http.get("/").text


def test_the_changing_part_is_not_sent_again_while_it_is_the_same(door: Door) -> None:
    """The page asks every two seconds."""
    first = door.http.get("/live")
    again = door.http.get("/live", headers={"If-None-Match": first.headers["ETag"]})
    keep_message(door, 1, "<p>news</p>")
    changed = door.http.get("/live", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code, again.content, changed.status_code) == (200, 304, b"", 200)
    assert "<html" not in changed.text
    assert "<p>news</p>" in changed.text


def test_the_page_works_without_a_script(door: Door) -> None:
    """There is a link to look again, and the content is in the page itself."""
    assert '<a id="refresh" href="/">Refresh</a>' in door.http.get("/").text


@pytest.mark.parametrize("path", ["/", "/live", "/incidents/INC-1", "/incidents/none"])
def test_every_page_forbids_what_it_does_not_need(door: Door, path: str) -> None:
    """No script but its own, no frame around it, no guessing of types."""
    keep_incident(door, 1)

    headers = door.http.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/incidents/INC-1"])
def test_nothing_on_a_page_needs_what_its_own_policy_forbids(door: Door, path: str) -> None:
    """No inline script, no inline style, nothing from another host; and what it links to is there."""
    keep_incident(door, 1)

    page = door.http.get(path).text

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    linked = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page)
    assert linked
    assert all(door.http.get(address).status_code == 200 for address in linked)


def test_what_senders_wrote_is_escaped(door: Door) -> None:
    """Labels and lines are text, whatever they hold."""
    evil = "<script>alert(1)</script>"
    incident = keep_incident(door, 1, alertname=evil, component='"><img src=x onerror=alert(1)>')
    keep_line(door, incident.id, evil)

    pages = [door.http.get(path).text for path in ("/", "/incidents/INC-1", f"/incidents/{evil}")]

    assert all(evil not in page and "<img src=x" not in page for page in pages)


def test_many_open_pages_share_one_look(door: Door) -> None:
    """A store with many incidents is decoded once a second, however many tabs ask."""
    for number in range(1, 600):
        keep_incident(door, number)
    before = commands(door)

    pages = [door.http.get("/live").text for _ in range(30)]

    assert len(set(pages)) == 1
    assert "575 more" in pages[0]
    assert commands(door) - before < 30


def commands(door: Door) -> int:
    """How many times all incidents were read."""
    found = cast(dict[str, dict[str, int]], door.redis.info("commandstats"))
    return int(found.get("cmdstat_hvals", {}).get("calls", 0))


def test_silences_are_shown_with_who_why_and_until_when(door: Door) -> None:
    """What is over is not, and what somebody wrote is text."""
    for number in range(1, 10):
        keep_silence(door, number, hours=number)
    keep_silence(door, 11, hours=-0.5, comment="long over")
    keep_silence(door, 10, hours=0.5, comment="<b>move</b>")

    def shown_silences() -> str:
        section = door.http.get("/").text.partition('id="silences-title"')[2].partition("</section>")[0]
        return section if ">10</span>" in section else ""

    shown = eventually(shown_silences, "the ten silences on the page")
    assert "2 more" in shown
    assert shown.index("S-00000010") < shown.index("S-00000001"), "what ends first comes first"
    assert "sam: &lt;b&gt;move&lt;/b&gt;" in shown
    assert "long over" not in shown


def test_without_silences_nothing_is_said_of_them(door: Door) -> None:
    """The page is for what there is."""
    eventually(lambda: "silences-title" not in door.http.get("/").text, "a page without silences")

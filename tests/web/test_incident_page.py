"""The button on an incident's page: it acts for whoever may, and for no other site."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest

from alertrouter.incident import State
from tests.web.answering import answering, fire, standing, story, taken_by
from tests.web.door import Door, running_door
from tests.web.kept import keep_incident

TOKENS = "lena:write:lena-token,grafana:read:reading-token"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door for this machine, with a router behind it."""
    with answering(tmp_path_factory.mktemp("local"), {}) as door:
        yield door


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door with tokens, with a router behind it."""
    with answering(tmp_path_factory.mktemp("guarded"), {"ALERTROUTER_API_TOKENS": TOKENS}) as door:
        yield door


def browser(door: Door) -> httpx2.Client:
    """Somebody who keeps cookies and follows where they are sent."""
    return httpx2.Client(base_url=str(door.http.base_url), follow_redirects=True, timeout=30)


def fill_in(page: httpx2.Response, **fields: str) -> dict[str, str]:
    """The form on a page as a browser sends it, with what the person types."""
    word = re.search(r'name="word" value="([^"]+)"', page.text)
    action = re.search(r'name="action" value="([^"]+)"', page.text)
    assert word
    assert action
    return {"word": word[1], "action": action[1], **fields}


def origin(door: Door) -> dict[str, str]:
    """What a browser says of where its form came from."""
    return {"Origin": str(door.http.base_url).rstrip("/")}


def test_without_tokens_who_sits_at_the_machine_may_press_it(local: Door) -> None:
    """Acknowledge, and give back; the page that comes then shows it."""
    incident = fire(local, "Pressed")
    path = f"/incidents/{incident.id}"

    with browser(local) as person:
        taken = person.post(path, data=fill_in(person.get(path)), headers=origin(local))
        by = taken_by(local, incident.id)
        given_back = person.post(path, data=fill_in(taken), headers=origin(local))

    assert (taken.status_code, by) == (200, "anonymous (console)")
    assert "anonymous (console)" in taken.text
    assert given_back.status_code == 200
    assert standing(local, incident.id).state is State.TRIGGERED
    assert "UNACK given back by anonymous (console)" in story(local, incident.id)


def test_another_sites_form_can_not_press_it(local: Door) -> None:
    """Neither without the cookie's word, nor with a wrong one, nor from another origin or host, nor by a proxy."""
    incident = fire(local, "Forged")
    path = f"/incidents/{incident.id}"

    with browser(local) as person:
        good = fill_in(person.get(path))
        tries = [
            person.post(path, data={"action": "ack"}, headers=origin(local)),
            person.post(path, data={**good, "word": "guessed"}, headers=origin(local)),
            person.post(path, data=good, headers={"Origin": "https://evil.example.com"}),
            person.post(path, data=good, headers={"Origin": "null"}),
            person.post(path, data=good, headers={**origin(local), "Host": "evil.example.com"}),
            person.post(path, data=good, headers={**origin(local), "X-Forwarded-For": "203.0.113.9"}),
        ]
        tries.append(httpx2.post(str(person.base_url.join(path)), data=good, headers=origin(local)))

    assert [one.status_code for one in tries] == [403] * 7
    assert all("Nothing has changed" in one.text for one in tries)
    assert taken_by(local, incident.id) == ""


def test_with_tokens_the_person_types_one_in(guarded: Door) -> None:
    """Its name is who acts; one that may only read, or none at all, does nothing, and no page shows it again."""
    incident = fire(guarded, "Guarded")
    path = f"/incidents/{incident.id}"

    with browser(guarded) as person:
        page = person.get(path)
        refused = [
            person.post(path, data=fill_in(page, token=token), headers=origin(guarded))
            for token in ("", "wrong-token", "reading-token")
        ]
        before = taken_by(guarded, incident.id)
        taken = person.post(path, data=fill_in(page, token="lena-token"), headers=origin(guarded))

    assert 'type="password" name="token"' in page.text
    assert [one.status_code for one in refused] == [401, 401, 403]
    assert before == ""
    assert (taken.status_code, taken_by(guarded, incident.id)) == (200, "lena (console)")
    assert not any("reading-token" in one.text for one in refused)


def test_what_can_not_be_done_is_said(local: Door) -> None:
    """Who acknowledges twice hears so; a form that can't be read changes nothing; what is unknown is not found."""
    incident = fire(local, "Twice")
    path = f"/incidents/{incident.id}"

    with browser(local) as person:
        form = fill_in(person.get(path))
        person.post(path, data=form, headers=origin(local))
        twice = person.post(path, data=form, headers=origin(local))
        strange = person.post(path, data={**form, "action": "delete"}, headers=origin(local))
        large = person.post(path, content=b"x" * 5000, headers=origin(local))
        unknown = person.post("/incidents/INC-404", data=form, headers=origin(local))

    assert twice.status_code == 409
    assert "you have acknowledged" in twice.text
    assert [one.status_code for one in (strange, large, unknown)] == [400, 400, 404]


def test_a_door_for_others_without_tokens_has_no_button(emptied_redis: str) -> None:
    """It says what to set; what is over has none either."""
    with running_door(emptied_redis, {}, host="0.0.0.0") as door:
        door.redis.flushall()
        keep_incident(door, 1)
        keep_incident(door, 2, State.RESOLVED)
        page, over = (door.http.get(f"/incidents/INC-{number}").text for number in (1, 2))

    assert "<form" not in page
    assert "set <code>ALERTROUTER_API_TOKENS</code>" in page
    assert "<form" not in over
    assert "ALERTROUTER_API_TOKENS" not in over


def test_the_cookie_is_kept_from_scripts_and_other_sites(local: Door) -> None:
    """It comes once; later pages go by it."""
    incident = fire(local, "Cookie")

    with browser(local) as person:
        first = person.get(f"/incidents/{incident.id}")
        again = person.get(f"/incidents/{incident.id}")

    assert first.headers["Set-Cookie"].partition(";")[2].strip() == "HttpOnly; Path=/incidents; SameSite=lax"
    assert "Set-Cookie" not in again.headers
    assert fill_in(first) == fill_in(again)

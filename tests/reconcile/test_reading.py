"""What is read of an Alertmanager, and what is not: over TLS, within bounds, and with nothing said of secrets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertrouter.errors import SourceError
from alertrouter.reconcile.reading import MOST_BYTES, Reading, joined, read
from alertrouter.reconcile.upstream import upstream
from alertrouter.settings import from_environment
from tests.reconcile.upstream import CONFIG, Alertmanager, alert, alertmanagers
from tests.standins import Answer, certificates
from tests.times import START


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    """One Alertmanager."""
    with alertmanagers(1) as (only,):
        yield only


def reading(url: str, **more: str) -> Reading:
    """Read it with these settings."""
    named = {f"ALERTROUTER_RECONCILE_{name}": value for name, value in more.items()}
    environ = {"ALERTROUTER_RECONCILE_URLS": url, "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter", **named}
    settings = from_environment(environ).reconcile
    return read(settings.sources[0][0], settings, datetime.now(UTC))


def test_all_is_asked_for_and_states_are_kept(alertmanager: Alertmanager) -> None:
    """Whatever holds an alert back, wherever it goes: it is listed, and said so."""
    alertmanager.listed = [
        alert("Fires"),
        alert("Silenced", state="suppressed"),
        alert("New", state="unprocessed"),
        alert("Theirs", receiver="other"),
        alert("Empty", gone=""),
    ]

    found = reading(alertmanager.url).listed.values()

    assert {(one.labels["alertname"], one.fires, one.ours) for one in found} == {
        ("Fires", True, True),
        ("Silenced", False, True),
        ("New", False, True),
        ("Theirs", True, False),
        ("Empty", True, True),
    }
    assert all("gone" not in one.labels for one in found)
    assert [one.path for one in alertmanager.received] == [
        "/api/v2/status",
        "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true",
        "/api/v2/silence/s",
    ]
    assert {one.labels["alertname"]: one.held for one in found if one.held} == {
        "Silenced": "silenced by sam until 2026-03-02 10:00 UTC (new disk)"
    }


def test_replicas_that_disagree_are_taken_at_their_most_cautious(alertmanager: Alertmanager) -> None:
    """What one of them holds back is held back, what one of them sends to us is ours; the earliest start counts."""
    alertmanager.listed = [alert("A", receiver="other"), alert("B")]
    one = reading(alertmanager.url)
    alertmanager.listed = [{**alert("A", state="suppressed"), "startsAt": "2026-03-02T09:00:00Z"}]
    other = reading(alertmanager.url)

    found = {listed.labels["alertname"]: listed for listed in joined([one, other]).values()}

    assert set(found) == {"A", "B"}
    assert (found["A"].fires, found["A"].ours) == (False, True)
    assert found["A"].starts_at == START - timedelta(hours=1)


def test_a_certificate_is_checked_against_the_file_that_the_settings_name(
    alertmanager: Alertmanager, tmp_path: Path
) -> None:
    """Without it, nothing is said to a server that could be anyone."""
    certificate, context = certificates.make(tmp_path)
    url = alertmanager.secured(context)
    alertmanager.lists("A")

    trusted = reading(url, CA_FILE=str(certificate))
    with pytest.raises(SourceError, match="no connection"):
        reading(url, TOKEN="hidden")

    assert len(trusted.listed) == 1
    assert all("authorization" not in one.headers for one in alertmanager.received)


@pytest.mark.parametrize("name", ["CA_FILE", "TOKEN_FILE", "PASSWORD_FILE"])
def test_a_file_that_is_not_there_is_named(alertmanager: Alertmanager, tmp_path: Path, name: str) -> None:
    """And nothing is asked."""
    _, context = certificates.make(tmp_path)

    with pytest.raises(SourceError, match=r"/not/there.*No such file or directory"):
        reading(alertmanager.secured(context), **{name: "/not/there"}, **_user(name))

    assert alertmanager.received == []


def _user(name: str) -> dict[str, str]:
    return {"USERNAME": "u"} if name == "PASSWORD_FILE" else {}


def test_an_answer_that_is_too_large_is_none(alertmanager: Alertmanager) -> None:
    """However it begins."""
    alertmanager.answer_next(Answer.of_json(alertmanager.status()), Answer(200, b"[" + b" " * MOST_BYTES))

    with pytest.raises(SourceError, match=f"larger than {MOST_BYTES} bytes"):
        reading(alertmanager.url)


@pytest.mark.parametrize("answer", [Answer(401, b"hidden"), Answer(drop=True), Answer(200, b"hidden"), Answer(404)])
def test_no_fault_says_anything_of_credentials_or_of_the_answer(alertmanager: Alertmanager, answer: Answer) -> None:
    """Neither of those in the settings nor of those in the address."""
    alertmanager.answer_always(answer)

    for url, more in (
        (alertmanager.url.replace("http://", "http://user:hidden@"), {}),
        (alertmanager.url, {"TOKEN": "hidden-token"}),
    ):
        with pytest.raises(SourceError) as error:
            reading(url, **more)
        assert "hidden" not in str(error.value)
        assert str(error.value).startswith(alertmanager.name)


def test_a_password_in_the_address_is_shown_to_alertmanager(alertmanager: Alertmanager) -> None:
    """As basic auth."""
    reading(alertmanager.url.replace("http://", "http://u:hidden@"))

    assert {one.headers["authorization"] for one in alertmanager.received} == {"Basic dTpoaWRkZW4="}


def test_its_configuration_says_how_long_it_may_take() -> None:
    """The longer of `group_wait` and `group_interval` of the route that leads to us; none while hours mute it."""
    found = upstream(CONFIG, ["alertrouter"], timedelta(seconds=15))

    assert found.fault == ""
    assert found.tells_within({"alertname": "A"}, START) == timedelta(seconds=75)
    assert found.tells_within({"team": "nights"}, START) is None
    assert found.tells_within({"team": "other"}, START) is None


def test_a_configuration_of_a_later_alertmanager_is_read_as_far_as_it_goes() -> None:
    """What isn't known in it, a receiver's kind or a global option, takes nothing else along."""
    config = CONFIG + "event_recorder: {}\nglobal: {later: {still: 1}}\n"
    later = config.replace("- name: other", "- {name: other, later_configs: [{key: <secret>}]}")

    found = upstream(later, ["alertrouter"])

    assert later != config
    assert found.fault == ""
    assert found.tells_within({"alertname": "A"}, START) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ("", "can't be read"),
        ("route: {receiver: a", "can't be read"),
        ("route: {receiver: a}\nreceivers: [{name: a}]\n", "no receiver named alertrouter"),
    ],
)
def test_a_configuration_that_says_nothing_of_us_opens_nothing(config: str, fault: str) -> None:
    """And why is said."""
    found = upstream(config, ["alertrouter"])

    assert fault in found.fault
    assert found.tells_within({"alertname": "A"}, START) is None

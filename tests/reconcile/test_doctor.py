"""`doctor` asks each Alertmanager, and says what keeps a poll from being believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.running import POLICIES, run
from tests.reconcile.upstream import Alertmanager, alertmanagers
from tests.standins import Answer


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    """One Alertmanager."""
    with alertmanagers(1) as (only,):
        yield only


def found(alertmanager: Alertmanager, tmp_path: Path) -> tuple[str, str]:
    """Verdict and text of the one finding, of an alertrouter that shows a token."""
    environ = {
        "ALERTROUTER_STATE_DIR": str(tmp_path / "state"),
        "ALERTROUTER_RECONCILE_URLS": alertmanager.url,
        "ALERTROUTER_RECONCILE_RECEIVERS": "alertrouter",
        "ALERTROUTER_RECONCILE_TOKEN": "hidden-token",
    }
    ran = run("doctor", "-o", "json", "--policy", str(POLICIES), environ=environ)
    (view,) = ran.json
    (one,) = [finding for finding in view["findings"] if finding["check"] == "reconcile"]
    assert "hidden-token" not in ran.out + ran.err
    return one["verdict"], one["text"].removeprefix(alertmanager.name)


def test_one_that_answers_is_fine(alertmanager: Alertmanager, tmp_path: Path) -> None:
    """It says how many alerts there are for us."""
    alertmanager.lists("A", "B")

    assert found(alertmanager, tmp_path) == ("fine", ": lists 2 alerts, 2 of them for us")


def test_one_that_has_just_started_is_a_warning(alertmanager: Alertmanager, tmp_path: Path) -> None:
    """It will be believed later."""
    alertmanager.up_for = timedelta(seconds=20)

    verdict, text = found(alertmanager, tmp_path)

    assert (verdict, text.partition(";")[2]) == ("warning", f" {alertmanager.name} has been up for less than 300 s")


@pytest.mark.parametrize(
    ("answer", "config", "expected"),
    [
        (Answer(401), None, "/api/v2/status: answered 401"),
        (Answer(302), None, "/api/v2/status: answered 302: give the address that it redirects to"),
        (Answer(200, b"<html>"), None, "/api/v2/status: $: not JSON (line 1, column 1)"),
        (None, "route: {receiver: pager}\nreceivers: [{name: pager}]\n", ": its configuration has no receiver named"),
        (None, "route: [", ": its configuration can't be read: "),
    ],
    ids=["401", "redirect", "a page", "no such receiver", "no configuration"],
)
def test_what_keeps_a_poll_from_being_believed_is_wrong(
    alertmanager: Alertmanager, tmp_path: Path, answer: Answer | None, config: str | None, expected: str
) -> None:
    """The finding names the Alertmanager and the reason."""
    alertmanager.answer_always(answer)
    alertmanager.config = config or alertmanager.config

    verdict, text = found(alertmanager, tmp_path)

    assert verdict == "wrong"
    assert text.startswith(expected)

"""`doctor` on the way back from Slack: a click that does nothing goes to the running door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from alertrouter.cli.checkup_slack import way_back
from alertrouter.cli.finding import Verdict
from alertrouter.settings import from_environment
from tests.servers import RedisServer
from tests.standins import HttpStandIn
from tests.standins.slack_socket import SlackSocketStandIn
from tests.web.door import Door, free_port, running_door

SECRET = "the-signing-secret-of-this-app"


@pytest.fixture(scope="module")
def hearing(shared_server: RedisServer) -> Iterator[Door]:
    """A door that has the secret."""
    with running_door(shared_server.url, {"SLACK_SIGNING_SECRET": SECRET}) as door:
        yield door


def found(environ: Mapping[str, str]) -> list[tuple[Verdict, str]]:
    """What is found with these settings; no secret stands in it."""
    findings = list(way_back(from_environment(environ)))
    assert SECRET not in str(findings)
    assert all(bool(one.mend) is (one.verdict is not Verdict.FINE) for one in findings)
    return [(one.verdict, one.text) for one in findings]


def at(port: int, secret: str = SECRET) -> dict[str, str]:
    """The settings of somebody who thinks that the door listens there."""
    return {"ALERTROUTER_LISTEN": f"127.0.0.1:{port}", "SLACK_SIGNING_SECRET": secret}


def test_a_door_that_takes_right_clicks_alone_is_fine(hearing: Door) -> None:
    """But Slack can't reach a loopback address, and that is said."""
    round_trip, reach = found(at(hearing.port))

    assert round_trip[0] is Verdict.FINE
    assert reach[0] is Verdict.WARNING
    assert f"ALERTROUTER_EXTERNAL_URL is http://127.0.0.1:{hearing.port}" in reach[1]


def test_a_door_with_another_secret_is_wrong(hearing: Door) -> None:
    """Every click would be refused."""
    verdict, text = found(at(hearing.port, "another-secret"))[0]

    assert (verdict, "another signing secret" in text) == (Verdict.WRONG, True)


def test_a_door_without_a_secret_is_wrong(door: Door) -> None:
    """It was not restarted."""
    verdict, text = found(at(door.port))[0]

    assert (verdict, "no signing secret" in text) == (Verdict.WRONG, True)


def test_a_door_that_takes_any_click_is_wrong() -> None:
    """Something in front answers in its place."""
    with HttpStandIn() as anybody:
        verdict, text = found(at(anybody.port))[0]

    assert (verdict, "answered 200 to a right click and 200 to a wrong one" in text) == (Verdict.WRONG, True)


def test_a_door_that_does_not_answer_is_wrong() -> None:
    """Nobody listens."""
    assert found(at(free_port()))[0][0] is Verdict.WRONG


def test_without_a_way_back_there_are_no_buttons() -> None:
    """A warning: everything else works."""
    ((verdict, text),) = found({})

    assert (verdict, "no buttons" in text) == (Verdict.WARNING, True)


@pytest.mark.parametrize(
    ("token", "verdict"), [(SlackSocketStandIn.app_token, Verdict.FINE), ("xapp-other", Verdict.WRONG)]
)
def test_socket_mode_needs_a_token_that_slack_takes(token: str, verdict: Verdict) -> None:
    """Slack is asked for a connection; none is opened."""
    with SlackSocketStandIn() as slack:
        assert [one for one, _ in found({"SLACK_APP_TOKEN": token, "SLACK_API_URL": slack.api_url})] == [verdict]
        assert slack.connections.items() == []

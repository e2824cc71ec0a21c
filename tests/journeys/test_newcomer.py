"""Somebody who has just installed alertrouter: no settings, no credentials, no Redis."""

import signal
import subprocess

from tests.journeys.installation import Alertrouter
from tests.journeys.programs import Programs, installed
from tests.waiting import eventually


def test_a_newcomer_sees_the_first_alert_arrive(programs: Programs) -> None:
    """The line that `up` prints, copied into a shell, makes a message stand on the page within a minute."""
    shell = installed("bash")
    installed("curl")
    newcomer = Alertrouter(programs, policy=None, environ={})
    line = eventually(lambda: _first_command(newcomer), within=10, what="`up` prints a curl line to copy")

    copied = subprocess.run([shell, "-c", line], capture_output=True, text=True, timeout=30, check=False)

    assert copied.returncode == 0, copied.stderr
    eventually(
        lambda: "Hello from your first alert" in newcomer.door.page("/"),
        within=60,
        what="the first alert stands on the page",
    )


def test_a_newcomer_is_told_which_channels_have_no_credentials(programs: Programs) -> None:
    """`up` says where messages go instead, and which setting is missing."""
    newcomer = Alertrouter(programs, policy=None, environ={})
    eventually(lambda: _first_command(newcomer), within=10, what="`up` says that it is ready")

    said = newcomer.up.text()

    for channel, setting in {
        "Slack": "SLACK_BOT_TOKEN",
        "PagerDuty": "PAGERDUTY_SERVICE_KEY",
        "Email": "SMTP_HOST",
    }.items():
        (line,) = [line for line in said.splitlines() if line.strip().startswith(channel)]
        assert "no credentials" in line
        assert "inbox" in line
        assert setting in line


def test_ctrl_c_stops_all_of_it(programs: Programs) -> None:
    """One SIGINT ends `up` with success and leaves no process behind."""
    newcomer = Alertrouter(programs, policy=None, environ={})
    roles = {process.role for process in newcomer.left()}
    assert roles == {"up", "router", "worker", "web", "valkey"}

    code = newcomer.up.stop(signal.SIGINT)

    assert code == 0
    assert newcomer.left() == []


def test_what_was_taken_in_is_still_there_after_a_restart(programs: Programs) -> None:
    """A newcomer who stops alertrouter and starts it again finds the inbox as it was."""
    first = Alertrouter(programs, policy=None, environ={})
    body = b'{"labels": {"alertname": "Kept", "component": "security"}, "annotations": {"summary": "Kept for later"}}'
    assert first.door.post("/api/v1/alerts", body) == 200
    eventually(lambda: "Kept for later" in first.door.page("/"), within=60, what="the message stands on the page")
    first.up.stop(signal.SIGINT)

    second = Alertrouter(programs, policy=None, environ={}, home=first.home)

    assert "Kept for later" in second.door.page("/")


def _first_command(newcomer: Alertrouter) -> str:
    lines = [line.strip() for line in newcomer.up.text().splitlines()]
    return next((line for line in lines if line.startswith("curl ")), "")

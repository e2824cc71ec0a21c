"""`heartbeats:` is read whole, or each fault in it is told at its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alertrouter.policy.load import load
from tests.policy.texts import SOUND, only_problem, problems

HEARTBEATS = """
heartbeats:
  prometheus:
    matchers: ['alertname="Watchdog"', 'cluster="eu"']
    every: 1m
    grace: 2m
    severity: critical
    team: ai
  nightly-backup: {every: 1d, labels: {component: ai, severity_hint: ""}, summary: No backup last night}
"""


def test_heartbeats_are_read() -> None:
    """What is left out: a minute of grace, the usual severity, a summary with the name."""
    policy = load({"a.yml": SOUND + HEARTBEATS})

    prometheus, backup = policy.heartbeats.values()
    assert (prometheus.name, prometheus.patience, prometheus.severity) == (
        "prometheus",
        timedelta(minutes=3),
        "critical",
    )
    assert prometheus.summary == "Heartbeat prometheus is missing"
    assert (backup.matchers, backup.patience) == ((), timedelta(days=1, minutes=1))
    assert backup.alert_labels() == {
        "alertname": "HeartbeatMissing",
        "heartbeat": "nightly-backup",
        "severity": "warning",
        "component": "ai",
        "severity_hint": "",
    }


def test_a_policy_knows_which_alerts_are_beats() -> None:
    """Only those that meet all matchers; without matchers none is."""
    policy = load({"a.yml": SOUND + HEARTBEATS})

    assert policy.heard_in({"alertname": "Watchdog", "cluster": "eu", "severity": "none"}) == ("prometheus",)
    assert policy.heard_in({"alertname": "Watchdog"}) == ()


def test_one_that_names_a_team_goes_there_ahead_of_the_tree_and_others_go_by_their_labels() -> None:
    """What the root would inherit to a child holds for it: here its escalation policies."""
    policy = load({"a.yml": SOUND + HEARTBEATS})
    prometheus, backup = policy.heartbeats.values()

    (ahead,) = policy.routes(prometheus.alert_labels())
    (below,) = policy.routes(backup.alert_labels())

    assert ahead.route.options.team == "ai"
    assert ahead.group_labels == {"alertname": "HeartbeatMissing", "heartbeat": "prometheus"}
    escalation = policy.escalation(ahead.route, "critical")
    assert escalation is not None
    assert escalation.name == "page"
    assert policy.route(ahead.route.id) is ahead.route
    assert below.route.key == '{}/{component="ai"}'


@pytest.mark.parametrize(
    ("heartbeat", "said"),
    [
        ("{grace: 1m}", "heartbeats.x: found no `every`, expected one"),
        ("{every: 0s}", "heartbeats.x.every: found `0s`, expected a duration greater than 0"),
        ("{every: 1m, interval: 1m}", "unknown key `interval`, did you mean `every`?"),
        ("{every: 1m, path: /beat}", "every heartbeat has an address of its own, /api/v1/heartbeat/ and its name"),
        ("{every: 1m, severity: critcal}", "unknown severity `critcal`, did you mean `critical`?"),
        ("{every: 1m, team: ia}", "unknown team `ia`, did you mean `ai`?"),
        ("{every: 1m, receiver: ai-chanel}", "unknown receiver `ai-chanel`, did you mean `ai-channel`?"),
        ("{every: 1m, team: business}", "team `business` has no role `oncall`, which level 2"),
        ("{every: 1m, labels: {alertname: X}}", "found the label `alertname`, expected others: alertrouter sets that"),
        ("{every: 1m, matchers: ['severity=\"none\"']}", 'found no `alertname="…"`, expected one: an alert that is a'),
        ("{every: 1m, matchers: ['alertname=~\"Watch.*\"']}", 'found no `alertname="…"`, expected one'),
        ("{every: 1m, matchers: ['alertname=\"HeartbeatMissing\"']}", "found `HeartbeatMissing`, expected another"),
    ],
)
def test_a_fault_is_told_with_what_was_expected(heartbeat: str, said: str) -> None:
    """Each with its key and its line."""
    shown = str(problems(f"{SOUND}\nheartbeats:\n  x: {heartbeat}\n")[0]).splitlines()[0]

    assert said in shown
    assert "heartbeats.x" in shown


def test_a_name_must_fit_into_an_address() -> None:
    """It is the last part of a URL."""
    shown = only_problem(f"{SOUND}\nheartbeats:\n  night/ly: {{every: 1d}}\n")

    assert "found the name `night/ly`, expected up to 64 letters, digits, `.`, `_`, `-`: it is part of a URL" in shown

"""A policy's answers: severity, who is told at once, what its hours hold; and the policies shown or shipped."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertrouter import policydir
from alertrouter.policy.load import load
from alertrouter.policy.reading.faults import holds_secret
from alertrouter.simulate.judging import TestResult, run_tests
from tests.policy.texts import SOUND, changed

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```yaml policy\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(encoding="utf-8"), re.DOTALL)


def test_an_unknown_severity_counts_as_the_default() -> None:
    """An alert whose label is missing or misspelt is neither lost nor the worst there is."""
    policy = load({"a.yml": changed("timezone:", "default_severity: info\ntimezone:")})

    assert [policy.severity(labels) for labels in ({}, {"severity": "crit"}, {"severity": "critical"})] == [
        "info",
        "info",
        "critical",
    ]
    assert [policy.rank(severity) for severity in ("info", "critical", "crit")] == [0, 2, 0]


def test_who_is_told_at_once_follows_from_severity_and_team() -> None:
    """The levels that start at once; without a policy the team's channel; on a plain route its receiver."""
    policy = load({"a.yml": SOUND.replace("- {notify: channel}", "- {notify: [oncall, channel, ai-leads]}")})
    (team,) = policy.routes({"component": "ai"})
    (plain,) = policy.routes({"component": "batch"})

    assert policy.receivers_for(team.route, "critical") == ("ai-pager", "ai-channel", "ai-leads")
    assert policy.receivers_for(team.route, "info") == ("ai-channel",)
    assert policy.receivers_for(plain.route, "critical") == ("ai-channel",)
    assert policy.route(team.route.id) is team.route


@pytest.mark.parametrize(
    ("hour", "muted", "inactive"),
    [(7, "", "outside business_hours"), (9, "muted by time interval business_hours", "")],
)
def test_time_intervals_hold_in_the_zone_of_the_policy(hour: int, muted: str, inactive: str) -> None:
    """On a Monday in March Berlin is an hour ahead: 07:00 is before, 09:00 within business hours."""
    mute = load({"a.yml": SOUND})
    active = load({"a.yml": changed("mute_time_intervals", "active_time_intervals")})
    now = datetime(2026, 3, 2, hour, tzinfo=UTC)

    assert mute.held_by(mute.root.routes[1], now) == muted
    assert active.held_by(active.root.routes[1], now) == inactive


def test_a_policy_test_keeps_what_its_author_expects() -> None:
    """Several escalation policies stand in one text, `none` is an empty one, a hold is named as it is told."""
    expected = "escalation: [page, warn], suppressed_by: [down, muted by time interval business_hours]"
    timeline = "events: [7m ack @omar, 12m snooze 30m]"
    timeline += ", expect: [0s ai-channel, 20m resolved ai-channel, 95m ack-expired]"
    both = load({"a.yml": changed("receivers: [ai-channel]}", f"{expected}, {timeline}}}")}).tests[0]
    none = load({"a.yml": changed("receivers: [ai-channel]}", "escalation: none, receivers: []}")}).tests[0]

    assert (both.escalation, both.receivers) == ("page, warn", None)
    assert both.suppressed_by == ("down", "muted by time interval business_hours")
    assert [str(one) for one in both.events] == ["7m ack @omar", "12m snooze 30m"]
    assert [str(one) for one in both.expect or ()] == ["0m ai-channel", "20m resolved ai-channel", "1h35m ack-expired"]
    assert none.expect is None
    assert (none.escalation, none.receivers) == ("", ())


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_reference_are_policies(text: str) -> None:
    """What people copy works."""
    assert all(result.passed for result in run_tests(load({"example.yml": text})))


def test_the_reference_has_an_example() -> None:
    """Or else the test above would look at nothing."""
    assert EXAMPLES


def _results() -> list[TestResult]:
    return list(run_tests(load(policydir.read(ROOT / "policies"))))


@pytest.mark.parametrize("result", _results(), ids=lambda result: result.test.name)
def test_the_built_in_policy_does_what_its_tests_say(result: TestResult) -> None:
    """Each of `policies/tests.yml`."""
    assert result.differences == ()


def test_the_built_in_policy_covers_every_component_receiver_and_rule() -> None:
    """No inhibition rule and no component without a test; every receiver is somebody's; no secret stands in it."""
    files = policydir.read(ROOT / "policies")
    policy = load(files)

    tested = {name for test in policy.tests for name in test.suppressed_by or ()}
    components = {test.labels.get("component") for test in policy.tests}
    used = {receiver for team in policy.teams.values() for receiver in team.roles.values()}

    assert tested == {rule.name for rule in policy.inhibit_rules}
    assert len(policy.inhibit_rules) == 7
    assert {"infrastructure", "ai", "security", "business", "database"} <= components
    assert used == set(policy.receivers)
    assert not any(map(holds_secret, files.values()))

"""A policy that is shown as an `alertmanager.yml` routes, inhibits and mutes as the policy does."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.alertmanager.original import as_alertmanager
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from tests.cli.running import POLICIES
from tests.journeys.programs import Programs, installed

RICH = """
timezone: Europe/Berlin
receivers: {chat: {inbox: {}}, pager: {inbox: {}}, "team: x": {inbox: {}}}
teams: {ops: {channel: chat, oncall: pager}}
escalation_policies: {page: {levels: [{notify: channel}, {after: 5m, notify: oncall}]}}
time_intervals:
  nights:
    - times: [{start_time: "00:00", end_time: "06:30"}, {start_time: "22:00", end_time: "24:00"}]
      weekdays: ["monday:friday", sunday]
  holidays:
    - {days_of_month: ["-3:-1", 1], months: ["january:march", 12], years: [2026, "2028:2030"], location: Asia/Tokyo}
    - {}
route:
  team: ops
  group_by: [alertname]
  escalate: {critical: page}
  routes:
    - {matchers: ['team="x"'], receiver: "team: x", group_by: ["..."], group_wait: 1m30s, continue: true}
    - matchers: ['team=~"x|y"', 'note!="it''s \\"so\\""']
      receiver: pager
      mute_time_intervals: [nights]
      routes:
        - {matchers: ['severity!~"info|"'], active_time_intervals: [holidays], repeat_interval: 1d}
inhibit_rules:
  - {name: down, source_matchers: ['alertname="Down"'], target_matchers: ['alertname!="Down"'], equal: [node, "a b"]}
"""
LABELS = (
    ("alertname", ("Down", "Slow")),
    ("team", ("", "x", "y")),
    ("severity", ("", "info", "critical")),
    ("note", ("", 'it\'s "so"')),
)


@pytest.fixture(params=["rich", "default"])
def policy(request: pytest.FixtureRequest) -> Policy:
    """A policy with every option, and the one that is built in."""
    if request.param == "rich":
        return load({"policy.yml": RICH})
    return load({file.name: file.read_text(encoding="utf-8") for file in POLICIES.glob("*.yml")})


def test_it_reads_back_as_a_policy_that_routes_alike(policy: Policy) -> None:
    """Same routes, groups, timings, hours and inhibition; of a team its channel stands for it."""
    conversion = convert("alertmanager.yml", as_alertmanager(policy))
    back = load(conversion.files)

    assert conversion.problems == ()
    for values in product(*(values for _, values in LABELS)):
        labels = {name: value for (name, _), value in zip(LABELS, values, strict=True) if value}
        assert [_told(back, labels)] == [_told(policy, labels)]
    assert back.time_intervals == policy.time_intervals
    assert [(one.source_matchers, one.target_matchers, one.equal) for one in back.inhibit_rules] == [
        (one.source_matchers, one.target_matchers, one.equal) for one in policy.inhibit_rules
    ]


def _told(policy: Policy, labels: dict[str, str]) -> list[object]:
    found = []
    for match in policy.routes(labels):
        options = match.route.options
        receiver = options.receiver or policy.receiver_named("channel", match.route)
        timings = (options.group_wait, options.group_interval, options.repeat_interval)
        hours = (options.mute_time_intervals, options.active_time_intervals)
        found.append((match.group_key, receiver, timings, hours))
    return list(found)


def test_alertmanager_itself_takes_it(policy: Policy, tmp_path: Path) -> None:
    """The real amtool reads it with Alertmanager's own parser, which Grafana's backend uses too."""
    file = tmp_path / "alertmanager.yml"
    shown = as_alertmanager(policy).replace("a b", "a_b")  # 0.25 knows no such label
    file.write_text(shown, encoding="utf-8")
    programs = Programs(tmp_path)

    checking = programs.start("amtool", [installed("amtool"), "check-config", str(file)])

    assert checking.process.wait(30) == 0, checking.text()


def test_nothing_says_how_a_receiver_is_reached() -> None:
    """Names are all that is shown of receivers: secrets can't be in it."""
    policy = load(
        {
            "policy.yml": 'receivers: {x: {webhook: {url: "https://example.com/hidden"}}}\n'
            "route: {receiver: x, group_by: [alertname]}\n"
        }
    )

    assert "hidden" not in as_alertmanager(policy)

"""The tests that a policy has of its own: the timeline that they expect is met, or the difference is shown."""

from __future__ import annotations

import pytest

from alertrouter.policy.load import load
from alertrouter.simulate.judging import TestResult, run_tests
from tests.timelines import TEXT

FIVE = """
tests:
  - name: a warning nobody takes becomes a page
    alert: {component: infra, severity: warning}
    at: 2026-03-02 10:00
    until: 95m
    expect:
      - 0m infra-channel
      - 20m infra-channel
      - 45m severity=critical
      - 45m infra-channel
      - 50m infra-pager
      - 65m infra-leads
      - 95m infra-pager
  - name: an acknowledgement holds for 30 minutes, not for ever
    alert: {component: ai, severity: critical}
    at: 2026-03-07 03:00
    until: 1h
    events: [7m ack @omar]
    expect: [0m ai-channel, 5m ai-pager, 37m ack-expired, 37m ai-pager, 52m ai-leads]
  - name: it got worse after the acknowledgement
    alert: {component: ai, severity: warning}
    at: 2026-03-02 10:00
    until: 40m
    events: [10m ack @omar, 30m severity critical]
    expect: [0m ai-channel, 30m severity=critical, 30m ai-channel, 35m ai-pager]
  - name: business waits for Monday
    alert: {component: business, severity: warning}
    at: 2026-03-06 17:50
    until: 64h
    expect: [0m business-channel, 3790m ops-leads]
  - name: resolved before the page, so no page
    alert: {component: security, severity: warning}
    at: 2026-03-08 02:00
    until: 30m
    events: [4m resolve]
    expect: [0m security-channel, 4m resolved security-channel]
"""


@pytest.mark.parametrize("result", run_tests(load({"p.yml": TEXT + FIVE})), ids=lambda result: result.test.name)
def test_whole_timelines_are_expected_and_met(result: TestResult) -> None:
    """What nobody takes climbs, what somebody takes stops for its time, what is worse beats that, hours are kept."""
    assert result.differences == ()


def test_an_unmet_timeline_is_shown_whole() -> None:
    """Something too early, something missing and something unexpected fail the test, with both timelines."""
    tests = """
tests:
  - name: wrong
    alert: {component: ai, severity: critical}
    until: 21m
    expect: [0m ai-channel, 6m ai-pager, 10m ack-expired]
"""

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    (difference,) = result.differences
    assert difference.what == "expect"
    assert difference.expected == ("0m ai-channel", "6m ai-pager", "10m ack-expired")
    assert difference.found == ("0m ai-channel", "5m ai-pager", "20m ai-leads")


def test_without_an_end_a_test_looks_as_far_as_it_speaks() -> None:
    """The pager at 5m is beyond what this one says."""
    tests = "tests:\n  - {name: first, alert: {component: ai, severity: critical}, expect: [0m ai-channel]}\n"

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    assert result.passed


def test_the_order_within_one_moment_is_left_open() -> None:
    """People list them as they think of them."""
    tests = """
tests:
  - name: raised
    alert: {component: ai, severity: warning}
    expect: [0m ai-channel, 20m ai-channel, 45m ai-channel, 45m severity=critical]
"""

    (result,) = run_tests(load({"p.yml": TEXT + tests}))

    assert result.passed


def test_who_is_on_call_is_told_by_name() -> None:
    """A level that notifies a schedule tells whoever has it then, in whichever way."""
    people = """
people:
  lena: {slack: U024BE7LH, pagerduty: "${PD_LENA}"}
  omar: {email: omar@example.com}
schedules:
  rota: {layers: [{people: [omar, lena], rotate: 1d, start: 2026-03-01, handover: "10:10"}], fallback: ai-leads}
tests:
  - name: handed over between two pages
    alert: {component: ai, severity: critical}
    at: 2026-03-02 10:00
    receivers: [ai-channel]
    until: 50m
    expect: [0m ai-channel, 5m omar, 20m ai-leads, 50m lena]
  - name: on call at once
    alert: {component: infra, severity: critical}
    at: 2026-03-02 10:00
    receivers: [omar]
    expect: [0m omar]
"""
    text = TEXT.replace("oncall: ai-pager", "oncall: rota").replace("channel: infra-channel", "channel: rota")

    results = run_tests(load({"policy.yml": text + people}))

    assert [result.differences for result in results] == [(), ()]

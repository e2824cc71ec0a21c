"""Policy texts that the tests change in one place, and what the loader then says."""

from __future__ import annotations

from textwrap import dedent

import pytest

from alertrouter.errors import PolicyError, Problem
from alertrouter.policy.load import load

SOUND = dedent("""\
    severities: [info, warning, critical]
    timezone: Europe/Berlin
    time_intervals:
      business_hours:
        - {weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: 18:00}]}
    receivers:
      ai-channel: {slack: {channel: "#ai-models"}}
      ai-pager: {pagerduty: {routing_key: "${PAGERDUTY_SERVICE_KEY}"}}
      ai-leads: {email: {to: ai-leads@example.com}}
    teams:
      ai: {channel: ai-channel, oncall: ai-pager, managers: ai-leads}
      business: {channel: ai-channel}
    escalation_policies:
      warn:
        raise: {to: critical, after: 45m}
        levels: [{notify: channel}]
      page:
        ack_timeout: 30m
        levels:
          - {notify: channel}
          - {after: 5m, notify: oncall}
          - {after: 20m, notify: managers, during: business_hours}
        repeat: {every: 30m, from: 2}
    route:
      team: ai
      escalate: {warning: warn, critical: page}
      routes:
        - {matchers: ['component="ai"'], group_by: [alertname]}
        - {matchers: ['component="batch"'], receiver: ai-channel, mute_time_intervals: [business_hours]}
    inhibit_rules:
      - {name: down, source_matchers: [alertname="Down"], target_matchers: ['severity="warning"'], equal: [instance]}
    tests:
      - {name: pages, alert: {severity: critical}, receivers: [ai-channel]}
    """)
"""A policy with one of everything."""


def changed(old: str, new: str) -> str:
    """The sound policy with one text in it replaced."""
    assert SOUND.count(old) >= 1, f"{old!r} is not in the sound policy"
    return SOUND.replace(old, new, 1)


def problems(*texts: str) -> tuple[Problem, ...]:
    """What is wrong with these files, named a.yml, b.yml and so on."""
    with pytest.raises(PolicyError) as error:
        load({f"{chr(ord('a') + number)}.yml": text for number, text in enumerate(texts)})
    return error.value.problems


def only_problem(*texts: str) -> str:
    """The one fault in these files, as it is shown."""
    (problem,) = problems(*texts)
    return str(problem)

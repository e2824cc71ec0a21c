"""The policy that timelines are shown of, and how a test lives through one."""

from __future__ import annotations

from datetime import datetime
from textwrap import dedent
from zoneinfo import ZoneInfo

from alertrouter.alert import Labels
from alertrouter.policy.load import load
from alertrouter.policy.policy import Policy
from alertrouter.policy.timeline import read_happening
from alertrouter.simulate.timeline import Timeline, live

TEXT = dedent("""\
    timezone: Europe/Berlin
    severities: [info, warning, critical]
    time_intervals:
      business_hours:
        - {weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}]}
    receivers:
      infra-channel: {slack: {channel: "#alerts-infra"}}
      infra-pager: {pagerduty: {routing_key: "${PD_INFRA}"}}
      infra-leads: {email: {to: [infra-leads@example.com]}}
      ai-channel: {slack: {channel: "#alerts-ai"}}
      ai-pager: {pagerduty: {routing_key: "${PD_AI}"}}
      ai-leads: {email: {to: [ai-leads@example.com]}}
      security-channel: {slack: {channel: "#alerts-security"}}
      security-pager: {pagerduty: {routing_key: "${PD_SECURITY}"}}
      ciso: {email: {to: [ciso@example.com]}}
      business-channel: {slack: {channel: "#alerts-business"}}
      ops-leads: {email: {to: [ops-leads@example.com]}}
      nowhere: {}
    teams:
      infra: {channel: infra-channel, oncall: infra-pager, managers: infra-leads}
      ai: {channel: ai-channel, oncall: ai-pager, managers: ai-leads}
      security: {channel: security-channel, oncall: security-pager, managers: ciso}
      business: {channel: business-channel, managers: ops-leads}
    escalation_policies:
      note: {levels: [{notify: channel}]}
      warn:
        raise: {to: critical, after: 45m}
        ack_timeout: 4h
        levels: [{notify: channel}, {after: 20m, notify: channel}]
      page:
        ack_timeout: 30m
        levels: [{notify: channel}, {after: 5m, notify: oncall}, {after: 20m, notify: managers}]
        repeat: {every: 30m, from: 2}
      office:
        ack_timeout: 8h
        levels: [{notify: channel}, {after: 30m, notify: managers, during: business_hours}]
    route:
      team: infra
      group_by: [component, alertname]
      group_interval: 1m
      escalate: {info: note, warning: warn, critical: page}
      routes:
        - {matchers: ['component="ai"'], team: ai}
        - {matchers: ['component="security"'], team: security, escalate: {warning: page}}
        - {matchers: ['component="business"'], team: business, escalate: {warning: office, critical: office}}
        - {matchers: ['component="both"'], receiver: infra-channel, continue: true, group_wait: 1m}
        - {matchers: ['component="both"'], receiver: nowhere}
    inhibit_rules:
      - name: node
        source_matchers: [alertname="NodeDown"]
        target_matchers: [alertname!="NodeDown"]
        equal: [node]
    """)
POLICY = load({"policy.yml": TEXT})
NIGHT = datetime(2026, 3, 7, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def lived(
    labels: Labels,
    until: str,
    *events: str,
    start: datetime = NIGHT,
    also_firing: tuple[Labels, ...] = (),
    policy: Policy = POLICY,
) -> Timeline:
    """What becomes of an alert."""
    return live(
        policy,
        labels,
        start=start,
        until=read_happening(f"{until} fire", ()).offset,
        events=[read_happening(event, policy.severities) for event in events],
        also_firing=also_firing,
    )

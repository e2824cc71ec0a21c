"""The policy that the stories of escalation follow."""

from __future__ import annotations

from tests.engine.story import Story

MINUTE = 60
POLICY = """
timezone: Europe/Berlin
severities: [info, warning, critical]
time_intervals:
  business_hours:
    - {weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "18:00"}], location: Europe/Berlin}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}}
  leads: {email: {to: [leads@example.com]}}
teams:
  ops: {channel: chat, oncall: pager, managers: leads}
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
  branch:
    levels:
      - {notify: channel, during: business_hours, else: skip}
      - {notify: oncall}
  thrice: {levels: [{notify: channel}], repeat: {every: 10m, times: 2}}
route:
  team: ops
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  escalate: {info: note, warning: warn, critical: page}
  routes:
    - {matchers: ['kind="office"'], escalate: {warning: office}}
    - {matchers: ['kind="branch"'], escalate: {warning: branch}}
    - {matchers: ['kind="thrice"'], escalate: {warning: thrice}}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname!="NodeDown"'], equal: [node]}
"""


def burning(severity: str, **labels: str) -> Story:
    """The disk is full, and the first level was told of it."""
    story = Story(POLICY)
    story.fire(0, "Disk", severity=severity, **labels)
    story.advance(0)
    return story


def minutes(story: Story) -> list[tuple[float, str]]:
    """The pages so far, by minute and receiver."""
    return [(second / MINUTE, to.split("/")[0]) for second, to in story.pages()]

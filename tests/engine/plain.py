"""The policy that plain stories of the engine follow: groups, routes, time intervals and one rule of inhibition."""

from __future__ import annotations

from tests.engine.story import Story

PLAIN = """
severities: [info, warning, critical]
reopen_within: 10m
receivers:
  chat: {webhook: {url: "${CHAT_URL}"}}
  pager: {webhook: {url: "${PAGER_URL}"}}
  quiet: {webhook: {url: "${QUIET_URL}", send_resolved: false}}
teams:
  ops: {channel: chat, oncall: pager}
time_intervals:
  nights:
    - times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]
  first_hour:
    - times: [{start_time: "10:00", end_time: "11:00"}]
escalation_policies:
  note: {levels: [{notify: channel}]}
  page: {ack_timeout: 30m, levels: [{notify: [channel, oncall]}, {after: 5m, notify: oncall}], repeat: {every: 30m}}
route:
  receiver: chat
  group_by: [cluster]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
    - {matchers: ['kind="both"'], receiver: pager, continue: true}
    - {matchers: ['kind="both"'], receiver: chat}
    - {matchers: ['kind="quiet"'], receiver: quiet}
    - {matchers: ['kind="muted"'], receiver: chat, mute_time_intervals: [first_hour]}
    - {matchers: ['kind="laddered"'], team: ops, escalate: {info: note, warning: note, critical: page}}
inhibit_rules:
  - {name: node, source_matchers: ['alertname="NodeDown"'], target_matchers: ['alertname=~"Svc.*"'], equal: [node]}
"""


def burning() -> Story:
    """One alert fires, and the chat was told of it when `group_wait` was over."""
    story = Story(PLAIN)
    story.fire(0, "A", cluster="c1")
    story.advance(30)
    return story

"""A policy that expects heartbeats, and an alert that is one."""

from __future__ import annotations

from tests.engine.story import Story

POLICY = """
receivers:
  chat: {webhook: {url: "${CHAT}"}}
  infra: {webhook: {url: "${INFRA}"}}
  pager: {webhook: {url: "${PAGER}"}}
teams:
  infra: {channel: infra, oncall: pager}
escalation_policies:
  page: {levels: [{notify: channel}, {after: 5m, notify: oncall}]}
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  routes:
    - {matchers: ['component="backup"'], receiver: infra}
heartbeats:
  prometheus: {matchers: ['alertname="Watchdog"', 'cluster="eu"'], every: 1m, grace: 30s, team: infra, escalate: {critical: page}, severity: critical}
  backup: {every: 10m, grace: 5m, labels: {component: backup}, summary: The backup did not run}
"""  # noqa: E501  one line a heartbeat


def watchdog(story: Story, second: float, cluster: str = "eu") -> None:
    """The alert that always fires is reported."""
    story.fire(second, "Watchdog", severity="none", cluster=cluster)

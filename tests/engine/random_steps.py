"""What may happen in a random story: alerts fire and end, time passes, people act, silences come and go, restarts."""

from __future__ import annotations

from hypothesis import strategies as st

from alertrouter.events import (
    Acknowledged,
    Escalated,
    Extended,
    Noted,
    Resolved,
    Snoozed,
    Unacknowledged,
)
from alertrouter.silence import SilenceMatcher

POLICY = """
severities: [info, warning, critical]
reopen_within: 10m
storm: {incidents: 2, within: 2m}
flapping: {flips: 2, within: 20m, stable_for: 5m}
receivers:
  chat: {slack: {channel: "#ops"}}
  pager: {pagerduty: {routing_key: "${PD}"}, webhook: {url: "${OTHER_URL}"}}
  leads: {email: {to: [leads@example.com], send_resolved: false}}
teams:
  ops: {channel: chat, oncall: pager, managers: leads}
time_intervals:
  some_minutes:
    - times: [{start_time: "10:05", end_time: "10:20"}]
escalation_policies:
  note: {levels: [{notify: channel, digest: 3m}], raise: {to: warning, after: 4m}}
  warn:
    raise: {to: critical, after: 3m}
    ack_timeout: 10m
    levels: [{notify: channel}, {after: 1m, notify: channel}]
  page:
    ack_timeout: 2m
    deliver_within: 90s
    fallback: channel
    levels:
      - {notify: channel}
      - {after: 1m, notify: oncall, during: some_minutes}
      - {after: 2m, notify: [managers, oncall]}
    repeat: {every: 5m, from: 2}
route:
  team: ops
  escalate: {info: note, warning: warn, critical: page}
  group_by: [cluster]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 5m
  routes:
    - {matchers: ['alertname="A"'], receiver: pager, continue: true, group_by: [alertname]}
    - {matchers: ['cluster="c2"'], team: ops, mute_time_intervals: [some_minutes]}
inhibit_rules:
  - {name: r1, source_matchers: ['alertname="A"'], target_matchers: ['alertname=~"B|C"'], equal: [cluster]}
  - {name: r2, source_matchers: ['severity="critical"'], target_matchers: ['severity=~".+"'], equal: [alertname]}
"""

names = st.sampled_from(["A", "B", "C", "D"])
clusters = st.sampled_from(["c1", "c2", "c3"])
severities = st.sampled_from(["info", "warning", "critical", "odd"])
seconds = st.integers(min_value=0, max_value=400)
fires = st.tuples(st.just("fire"), names, clusters, severities, st.none() | st.integers(1, 600), seconds)
ends = st.tuples(st.just("end"), names, clusters, severities, seconds)
passes = st.tuples(st.just("pass"), seconds)
settles = st.tuples(st.just("settle"), st.integers(0, 50), st.booleans(), seconds)
restarts = st.tuples(st.just("restart"))
kinds = st.sampled_from([Acknowledged, Unacknowledged, Extended, Snoozed, Resolved, Escalated, Noted])
acts = st.tuples(st.just("act"), kinds, st.sampled_from(["@lena", "@omar"]), st.integers(1, 4), st.booleans(), seconds)
matchers = st.sampled_from(
    [
        (SilenceMatcher("alertname", "B"),),
        (SilenceMatcher("cluster", "c1"), SilenceMatcher("severity", "info", is_equal=False)),
        (SilenceMatcher("alertname", "A|C", is_regex=True),),
        (SilenceMatcher("cluster", "c[12]", is_regex=True),),
    ]
)

silences = st.tuples(
    st.just("silence"), matchers, st.integers(-60, 300), st.sampled_from([60, 900, 3000]), st.booleans(), seconds
)

unsilences = st.tuples(st.just("unsilence"), st.integers(0, 5), st.booleans(), seconds)
hushes = silences | unsilences
findings = st.sampled_from(["missed", "gone", "held", "freed", "heard"])
reconciles = st.tuples(st.just("reconcile"), names, clusters, severities, findings, st.integers(0, 300), seconds)
steps = fires | fires | ends | passes | settles | settles | acts | acts | restarts | hushes | reconciles
stories = st.lists(steps, max_size=40)
Step = tuple[object, ...]
